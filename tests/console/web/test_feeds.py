"""Feed health and payloads as people see them."""

from datetime import timedelta

import pytest

from console.web import feeds
from tests.console.web.conftest import HOSTILE, PHONE


def row(site):
    return {str(k): v for k, v in site.home.ledger.rejections().iloc[0].to_dict().items()}


def test_health_says_how_far_behind(site):
    found = feeds.health(site, timedelta(days=1)).set_index("feed")
    assert found.loc["ground_hj212", "lag_h"] == 0
    assert found.loc["ground_hj212", "failed"] == 3
    assert found["lag_h"].isna()["sentinel2"], "it was never asked"


def test_a_payload_is_masked_unless_asked_otherwise(site):
    masked, open_ = (feeds.payload(site, row(site), unmasked=u) for u in (False, True))
    assert PHONE not in masked.text
    assert PHONE in open_.text
    assert HOSTILE[0] in masked.text


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("张示例".encode(), "张示例"),
        ("张示例".encode("gb18030"), "张示例"),
        (b"a\x00b\x1b[31m\r\n", "a␀b␛[31m␍\n"),
        (bytes(range(128, 160)), "80 81 82"),
        (b"", ""),
    ],
)
def test_bytes_are_shown_as_what_they_are(part, shown):
    assert feeds.readable(part).startswith(shown)
