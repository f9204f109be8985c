"""Pictures are given out by what they are, under the sign-in, and nothing that somebody wrote is followed."""

import hashlib

import pytest

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
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", PHOTO)
    assert answer.headers["x-content-type-options"] == "nosniff"


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
