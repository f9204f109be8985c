"""Pictures are given out by what they are, under the sign-in, and nothing that somebody wrote is followed."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from console.web.pictures import bare
from sample_feeds.photos import photo
from tests.console.web.conftest import HOSTILE

PHOTO = photo("IMG_1.png", "W")
PAGE = b"<html><script>window.struck=1</script>"


@pytest.fixture(scope="module")
def kept(home):
    for content, suffix in ((PHOTO, ".html"), (PAGE, ".png")):
        home.files.archive(content, suffix)
    return [hashlib.sha256(c).hexdigest() for c in (PHOTO, PAGE)]


def test_a_photo_is_a_photo_whatever_it_is_called(as_role, kept):
    answer = as_role("viewer").get(f"/photo/{kept[0]}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    given, shown = (np.asarray(Image.open(io.BytesIO(c)).convert("RGB"), float) for c in (PHOTO, answer.content))
    assert given.shape == shown.shape
    assert abs(given - shown).mean() < 5


def test_what_a_telephone_wrote_into_a_photo_is_not_shown():
    told = Image.Exif()
    told[0x0112], told[0x010F], told[0x013B] = 6, "Telephone 12", "Zhang Example"  # turned by 90 degrees; maker, artist
    told.get_ifd(0x8825)[2] = (28.0, 27.0, 3.5)  # GPS latitude
    picture = Image.new("RGB", (3000, 1500), "red")
    picture.paste("blue", (0, 0, 3000, 750))
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=told, comment=b"Zhang Example")
    assert b"Zhang Example" in out.getvalue()
    found = bare(out.getvalue())
    shown = Image.open(io.BytesIO(found))
    assert shown.size == (1024, 2048)
    assert shown.getpixel((1000, 1000))[2] > 200, "the upper half lies on the right after turning"
    assert not shown.getexif()
    assert not {"comment", "exif", "xmp", "icc_profile"} & set(shown.info)
    for word in (b"Zhang", b"Telephone", b"Exif"):
        assert word not in found


def huge():
    """A PNG of a few bytes that says it has four thousand million cells."""
    head = struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return PHOTO[:8] + chunk + PHOTO[33:]


@pytest.mark.parametrize(
    "content", [PHOTO[:400], b"\xff\xd8\xff\xe0 no picture", b"RIFF    WEBPVP8 ", huge(), PAGE, b""]
)
def test_what_cannot_be_drawn_is_not_given_out(content):
    assert bare(content) is None


def test_what_only_is_called_a_photo_is_not_given_out(as_role, kept):
    assert as_role("administrator").get(f"/photo/{kept[1]}").status_code == 404


@pytest.mark.parametrize("name", [*HOSTILE, "0" * 64, "*", "..%2f..%2fledger.sqlite", "A" * 64, "0" * 63 + "?"])
def test_only_digests_are_looked_for(as_role, name):
    answer = as_role("viewer").get("/photo/" + "".join(f"%{b:02x}" for b in name.encode()))
    assert answer.status_code == 404
    assert b"struck" not in answer.content


def test_strangers_get_none(stranger, kept):
    answer = stranger.get(f"/photo/{kept[0]}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
