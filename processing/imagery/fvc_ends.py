"""The ends of fractional vegetation cover, found once over all years: NDVI of bare soil and of full cover.

The county's own ends (all land, all seasons) are those its values are made by. Those of single ecosystems and seasons
are told beside them, so that somebody who wants others can see what he would change.
Source: dimidiate pixel model, Gutman and Ignatov 1998 doi:10.1080/014311698215333; 5 % and 95 % quantiles.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from domain.errors import StoreError

LOW, HIGH = 0.05, 0.95
_STEP = 0.001
BINS = round(2 / _STEP)
#: Group and season that stand for all of them.
ALL = ""


@dataclass(frozen=True, slots=True)
class Ends:
    """NDVI (1) of bare soil and of full cover in one ecosystem and season; `n` views of cells they were found in."""

    ecosystem: str
    season: str
    soil: float
    vegetation: float
    n: int


@dataclass(frozen=True, slots=True)
class FvcFit:
    """Ends with what they were found in; `ends` begin with those of the county."""

    ends: tuple[Ends, ...]
    quarters: tuple[str, ...]
    cover: str  # id of the land-cover map; "" without one
    version: str = ""

    @property
    def county(self) -> Ends:
        """All land and seasons."""
        return self.ends[0]

    def stamped(self) -> "FvcFit":
        """The same fit with the version its numbers have."""
        content = json.dumps(asdict(replace(self, version="")), sort_keys=True)
        return replace(self, version=hashlib.sha256(content.encode()).hexdigest()[:8])

    def stated(self) -> str:
        """Where the ends come from, in one line."""
        return (
            f"soil {self.county.soil:.3f}, vegetation {self.county.vegetation:.3f}: {LOW:.0%} and {HIGH:.0%} of "
            f"{self.county.n} views of cells in {len(self.quarters)} quarters; fit {self.version}"
        )


def counted(ndvi: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Cells by group and bin of NDVI (n_groups, BINS); parts of an area, and seasons, may be counted apart and added.

    Args:
        ndvi: -1..1, NaN where not seen, any shape.
        groups: number 0..n_groups - 1 of each cell, below 0 outside.
        n_groups: how many groups there are.
    """
    known = np.isfinite(ndvi) & (groups >= 0)
    bins = np.clip(((ndvi[known] + 1) / _STEP).astype(np.int64), 0, BINS - 1)
    flat = np.bincount(groups[known].astype(np.int64) * BINS + bins, minlength=n_groups * BINS)
    return flat.reshape(n_groups, BINS)


def ends_of(counts: np.ndarray, ecosystem: str = ALL, season: str = ALL) -> Ends | None:
    """The ends of one row of counts, to 0.001; None where nothing was seen or all of it is alike."""
    total = int(counts.sum())
    if not total:
        return None
    low, high = np.searchsorted(np.cumsum(counts), [LOW * total, HIGH * total])
    soil, vegetation = (round(float(b + 1) * _STEP - 1, 3) for b in (low, high))
    return Ends(ecosystem, season, soil, vegetation, total) if vegetation > soil else None


def fit(
    counts: Mapping[str, np.ndarray], ecosystems: Sequence[str], quarters: Sequence[str], cover: str
) -> FvcFit | None:
    """The ends of the county, of each ecosystem, each season, and each ecosystem in each season; None for no view.

    Args:
        counts: season (Q1..Q4) -> counts by ecosystem, from `counted`.
        ecosystems: their names, in the order of the groups.
        quarters: the composites that were counted.
        cover: id of the land-cover map.
    """
    seasons = dict(sorted(counts.items()))
    total = sum(seasons.values(), np.zeros((len(ecosystems), BINS), dtype=np.int64))
    county = ends_of(total.sum(axis=0))
    if county is None:
        return None
    found = [county]
    found += [e for name, row in zip(ecosystems, total, strict=True) if name and (e := ends_of(row, name))]
    found += [e for season, rows in seasons.items() if (e := ends_of(rows.sum(axis=0), ALL, season))]
    found += [
        e
        for season, rows in seasons.items()
        for name, row in zip(ecosystems, rows, strict=True)
        if name and (e := ends_of(row, name, season))
    ]
    return FvcFit(tuple(found), tuple(quarters), cover).stamped()


def to_json(found: FvcFit) -> str:
    """A fit as text, the same for the same fit."""
    return json.dumps(asdict(found), ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def from_json(text: str) -> FvcFit:
    """A fit from its text.

    Raises:
        StoreError: no such text, or it was changed after the fit.
    """
    try:
        told: dict[str, Any] = json.loads(text)
        ends = tuple(Ends(**row) for row in told["ends"])
        found = FvcFit(ends, tuple(told["quarters"]), str(told["cover"]), str(told["version"]))
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"ends of the vegetation cover cannot be read ({error}); `sanyan sky fvc --keep`") from error
    if not found.ends or found.stamped().version != found.version:
        raise StoreError("ends of the vegetation cover do not match their version; run `sanyan sky fvc --keep` again")
    return found
