"""What a file says of itself in its first bytes: only pictures a browser draws without running anything."""

#: First bytes of each kind: JPEG (ISO/IEC 10918-1, SOI and the marker after it), PNG (ISO/IEC 15948).
_SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
_RIFF, _WEBP = slice(0, 4), slice(8, 12)


def photo_type(content: bytes) -> str:
    """The media type of a photo by its content: image/jpeg, image/png, image/webp (RFC 9649); "" for all else."""
    if content[_RIFF] == b"RIFF" and content[_WEBP] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES.items() if content.startswith(start)), "")
