"""Done when every clearing, dump and bloom above the stated size is found in one clear scene, and none in a quiet year.

`python -m tests.bench.sky_truth` prints the same for three seeds and all kinds.
"""

from datetime import date

import numpy as np
import pytest

from tests.bench import sky_truth
from tests.sky_county import Sky

PROMISED = ("clearing", "dump", "bloom")


def kept(scores) -> None:
    for kind in PROMISED:
        this = scores[kind]
        assert this.injected > this.unseen, kind
        assert this.found == this.injected - this.unseen, kind
        assert set(this.scenes) == {1}, kind
    for kind, this in scores.items():
        assert this.false_quiet == 0, kind


def test_a_coarse_county_keeps_the_promise():
    sky = Sky(2, resolution=40, wanted={"clearing": 2, "dump": 2, "bloom": 2})
    scores = sky_truth.score(sky, sky.looks(date(2025, 11, 3), date(2026, 10, 1), every=8))
    kept(scores)
    assert sum(this.false for this in scores.values()) == 0


def test_the_year_is_not_an_easy_one():
    """Without its traps a simulator would prove nothing: clouds, seasons, harvests, a falling reservoir."""
    sky = Sky(2, resolution=40)
    looks = list(sky.looks(date(2025, 1, 3), date(2025, 12, 20), every=32))
    ndvi = [look.found.seen.now.index("ndvi")[sky.land.cover == 511] for look in looks]
    means = [np.nanmean(v) for v in ndvi if np.isfinite(v).any()]
    assert max(means) - min(means) > 0.4
    assert min(look.clear.mean() for look in looks) < 0.3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_seeds_keep_the_promise(capsys):
    for scores in sky_truth.run().values():
        kept(scores)
    assert capsys.readouterr().out.count("clearing") == len(sky_truth.SEEDS) + 1  # and all together
