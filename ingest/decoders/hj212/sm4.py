"""Encrypted data segments of HJ 212-2025 (6.4): SM4 in ECB mode without padding over the content of CP.

Every full block of 16 bytes is encrypted, the rest stays plain. Length and check value are those of the plain segment.
The standard prints the cipher as `{0xE4,0x3E,...}` but gives the plain length, which fits raw bytes on the wire; both
are taken.
"""

import re
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

from ingest.decoders.hj212.crc import crc

BLOCK = 16

_OPENING = re.compile(rb"##(\d{4})([^#&]{0,400}?CP=&&)", re.IGNORECASE)
_MN = re.compile(rb"MN=\s*([^;,]*?)\s*[;,]", re.IGNORECASE)
_CHECK = re.compile(rb"&&([0-9A-Fa-f]{4})")
_PRINTED = re.compile(rb"\{(0x[0-9A-Fa-f]{2}(?:,0x[0-9A-Fa-f]{2})*)\}([^&]{0,15})&&([0-9A-Fa-f]{4})")


def deciphered(payload: bytes, keys: Mapping[str, str]) -> bytes:
    """The payload with every frame that one of the keys opens in plain text, all other bytes and offsets unchanged.

    Args:
        payload: captured bytes.
        keys: MN -> 32 hex digits. A frame counts as opened only if its plain length and check value are then right.
    """
    # The standard prescribes this mode.
    ciphers = {mn: Cipher(SM4(bytes.fromhex(key)), ECB()) for mn, key in keys.items()}  # noqa: S305
    if not ciphers:
        return payload
    plain = bytearray(payload)
    for opening in _OPENING.finditer(payload):
        mn = _MN.search(opening[2])
        cipher = ciphers.get(mn[1].decode("utf-8", "replace")) if mn else None
        if cipher:
            _open(payload, plain, opening, cipher)
    return bytes(plain)


def looks_encrypted(segment: bytes) -> bool:
    """Whether the content of CP is cipher text: no text, or the printed form of the standard."""
    content = segment.partition(b"&&")[2]
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return content.startswith(b"{0x")


def _open(payload: bytes, plain: bytearray, opening: re.Match[bytes], cipher: Cipher[ECB]) -> None:
    """Write the plain text of the frame over its cipher text in `plain`, if the key fits."""
    length, body, content = int(opening[1]), opening.start() + 6, opening.end()
    tail = body + length
    check = _CHECK.match(payload, tail - 2)
    if check and int(check[1], 16) != crc(payload[body:tail]):
        text = _decrypt(payload[content : tail - 2], cipher)
        if crc(opening[2] + text + b"&&") == int(check[1], 16):
            plain[content : tail - 2] = text
    printed = _PRINTED.match(payload, content)
    if printed:
        blocks = bytes(int(byte, 16) for byte in printed[1].split(b","))
        segment = opening[2] + _decrypt(blocks, cipher) + printed[2] + b"&&"
        if len(segment) == length and crc(segment) == int(printed[3], 16):
            # The plain frame is shorter than what was sent; the difference becomes white space between frames.
            frame = segment + printed[3] + b"\r\n"
            plain[body : printed.end()] = frame.ljust(printed.end() - body)


def _decrypt(text: bytes, cipher: Cipher[ECB]) -> bytes:
    blocks = len(text) - len(text) % BLOCK
    return cipher.decryptor().update(text[:blocks]) + text[blocks:]
