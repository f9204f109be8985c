"""What events are seen with: the clear view of a day, the earlier views it is compared with, and the ground below."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import xarray as xr
from scipy import ndimage

from domain.catalogue import TABLES_DIR, read_table
from domain.registry import Zones
from processing.imagery import indices
from processing.imagery.grid import Grid, Window
from processing.imagery.tables import thresholds, wavelengths
from processing.imagery.zonal import zone_raster

#: Reflectances an event may need (STAC common names), in the order of `ClearView.stack`.
BANDS = ("blue", "green", "red", "rededge1", "nir", "swir16", "swir22")
_EPOCH = date(1970, 1, 1)
#: Dark water gives reflectances of zero and less in the short-wave infrared, where a ratio has no meaning; it is water.
DARKEST = np.float32(1e-4)


@dataclass(frozen=True, slots=True)
class ClearView:
    """Reflectance per band as last seen clear in each cell, and the day of it (since 1970-01-01; NaN = never).

    `index` makes each index once. A day's own scene is a view too: `never(shape).after(bands, day)`.
    """

    bands: Mapping[str, np.ndarray]
    day: np.ndarray
    _made: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def never(cls, shape_yx: tuple[int, int]) -> "ClearView":
        """Nothing seen yet."""
        nothing = np.full(shape_yx, np.nan, dtype=np.float32)
        return cls(dict.fromkeys(BANDS, nothing), nothing)

    @classmethod
    def of(cls, stack: np.ndarray) -> "ClearView":
        """The view of a `stack` (8, y, x)."""
        return cls(dict(zip(BANDS, stack[:-1], strict=True)), stack[-1])

    def stack(self) -> np.ndarray:
        """The bands in the order of BANDS and the day, float32 (8, y, x)."""
        return np.stack([*(self.bands[band] for band in BANDS), self.day]).astype(np.float32)

    def after(self, bands: Mapping[str, np.ndarray], day: int) -> "ClearView":
        """The view once a scene of `day` has been laid over it; cells the scene does not see keep the older view.

        A cell is seen when red and near infrared are and it does not look like green land in a shadow that nobody
        marked (`shaded`). A band the scene lacks is NaN there, so that no index mixes days.
        """
        seen = np.isfinite(bands["red"]) & np.isfinite(bands["nir"]) & ~shaded(bands, self)
        lacking = np.full(seen.shape, np.nan, dtype=np.float32)
        laid = {
            band: np.where(seen, bands.get(band, lacking), self.bands[band]).astype(np.float32, copy=False)
            for band in BANDS
        }
        return ClearView(laid, np.where(seen, np.float32(day), self.day).astype(np.float32, copy=False))

    def index(self, name: str) -> np.ndarray:
        """An index of the module `indices`, `visible` (mean of blue, green, red), `flat`, or a band; float32 (y, x).

        Raises:
            KeyError: no such index.
        """
        if name in self.bands:
            return self.bands[name]
        if name not in self._made:
            function, names = _INDICES[name]
            layers = (xr.DataArray(self.bands[band], dims=("y", "x")) for band in names)
            self._made[name] = function(*layers).values.astype(np.float32, copy=False)
        return self._made[name]


def shaded(bands: Mapping[str, np.ndarray], before: ClearView) -> np.ndarray:
    """True where what was green became dark in the infrared, near and short-wave: a shadow nobody marked.

    Kept as a view it would hide what happened under it. Soil, rubble and char are bright in SWIR1 and are not meant;
    water is dark too, but green land that stays under water has no event to find. See shade_* of the thresholds.
    """
    limits = thresholds()
    if "swir16" not in bands:
        return np.zeros(before.day.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (before.index("ndvi") >= limits["clearing_ndvi_before_min"])
            & (before.index("mndwi") < 0)  # a bloom is green too, and its end is dark water
            & (bands["nir"] <= limits["shade_nir_max"] * before.bands["nir"])
            & (bands["swir16"] <= limits["shade_swir_max"] * before.bands["swir16"])
        )


def _fai(red: xr.DataArray, nir: xr.DataArray, swir16: xr.DataArray) -> xr.DataArray:
    nm = wavelengths()
    return indices.fai(red, nir, swir16, red_nm=nm["B04"], nir_nm=nm["B08"], swir1_nm=nm["B11"])


def _mndwi(green: xr.DataArray, swir16: xr.DataArray) -> xr.DataArray:
    return indices.mndwi(green.clip(min=DARKEST), swir16.clip(min=DARKEST))


def _visible(blue: xr.DataArray, green: xr.DataArray, red: xr.DataArray) -> xr.DataArray:
    return (blue + green + red) / np.float32(3)


_INDICES: dict[str, tuple[Callable[..., xr.DataArray], tuple[str, ...]]] = {
    "ndvi": (indices.ndvi, ("red", "nir")),
    "bi": (indices.bi, ("blue", "red", "nir", "swir16")),
    "nbr": (indices.nbr, ("nir", "swir22")),
    "ndmi": (indices.ndmi, ("nir", "swir16")),
    "rgi": (indices.rgi, ("red", "green")),
    "ndci": (indices.ndci, ("red", "rededge1")),
    "fai": (_fai, ("red", "nir", "swir16")),
    "mndwi": (_mndwi, ("green", "swir16")),
    "visible": (_visible, ("blue", "green", "red")),
    # Soil rises steeply from blue to short-wave infrared; rubble, concrete and mixed waste are grey.
    "flat": (indices.normalized_difference, ("swir16", "blue")),
}


@dataclass(frozen=True, slots=True)
class References:
    """The views a day is compared with: `never` where there is none.

    `latest` is the view just before the day, `earlier` that of some weeks ago, `season` that of the same season a year
    earlier, `summer` that of early summer of the same year (needles before the beetle flies). See `reference_days`.
    """

    latest: ClearView
    season: ClearView
    summer: ClearView
    earlier: ClearView | None = None  # None: there is none

    def greenest(self, day: int, limits: Mapping[str, float]) -> ClearView:
        """Of the latest and the earlier view the one with the higher NDVI, cell by cell: land before it was changed.

        Haze, thin cloud, shadow and a change that was seen but not told lower NDVI, so of two views the greener one is
        the cleaner (maximum-value composite: Holben 1986 doi:10.1080/01431168608948945). An earlier view older than
        clearing_gap_max_days is of another season and is not taken.
        """
        if self.earlier is None:
            return self.latest
        with np.errstate(invalid="ignore"):
            fresh = day - self.earlier.day <= limits["clearing_gap_max_days"]
            better = fresh & ~(self.latest.index("ndvi") >= self.earlier.index("ndvi"))
        bands = {name: np.where(better, self.earlier.bands[name], self.latest.bands[name]) for name in BANDS}
        return ClearView(bands, np.where(better, self.earlier.day, self.latest.day))

    def brightest(self, band: str) -> np.ndarray:
        """The highest reflectance of the latest, the earlier and the season's view: that of a place in full light."""
        views = (self.latest, self.season) if self.earlier is None else (self.latest, self.season, self.earlier)
        return np.fmax.reduce([view.bands[band] for view in views])


