"""Our index and class beside the official ones, row by row, with every difference given its reason.

Pure: observations and reference columns in, a `Verification` out. What the official side really does, where it differs
from the standard's text, was found by these comparisons and is told by profiles and categories.
"""

from typing import Protocol

import numpy as np
import pandas as pd

from domain.limits import editions
from domain.times import HOUR
from processing import aqi
from processing.aggregate import Observed, Wide, dates, day_of, times
from processing.comparison import (
    EQUAL,
    NONE_EITHER,
    OFFICIAL_NONE,
    OFFICIAL_NONE_PM,
    OURS_NONE,
    Verification,
    first_of,
    written,
)
from processing.verify_water import LIVE, water_class

INDEX, GRADE, PRIMARY = "index differs", "only the grade differs", "only the primary pollutant differs"


class Given(Protocol):
    """What a file with official values says."""

    @property
    def observations(self) -> pd.DataFrame | None: ...
    @property
    def reference(self) -> pd.DataFrame | None: ...
    @property
    def stations(self) -> pd.DataFrame | None: ...


def verify(medium: str, given: Given, *, profile: str = LIVE) -> Verification:
    """The comparison that belongs to a medium.

    Args:
        medium: air or water.
        given: observations with official values.
        profile: water: the rule of the class, a row of sw_class_profiles.csv. Air knows the live one only.

    Raises:
        ValueError: another medium than air or water, an unknown profile, or nothing given to compare.
    """
    if given.observations is None or given.reference is None or given.stations is None:
        raise ValueError("there are no observations with official values beside them")
    if medium == "air":
        return air(given.observations, given.reference)
    if medium == "water":
        return water_class(given.observations, given.reference, given.stations, profile=profile)
    raise ValueError(f"{medium!r} is neither air nor water")


def air(observations: pd.DataFrame, reference: pd.DataFrame, *, title: str = "hourly AQI") -> Verification:
    """Hourly index, category and primary pollutants against official ones.

    The index is that of the live platform's practice (2019 to 2020): the hour's values of the six pollutants, particles
    through the 24 h column, in the edition of the day.

    Args:
        observations: hourly observations, columns of the table.
        reference: station_id, time, aqi, grade, primary (comma separated, "" for none) as text.
        title: what the rows are called in the summary.
    """
    rows = observed(observations).wide(aqi.ITEMS, HOUR)
    ours = _our_air(rows)
    joined = reference.merge(ours, on=["station_id", "time"], how="left").drop_duplicates(
        ["station_id", "time"], keep="last"
    )
    official = pd.to_numeric(joined["aqi"], errors="coerce").to_numpy(float)
    index = joined["our_aqi"].to_numpy(float)
    same = {
        "index": index == official,
        "grade": (joined["grade"] == joined["our_grade"]).to_numpy(),
        "primary": (joined["primary"] == joined["our_primary"]).to_numpy(),
    }
    no_official, none = np.isnan(official), np.isnan(index)
    category = first_of(
        {
            NONE_EITHER: no_official & none,
            OFFICIAL_NONE_PM: no_official & joined["no_particles"].fillna(value=True).to_numpy(bool),
            OFFICIAL_NONE: no_official,
            OURS_NONE: none,
            INDEX: ~same["index"],
            GRADE: ~same["grade"],
            PRIMARY: ~same["primary"],
        },
        EQUAL,
    )
    out = joined.assign(ours=index, official=official, category=category)
    return Verification(title, LIVE, out.drop(columns=["aqi", "our_aqi", "no_particles"]).reset_index(drop=True))


def observed(observations: pd.DataFrame) -> Observed:
    """Observations as they stand, laid out side by side."""
    return Observed(observations if "tests" in observations else observations.assign(tests=""))


def _our_air(rows: Wide) -> pd.DataFrame:
    """Index, category and primary pollutants of each row in the edition of its day."""
    standard = editions("aqi", dates(day_of(rows.time)))
    parts = []
    for name in np.unique(standard):
        at = np.flatnonzero(standard == name)
        found = aqi.aqi(rows.values[at], str(name), aqi.HOURLY)
        primary = [",".join(sorted(text.split(","))) for text in aqi.named(found.primary)]
        particles = found.missing[:, [aqi.ITEMS.index("PM10"), aqi.ITEMS.index("PM2.5")]]
        parts.append(
            pd.DataFrame(
                {
                    "station_id": rows.subject[at],
                    "time": times(rows.time[at]),
                    "our_aqi": found.published,
                    "our_grade": aqi.category(found.published),
                    "our_primary": primary,
                    "no_particles": particles.all(axis=1),
                    "values": written(rows.values[at], aqi.ITEMS),
                }
            )
        )
    columns = ["station_id", "time", "our_aqi", "our_grade", "our_primary", "no_particles", "values"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
