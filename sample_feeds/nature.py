"""What changes between dates although nothing happens: seasons, harvests, sun, haze, veils, silt, falling reservoirs.

Without it the land of the simulator is that of one late summer. With it (`sky.nature` of a scenario) a year goes by, so
that "no false candidate in an undisturbed year" means something. Numbers are typical, not measured; none of them is a
threshold of the pipeline, which this package cannot see.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from domain.catalogue import read_table
from domain.times import LOCAL
from sample_feeds.grids import Codes, Field, Grid, noise, parcels
from sample_feeds.landscape import LAKE, Landscape, shading
from sample_feeds.scenario import Nature
from sample_feeds.spectra import EXPOSED, of
from sample_feeds.streams import stream

PHENOLOGY = Path(__file__).with_name("tables") / "phenology.csv"
LATITUDE, PASS_HOUR_ANGLE = 28.4, -20.0  # degrees; 10:38 at 120 E
#: Haze and shadow are bluer than the ground: share of the blue haze, and light left in shadow, by band.
HAZE = {"B02": 1.0, "B03": 0.72, "B04": 0.55, "B05": 0.48, "B08": 0.32, "B8A": 0.30, "B11": 0.10, "B12": 0.06}
SHADOW = {"B02": 0.56, "B03": 0.50, "B04": 0.46, "B05": 0.44, "B08": 0.40, "B8A": 0.40, "B11": 0.36, "B12": 0.34}


@dataclass(frozen=True)
class Mood:
    """One date on the county grid; every array has the grid's shape.

    `dormant` 0..1: share of the dormant look of each surface; `brightness`: factor by sun, slope and angle of view;
    `haze`: reflectance added in the blue; `veil` 0..1: cover of thin cloud that the scene classification misses;
    `silt` 0..1 and `algae` 0..1: in the waters, `glint`: reflectance added there; `exposed`: reservoir bed fallen dry;
    `shift`: rows and columns by which the image lies beside its place, pixels; `unmarked`: shadow nobody marked.
    """

    dormant: Field
    brightness: Field
    haze: Field
    veil: Field
    silt: Field
    algae: Field
    glint: float
    exposed: np.ndarray
    shift: tuple[float, float]
    unmarked: np.ndarray


@cache
def phenology() -> pd.DataFrame:
    """The year of each surface, indexed by land-cover code.

    Raises:
        CatalogueError: phenology.csv is not as it must be.
    """
    numbers = ["least", "on_doy", "on_width_d", "off_doy", "off_width_d", "spread_d", "scale_m"]
    table = read_table(PHENOLOGY, columns=["surface", "dormant", *numbers, "note"], key=["surface"])
    table.index = pd.Index(table["surface"].astype(int))
    return table[["dormant", *numbers]].astype(dict.fromkeys(numbers, float))


def mood(land: Landscape, nature: Nature, at: datetime, seed: int) -> Mood:
    """The date of an acquisition."""
    grid, day = land.grid, at.astimezone(LOCAL).date()
    rng = stream(seed, "mood", day.isoformat())
    height, azimuth = sun(day)
    angle = 1 + nature.angle * rng.standard_normal()
    codes, index = np.unique(land.cover, return_inverse=True)
    kinds = 1 + 0.35 * nature.angle * rng.standard_normal(len(codes))
    patchy = 1 + 0.3 * nature.angle * noise(rng, grid, 2500)
    brightness = (
        angle * kinds[index.reshape(grid.shape)] * patchy * shading(land.elevation, grid.resolution, height, azimuth)
    )
    hazy = nature.haze * rng.beta(1, 3)
    veil = np.zeros(grid.shape, dtype=np.float32)
    if rng.random() < nature.veil_share:
        veil = np.clip(0.12 * (noise(rng, grid, 1200) - 1.0), 0, 0.35).astype(np.float32)
    still = np.clip(rng.normal(0.3, 0.35), 0, 1)
    doy = day.timetuple().tm_yday
    summer = max(0.0, np.sin(np.pi * (doy - 90) / 240)) if 90 < doy < 330 else 0.0
    return Mood(
        dormant=dormancy(land, day, seed),
        brightness=np.clip(brightness, 0.3, 1.6).astype(np.float32),
        haze=np.clip(hazy * (1 + 0.3 * noise(rng, grid, 4000)), 0, None).astype(np.float32),
        veil=veil,
        silt=np.clip(still * (1 + 0.4 * noise(rng, grid, 1500)), 0, 1).astype(np.float32),
        algae=np.clip(0.04 * summer * (1 + 0.5 * noise(rng, grid, 700)), 0, None).astype(np.float32),
        glint=float(nature.glint * abs(rng.standard_normal())),
        exposed=exposed(land, nature, day, seed),
        shift=tuple(rng.normal(0, nature.registration_m / grid.resolution, 2)),
        unmarked=noise(rng, grid, 3000) > 1.6,
    )


def sun(day: date) -> tuple[float, float]:
    """Elevation and azimuth of the sun at the pass, degrees (declination by the day of the year)."""
    declination = np.radians(-23.44 * np.cos(2 * np.pi * (day.timetuple().tm_yday + 10) / 365.25))
    latitude, hour = np.radians(LATITUDE), np.radians(PASS_HOUR_ANGLE)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    south = np.sin(latitude) * np.cos(declination) * np.cos(hour) - np.cos(latitude) * np.sin(declination)
    azimuth = np.degrees(np.arctan2(np.cos(declination) * np.sin(hour), south)) + 180
    return float(np.degrees(np.arcsin(up))), float(azimuth)


def dormancy(land: Landscape, day: date, seed: int) -> Field:
    """Share of the dormant look, 0..1: stands and parcels differ by days, years by a week."""
    out = np.zeros(land.grid.shape, dtype=np.float32)
    late = 6 * stream(seed, "year", day.year).standard_normal()
    for code, row in phenology().iterrows():
        here = land.cover == code
        if not here.any():
            continue
        spread = _spread(land.grid, seed, int(code), float(row["scale_m"]), float(row["spread_d"]), day.year)
        doy = day.timetuple().tm_yday - late - spread[here]
        awake = _step(doy, row["on_doy"], row["on_width_d"])
        asleep = _step(doy, row["off_doy"], row["off_width_d"])
        green = awake - asleep if row["on_doy"] < row["off_doy"] else 1 - (asleep - awake)
        out[here] = (1 - row["least"]) * (1 - green)
    return out


@lru_cache(maxsize=64)
def _spread(grid: Grid, seed: int, code: int, scale_m: float, spread_d: float, year: int) -> Field:
    """Days by which a place is later than its kind: parcels of fields each by their own, woods smoothly."""
    field = parcels if scale_m < 200 else noise
    return spread_d * field(stream(seed, "spread", code, year if scale_m < 200 else 0), grid, scale_m)


def _step(doy: np.ndarray, when: float, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip((doy - when) / max(width / 2, 0.5), -30, 30)))


def exposed(land: Landscape, nature: Nature, day: date, seed: int) -> np.ndarray:
    """Reservoir bed that has fallen dry: the level is lowest in late winter, in each year by another amount."""
    lake = land.cover == LAKE
    if not lake.any() or not nature.drawdown_m:
        return np.zeros(lake.shape, dtype=bool)
    low = nature.drawdown_m * float(np.clip(1 + 0.2 * stream(seed, "level", day.year).standard_normal(), 0.4, 1.6))
    doy = day.timetuple().tm_yday
    fall = low * (0.5 + 0.5 * np.cos(2 * np.pi * (doy - 45) / 365.25))
    return lake & (_depth(land, seed) < fall)


def _depth(land: Landscape, seed: int) -> Field:
    """Depth of lakes when full, m: steep banks and gentle bays."""
    away = ndimage.distance_transform_edt(land.cover == LAKE) * land.grid.resolution
    steep = 0.10 * np.exp(0.5 * noise(stream(seed, "bed"), land.grid, 800))
    return np.asarray(away * steep, dtype=np.float32)


def waters(mood_: Mood, surface: Codes) -> Codes:
    """The surfaces of a date: bed where the reservoir has fallen dry."""
    return np.where(mood_.exposed & (surface == LAKE), np.uint16(EXPOSED), surface)


def seasoned(band: str, codes: Codes, index: np.ndarray, ground: Field, dormant: Field) -> Field:
    """The ground with its share of the dormant look.

    Args:
        band: name of the band.
        codes: the surfaces there are.
        index: position in `codes` of each pixel.
        ground: reflectance of the surfaces in full leaf.
        dormant: share of the dormant look.
    """
    table = phenology()
    asleep = [of(table.loc[code, "dormant"], band) if code in table.index else 0.0 for code in codes.tolist()]
    changes = np.isin(codes, table.index.to_numpy())[index]
    look = np.asarray(asleep, dtype=np.float32)[index]
    return np.where(changes, ground + dormant * (look - ground), ground)


def watered(band: str, wet: np.ndarray, ground: Field, silt: Field, algae: Field, glint: float) -> Field:
    """Waters with silt, a little algae and glint."""
    water = ground + silt * 0.7 * (of("turbid", band) - ground)
    water = water + algae * (of("bloom", band) - water) + glint
    return np.where(wet, water, ground)


def moved(ground: Field, shift: tuple[float, float]) -> Field:
    """The image shifted by parts of a pixel (bilinear)."""
    return np.asarray(ndimage.shift(ground, shift, order=1, mode="nearest"), dtype=np.float32)


def through_air(band: str, ground: Field, shaded: np.ndarray, haze: Field, veil: Field) -> Field:
    """The ground as it comes through the air: shadow first, then haze, then thin cloud nobody marked."""
    lit = np.where(shaded, ground * SHADOW[band], ground)
    hazy = lit * (1 - 0.5 * haze * HAZE[band]) + haze * HAZE[band]
    return np.asarray(hazy + veil * (of("cloud", band) - hazy), dtype=np.float32)
