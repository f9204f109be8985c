"""What is a photo is told by the first bytes."""

import pytest

from domain.photos import photo_type


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", ""),
        (b"<html><script>x()</script>", ""),
        (b"GIF89a", ""),
        (b"%PDF-1.7", ""),
        (b"\xff\xd8", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_tell(content, kind):
    assert photo_type(content) == kind
