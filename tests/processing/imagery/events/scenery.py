"""A hillside of 36 x 40 cells with a lake, for tests of events: surfaces by name, laid where a test wants them."""

from collections.abc import Mapping

import numpy as np

from processing.imagery.events import BANDS, ClearView, Comparison, Ground, References
from processing.imagery.grid import Grid
from processing.imagery.tables import thresholds

GRID = Grid("EPSG:32650", 760_020.0, 3_150_060.0, 10.0, 40, 36)
LIMITS: Mapping[str, float] = thresholds()
SHAPE = GRID.shape
#: blue green red rededge1 nir swir16 swir22; measured nowhere, typical.
SURFACES = {
    "wood": (0.023, 0.043, 0.029, 0.070, 0.276, 0.132, 0.060),
    "leafless": (0.042, 0.062, 0.074, 0.104, 0.190, 0.222, 0.142),
    "soil": (0.082, 0.113, 0.150, 0.178, 0.224, 0.312, 0.272),
    "browned soil": (0.060, 0.090, 0.110, 0.145, 0.235, 0.270, 0.205),  # with twigs left on it
    "rubble": (0.138, 0.150, 0.160, 0.170, 0.200, 0.236, 0.204),
    "char": (0.034, 0.040, 0.048, 0.058, 0.082, 0.158, 0.150),
    "pine": (0.022, 0.038, 0.027, 0.061, 0.240, 0.112, 0.050),
    "red pine": (0.027, 0.045, 0.052, 0.080, 0.205, 0.150, 0.083),
    "water": (0.030, 0.029, 0.017, 0.0125, 0.0085, 0.0045, 0.0035),
    "algae": (0.030, 0.058, 0.031, 0.080, 0.128, 0.030, 0.014),
    "cloud": (0.580, 0.570, 0.580, 0.590, 0.620, 0.430, 0.340),
    "unseen": (np.nan,) * 7,
}
LAKE = np.s_[16:34, 18:38]
PATCH = np.s_[4:10, 5:12]  # 42 cells on land
RAFT = np.s_[22:27, 24:31]  # 35 cells of water, off the shore
FILL = np.s_[16:28, 20:23]  # 36 cells of water, from the shore


def view(base: str = "wood", day: int = 20_000, **places: tuple[tuple[slice, slice], str]) -> ClearView:
    """A clear view of a day: `base` on land, water in the lake, and other surfaces where they are named."""
    bands = {name: np.full(SHAPE, SURFACES[base][i], dtype=np.float32) for i, name in enumerate(BANDS)}
    for where, surface in ((LAKE, "water"), *places.values()):
        for i, name in enumerate(BANDS):
            bands[name][where] = SURFACES[surface][i]
    return ClearView.never(SHAPE).after(bands, day)


def blend(first: ClearView, second: ClearView, share: float) -> ClearView:
    """`share` of the second view over the first, on the day of the first."""
    bands = {n: (1 - share) * first.bands[n] + np.float32(share) * second.bands[n] for n in BANDS}
    return ClearView.never(SHAPE).after(bands, int(np.nanmax(first.day)))


def ground(code: int | None = 131) -> Ground:
    """One township, one lake; land cover `code` on land, or no map."""
    waters = np.zeros(SHAPE, dtype=np.int32)
    waters[LAKE] = 1
    cover = None if code is None else np.where(waters > 0, 421, code).astype(np.uint16)
    return Ground(np.ones(SHAPE, dtype=np.int32), ("331102001",), waters, ("lake",), cover, GRID.resolution)


def compared(
    now: ClearView,
    latest: ClearView,
    *,
    season: ClearView | None = None,
    summer: ClearView | None = None,
    earlier: ClearView | None = None,
    code: int | None = 131,
) -> Comparison:
    """A day beside its references."""
    never = ClearView.never(SHAPE)
    references = References(latest, season or never, summer or never, earlier)
    return Comparison(now, int(np.nanmax(now.day)), references, ground(code), LIMITS)
