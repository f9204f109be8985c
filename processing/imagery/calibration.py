"""A satellite product against ground stations: a straight line, its fit, and what is left when a part is left out.

A line is kept only when it has enough pairs and predicts what it has not seen; otherwise values stay relative.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from domain.errors import StoreError

Scheme = Literal["pair", "station"]
#: Why a line is not kept.
REASONS = ("pairs", "stations", "flat", "inverse", "weak")


@dataclass(frozen=True, slots=True)
class Fit:
    """ground = slope x sky + intercept, with how well it holds; r2, rmse in the unit of the ground value."""

    product: str
    parameter: str  # of the stations
    unit: str
    predictor: str  # what `sky` is
    scheme: str  # what is left out in turn: pair or station
    n: int
    n_stations: int
    slope: float
    intercept: float
    r2: float
    rmse: float
    out_r2: float  # of values predicted by lines that did not see them
    out_rmse: float
    reason: str = ""  # why the line is not kept, one of REASONS; "" when it is
    version: str = ""

    @property
    def kept(self) -> bool:
        """Whether values may be called calibrated."""
        return not self.reason

    def apply(self, layer: xr.DataArray) -> xr.DataArray:
        """The layer in the unit of the stations, not below 0, calibrated; as it is, marked relative, when not kept.

        Args:
            layer: the product, in its own unit.
        """
        if not self.kept:
            return layer.assign_attrs(mark="relative")
        value = (layer * self.slope + self.intercept).clip(min=0).astype(layer.dtype)
        said = {"units": self.unit, "mark": "calibrated", "calibration": self.stated(), "version": self.version}
        return value.assign_attrs(layer.attrs | said)

    def stamped(self) -> "Fit":
        """The same fit with the version its numbers have."""
        content = json.dumps(asdict(replace(self, version="")), sort_keys=True)
        return replace(self, version=hashlib.sha256(content.encode()).hexdigest()[:8])

    def stated(self) -> str:
        """The fit in one line, for the detail of every value made with it."""
        return (
            f"{self.parameter} = {self.slope:.4g} x {self.predictor} {self.intercept:+.4g}; n {self.n}, stations "
            f"{self.n_stations}, R2 {self.r2:.2f}, RMSE {self.rmse:.3g} {self.unit}; leave one {self.scheme} out R2 "
            f"{self.out_r2:.2f}, RMSE {self.out_rmse:.3g}; fit {self.version}"
        )


def line(
    pairs: pd.DataFrame,
    *,
    product: str,
    parameter: str,
    unit: str,
    predictor: str,
    scheme: Scheme,
    n_min: float,
    stations_min: float,
    r2_min: float,
) -> Fit:
    """The least-squares line of ground values on satellite values, judged by values it has not seen.

    Leave one pair out is exact by the hat matrix; leave one station out fits anew without every station in turn. Sums
    are exact (`math.fsum`), so the order of the pairs changes no bit.

    Args:
        pairs: station_id, sky, ground; none missing.
        product: id in imagery_products.csv.
        parameter: what the stations measured.
        unit: of it.
        predictor: what `sky` is, for people.
        scheme: what is left out in turn.
        n_min: fewest pairs.
        stations_min: fewest stations among them.
        r2_min: lowest R2 of left-out values.

    Raises:
        ValueError: a value is missing.
    """
    x, y = pairs["sky"].to_numpy(float), pairs["ground"].to_numpy(float)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("pairs must be finite; leave missing ones out")
    groups = pairs["station_id"].astype(str).to_numpy()
    slope, intercept = _least_squares(x, y)
    left_out = y - (_without_each(x, y) if scheme == "pair" else _without_groups(x, y, groups))
    (r2, rmse), (out_r2, out_rmse) = _goodness(y, y - (slope * x + intercept)), _goodness(y, left_out)
    found = Fit(
        product=product,
        parameter=parameter,
        unit=unit,
        predictor=predictor,
        scheme=scheme,
        n=len(x),
        n_stations=len(set(groups)),
        slope=slope,
        intercept=intercept,
        r2=r2,
        rmse=rmse,
        out_r2=out_r2,
        out_rmse=out_rmse,
    )
    return replace(found, reason=_judged(found, n_min, stations_min, r2_min)).stamped()


def to_json(fits: Iterable[Fit]) -> str:
    """Fits as text, the same for the same fits; numbers that do not exist are null."""
    rows = [
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(fit).items()}
        for fit in sorted(fits, key=lambda f: f.product)
    ]
    return json.dumps(rows, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def from_json(text: str) -> dict[str, Fit]:
    """Product -> fit from their text.

    Raises:
        StoreError: no such text, or it was changed after the fit.
    """
    try:
        rows: list[dict[str, Any]] = [
            {k: math.nan if v is None else v for k, v in row.items()} for row in json.loads(text)
        ]
        fits = [Fit(**row) for row in rows]
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"calibrations cannot be read ({error}); run `sanyan sky fit --keep` again") from error
    changed = [fit.product for fit in fits if fit.stamped().version != fit.version]
    if changed:
        raise StoreError(f"calibrations of {', '.join(changed)} do not match their version; fit them again")
    return {fit.product: fit for fit in fits}


def _judged(fit: Fit, n_min: float, stations_min: float, r2_min: float) -> str:
    if fit.n < n_min:
        return "pairs"
    if fit.n_stations < stations_min:
        return "stations"
    if math.isnan(fit.slope):
        return "flat"
    if fit.slope <= 0:
        return "inverse"
    return "" if fit.out_r2 >= r2_min else "weak"


def _least_squares(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and intercept; NaN when the line is not determined."""
    if len(x) < 2:
        return math.nan, math.nan
    mx, my = math.fsum(x) / len(x), math.fsum(y) / len(y)
    sxx = math.fsum((x - mx) ** 2)
    if sxx == 0:
        return math.nan, math.nan
    slope = math.fsum((x - mx) * (y - my)) / sxx
    return slope, my - slope * mx


def _without_each(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Each value as predicted by the line through all others."""
    slope, intercept = _least_squares(x, y)
    if math.isnan(slope) or len(x) < 3:
        return np.full(len(x), np.nan)
    mx = math.fsum(x) / len(x)
    hat = 1 / len(x) + (x - mx) ** 2 / math.fsum((x - mx) ** 2)
    free = hat < 1 - 1e-12  # a value that alone fixes the line has no prediction without it
    return np.where(free, y - (y - (slope * x + intercept)) / np.where(free, 1 - hat, 1), np.nan)


def _without_groups(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Each value as predicted by the line through the values of all other stations."""
    out = np.full(len(x), np.nan)
    for group in np.unique(groups):
        mine = groups == group
        slope, intercept = _least_squares(x[~mine], y[~mine])
        out[mine] = slope * x[mine] + intercept
    return out


def _goodness(y: np.ndarray, residual: np.ndarray) -> tuple[float, float]:
    """R2 against the mean of all, and the root mean square of the residuals; NaN when one is missing."""
    if not len(y) or not np.isfinite(residual).all():
        return math.nan, math.nan
    squares = math.fsum(residual**2)
    total = math.fsum((y - math.fsum(y) / len(y)) ** 2)
    return (1 - squares / total if total > 0 else math.nan), math.sqrt(squares / len(y))
