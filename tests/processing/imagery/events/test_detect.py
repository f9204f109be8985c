"""From changed cells to patches: kinds, sizes, and the two cells of width."""

import numpy as np
import pytest

from processing.imagery.events import BANDS, KINDS, ClearView, References, detect, minimum_ha, stated_ha
from processing.imagery.events.views import Ground, event_land
from tests.processing.imagery.events.scenery import FILL, LIMITS, PATCH, RAFT, SHAPE, ground, view

BEFORE, NOW = 20_000, 20_010


def found(now, code=131, latest=None, season=None):
    never = ClearView.never(SHAPE)
    references = References(latest or view(day=BEFORE), season or never, never)
    return detect(now.bands, NOW, references, ground(code), LIMITS)


def test_one_patch_is_of_one_kind():
    half = np.s_[4:10, 5:8]
    both = found(view(day=NOW, cut=(PATCH, "soil"), heap=(half, "rubble")))
    assert [(p.kind, len(p.rows)) for p in both.patches] == [("clearing", 42)]  # 24 cells of soil, 18 of rubble
    assert both.changes["dump"].changed.sum() == 18
    most = found(view(day=NOW, cut=(PATCH, "soil"), heap=(np.s_[4:10, 5:10], "rubble")))
    assert [p.kind for p in most.patches] == ["dump"]


def test_patches_come_in_order_whatever_touches():
    now = view(day=NOW, one=(np.s_[3:8, 3:8], "soil"), two=(np.s_[3:8, 20:25], "soil"), raft=(RAFT, "algae"))
    patches = found(now).patches
    assert [(p.kind, int(p.rows[0]), int(p.columns[0])) for p in patches] == [
        ("clearing", 3, 3), ("clearing", 3, 20), ("bloom", 22, 24),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (np.s_[4:6, 5:7], 0),  # 4 cells: 0.04 ha
        (np.s_[4:7, 5:8], 0),  # 9 cells
        (np.s_[4:9, 5:7], 1),  # 10 cells: 0.1 ha
        (np.s_[4:5, 5:35], 0),  # 30 cells, but a line
        ((np.r_[4, 5, [4] * 28], np.r_[5, 5, 6:34]), 0),  # a line with a corner
    ],
)
def test_what_is_small_or_thin_is_no_candidate(where, wanted):
    assert len(found(view(day=NOW, cut=(where, "soil"))).patches) == wanted


def test_rafts_of_one_water_body_are_one_patch():
    now = view(day=NOW, one=(np.s_[22:27, 22:27], "algae"), two=(np.s_[22:27, 30:35], "algae"))
    (patch,) = found(now).patches
    assert len(patch.rows) == 50


def test_chunks_of_a_county_give_the_cells_of_the_whole():
    now, latest = view(day=NOW, cut=(PATCH, "soil"), fill=(FILL, "soil")), view(day=BEFORE)
    whole = found(now, latest=latest).changes["clearing"].changed
    parts = []
    for rows in (slice(0, 18), slice(18, 36)):
        land = ground()
        cut = Ground(land.townships[rows], land.township_ids, land.waters[rows], land.water_ids, land.cover[rows], 10.0)
        views = [ClearView.of(v.stack()[:, rows]) for v in (now, latest)]
        never = ClearView.never(cut.waters.shape)
        made = detect(views[0].bands, NOW, References(views[1], never, never), cut, LIMITS, kinds=["clearing"])
        parts.append(made.changes["clearing"].changed)
    assert np.array_equal(np.vstack(parts), whole)


def test_what_is_cleared_is_counted_with_what_could_be_compared():
    now = view(
        day=NOW, one=(np.s_[3:8, 3:8], "soil"), two=(np.s_[3:8, 20:25], "rubble"), hole=(np.s_[12:14, :], "unseen")
    )
    made = found(now).cleared()
    assert made.n == 2
    assert [int((made.labels == n).sum()) for n in (1, 2)] == [25, 25]
    land = ground().waters == 0
    land[12:14] = False
    assert np.array_equal(made.comparable, land)
    assert not found(now, latest=ClearView.never(SHAPE)).cleared().comparable.any()
    assert found(view(day=NOW, fields=(PATCH, "soil")), code=511).cleared().n == 0  # a harvest is no clearing


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_has_its_rows(kind):
    assert stated_ha(kind, 0.01, LIMITS) > minimum_ha(kind, 0.01, LIMITS) > 0
    assert stated_ha(kind, 0.36, LIMITS) >= minimum_ha(kind, 0.36, LIMITS)
    assert set(KINDS[kind].shown) | {KINDS[kind].key} <= {*BANDS, *view().bands, *_named()}
    if KINDS[kind].group != "water":
        assert event_land(kind)


def _named():
    return {"ndvi", "bi", "nbr", "ndmi", "rgi", "ndci", "fai", "mndwi", "visible", "flat"}


def test_every_index_has_a_value_and_keeps_what_is_missing():
    seen = view(hole=(PATCH, "unseen"))
    for name in _named():
        values = seen.index(name)
        assert np.isfinite(values[0, 0]), name
        assert np.isnan(values[PATCH]).all(), name
        assert values is seen.index(name)
    with pytest.raises(KeyError):
        seen.index("ndxi")


def test_a_view_survives_its_stack():
    seen = view(hole=(PATCH, "unseen"))
    again = ClearView.of(seen.stack())
    for name in BANDS:
        np.testing.assert_array_equal(again.bands[name], seen.bands[name])
    np.testing.assert_array_equal(again.day, seen.day)


def test_a_later_scene_is_laid_over_the_view_and_leaves_its_holes():
    later = view(day=NOW, cut=(np.s_[:, :], "soil"), hole=(PATCH, "unseen"))
    both = view(day=BEFORE).after(later.bands, NOW)
    assert (both.day[PATCH] == BEFORE).all()
    assert (np.delete(both.day.ravel(), np.ravel_multi_index(np.indices(SHAPE)[:, *PATCH], SHAPE).ravel()) == NOW).all()
    np.testing.assert_array_equal(both.index("ndvi")[PATCH], view().index("ndvi")[PATCH])


def test_a_map_of_another_shape_is_refused():
    from domain.registry import Zones
    from tests.processing.imagery.events.scenery import GRID

    none = Zones((), (), (), (), ())
    with pytest.raises(ValueError, match="land cover has shape"):
        Ground.of(GRID, none, none, np.zeros((3, 3), dtype=np.uint16))