def reference_days(day: date, limits: Mapping[str, float]) -> dict[str, date]:
    """Reference -> the day as of which its clear view is to be taken: the last finished day not after it.

    `earlier`: earlier_days before. `season`: a year before and season_window_days later, so that the view taken is on
    average of the same season.
    """
    return {
        "earlier": day - timedelta(days=int(limits["earlier_days"])),
        "season": day - timedelta(days=365 - int(limits["season_window_days"])),
        "summer": date(day.year, 1, 1) + timedelta(days=int(limits["pine_summer_doy"]) - 1),
    }


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of each cell whatever the day.

    `townships` and `waters` are numbers of the zones (0 = none); `cover` holds codes of landcover.csv or is None.
    """

    townships: np.ndarray
    township_ids: tuple[str, ...]
    waters: np.ndarray
    water_ids: tuple[str, ...]
    cover: np.ndarray | None
    resolution: float
    codes: tuple[int, ...] = ()  # of the land covers of the whole county

    @classmethod
    def of(cls, grid: Grid, townships: Zones, waters: Zones, cover: np.ndarray | None = None) -> "Ground":
        """The ground of a county on a grid.

        Raises:
            ValueError: the land-cover map has another shape.
        """
        if cover is not None and cover.shape != grid.shape:
            raise ValueError(f"land cover has shape {cover.shape}; the grid has {grid.shape}")
        towns, bodies = zone_raster(townships, grid), zone_raster(waters, grid)
        codes = () if cover is None else tuple(sorted({code for row in cover for code in np.unique(row).tolist()}))
        return cls(towns, townships.ids, bodies, waters.ids, cover, grid.resolution, codes)

    def part(self, window: Window) -> "Ground":
        """The ground of a window."""
        cover = None if self.cover is None else self.cover[window.cells]
        return replace(self, townships=self.townships[window.cells], waters=self.waters[window.cells], cover=cover)

    def allowed(self, kind: str) -> np.ndarray:
        """Where an event of a kind may be: land of the county with a cover named for it in imagery_event_land.csv.

        Without a land-cover map all land; what rotates by nature (paddies, orchards) then gives false candidates, and
        their confidence says so.
        """
        land = (self.townships > 0) & (self.waters == 0)
        return land if self.cover is None else land & np.isin(self.cover, event_land(kind))

    def groups(self) -> np.ndarray:
        """Surfaces that share a season: the land cover, one group when there is no map. Whole numbers from 0."""
        if self.cover is None:
            return np.zeros(self.townships.shape, dtype=np.int32)
        codes = np.array(self.codes) if self.codes else np.unique(self.cover)
        return np.searchsorted(codes, self.cover).astype(np.int32)

    def shore_m(self) -> np.ndarray:
        """Distance of each water cell's centre to the shore, m; 0 on land. The edge of the grid is no shore."""
        if not self.waters.any():
            return np.zeros(self.waters.shape)
        return np.asarray(ndimage.distance_transform_edt(self.waters > 0, sampling=self.resolution))


def reach_m(limits: Mapping[str, float]) -> float:
    """How far from a cell, m, what lies there may decide whether an event is found in it: distances to the shore."""
    return max(limits["shore_buffer_m"], limits["drawdown_ring_m"] * limits["drawdown_rings"])


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: float) -> date:
    """The day of a number of days since 1970-01-01."""
    return _EPOCH + timedelta(days=int(number))


@cache
def event_land(kind: str) -> tuple[int, ...]:
    """The land-cover codes on which an event of a kind may be, from imagery_event_land.csv.

    Raises:
        KeyError: the table has no such kind: a mistake of ours.
    """
    path = TABLES_DIR / "imagery_event_land.csv"
    frame = read_table(path, columns=["kind", "codes", "why", "confidence"], key=["kind"])
    return tuple(int(code) for code in frame.set_index("kind")["codes"].loc[kind].split())
