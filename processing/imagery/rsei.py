"""Remote sensing ecological index: one principal component of greenness, wetness, dryness and heat, fitted once.

Greenness NDVI, wetness of the tasselled cap, dryness NDBSI and heat LST are scaled with fixed bounds, water is left
out, and one principal component analysis over all years gives the loadings that every year then uses: a component
fitted year by year turns its axis and its sign, and years no longer compare. The loadings are kept with their version.

Source: Xu 2013, Acta Ecologica Sinica 33, 7853-7862, with the bounds and the fit fixed over years.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import xarray as xr

from domain.errors import StoreError
from processing.imagery.indices import weighted_sum

COMPONENTS = ("ndvi", "wetness", "ndbsi", "lst")
#: Scaled components are counted in whole steps, whose sums no order of cells or chunks can change.
_STEPS = 8192
_PAIRS = tuple(combinations_with_replacement(range(len(COMPONENTS)), 2))


@dataclass(frozen=True, slots=True)
class Loadings:
    """One fit: what is needed to compute RSEI of any year, and what tells how good it is."""

    sensor: str
    bounds: tuple[tuple[float, float], ...]  # of COMPONENTS, in their units
    weights: tuple[float, ...]  # of COMPONENTS; NDVI positive
    low: float  # lowest and highest first component of the fit: RSEI 0 and 1
    high: float
    share: float  # of the variance that the first component carries
    n: int  # cells of all scenes
    version: str = ""

    @property
    def plausible(self) -> bool:
        """Whether greenness and wetness pull up and dryness and heat down, as the index means."""
        ndvi, wetness, ndbsi, lst = self.weights
        return ndvi > 0 and wetness > 0 and ndbsi < 0 and lst < 0

    def to_json(self) -> str:
        """The fit as text, the same for the same fit."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Loadings":
        """A fit from its text.

        Raises:
            StoreError: no such text, or it was changed after the fit.
        """
        try:
            said = json.loads(text)
            bounds = tuple((float(low), float(high)) for low, high in said.pop("bounds"))
            found = cls(bounds=bounds, weights=tuple(said.pop("weights")), **said)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(f"RSEI loadings cannot be read ({error}); fit them anew") from error
        if found != found.stamped():
            raise StoreError(f"RSEI loadings do not match their version {found.version!r}; fit them anew")
        return found

    def stamped(self) -> "Loadings":
        """The same fit with the version its numbers have."""
        bare = replace(self, version="")
        return replace(bare, version=hashlib.sha256(bare.to_json().encode()).hexdigest()[:8])


def bounds_of(coefficients: Mapping[str, float]) -> tuple[tuple[float, float], ...]:
    """The fixed bounds of the components from rows `<component>_min` and `<component>_max`.

    Raises:
        ValueError: a lower bound is not below its upper one.
    """
    found = tuple((coefficients[f"{name}_min"], coefficients[f"{name}_max"]) for name in COMPONENTS)
    for name, (low, high) in zip(COMPONENTS, found, strict=True):
        if not low < high:
            raise ValueError(f"RSEI bounds of {name}: {low} is not below {high}")
    return found


def scaled(
    scene: xr.Dataset, bounds: Sequence[tuple[float, float]], water: xr.DataArray | None = None
) -> list[xr.DataArray]:
    """The components scaled to 0..1 with fixed bounds and clipped; NaN over water and where any of them is missing.

    Args:
        scene: ndvi, wetness, ndbsi (1) and lst (degC) of one shape.
        bounds: of COMPONENTS.
        water: above 0 where there is water; None when water is masked already.
    """
    parts = [
        ((scene[name].astype(np.float64) - low) / (high - low)).clip(0, 1)
        for name, (low, high) in zip(COMPONENTS, bounds, strict=True)
    ]
    seen = parts[0].notnull() & parts[1].notnull() & parts[2].notnull() & parts[3].notnull()
    if water is not None:
        seen = seen & ~(water > 0)
    return [part.where(seen) for part in parts]


def fit(
    scenes: Iterable[tuple[xr.Dataset, xr.DataArray | None]], bounds: Sequence[tuple[float, float]], *, sensor: str
) -> Loadings:
    """The first principal component of the scaled components of all scenes of all years, pooled.

    Sums are formed in whole numbers, so the order of scenes, cells and chunks changes no bit. RSEI 0 and 1 are the
    lowest and the highest first component seen in the fit.

    Args:
        scenes: (components, water) of every composite of every year; water may be None. Lazy ones are read twice.
        bounds: fixed bounds of COMPONENTS.
        sensor: whose wetness coefficients were used; sensors do not mix.

    Raises:
        ValueError: fewer than two cells were seen, or none of the components varies.
    """
    parts = [scaled(scene, bounds, water) for scene, water in scenes]
    sums = xr.concat([_sums(part) for part in parts], "scene").sum("scene").values if parts else np.zeros(15)
    n = int(sums[0])
    if n < 2:
        raise ValueError("RSEI needs at least two cells of land seen in all four components")
    mean = sums[1:5] / n
    square = np.zeros((4, 4))
    for (i, j), total in zip(_PAIRS, sums[5:], strict=True):
        square[i, j] = square[j, i] = total / n - mean[i] * mean[j]
    variance, axes = np.linalg.eigh(square / _STEPS**2)
    if not variance[-1] > 0:
        raise ValueError("RSEI: none of the components varies over the scenes")
    axis = axes[:, -1] if axes[0, -1] >= 0 else -axes[:, -1]
    weights = tuple(round(float(w), 9) for w in axis)
    ends = xr.concat([_ends(_first(part, weights)) for part in parts], "scene").compute()
    return Loadings(
        sensor=sensor,
        bounds=tuple((float(a), float(b)) for a, b in bounds),
        weights=weights,
        low=float(ends.sel(end="low").min()),
        high=float(ends.sel(end="high").max()),
        share=round(float(variance[-1] / variance.sum()), 6),
        n=n,
    ).stamped()


def apply(scene: xr.Dataset, loadings: Loadings, water: xr.DataArray | None = None) -> xr.DataArray:
    """RSEI (0 poor .. 1 good, float32) of one scene by loadings that were fitted once; NaN over water.

    Args:
        scene: ndvi, wetness, ndbsi and lst of one shape, of the sensor of the fit.
        loadings: of `fit`.
        water: above 0 where there is water.
    """
    first = _first(scaled(scene, loadings.bounds, water), loadings.weights)
    index = ((first - loadings.low) / (loadings.high - loadings.low)).clip(0, 1).astype(np.float32)
    source = scene["ndvi"].attrs
    said = {
        "units": "1",
        "long_name": "remote sensing ecological index",
        "mark": "relative",
        "version": loadings.version,
        "loadings": " ".join(f"{name} {w:+.3f}" for name, w in zip(COMPONENTS, loadings.weights, strict=True)),
    }
    place = {key: source[key] for key in ("crs", "transform") if key in source}
    return index.rename("rsei").drop_attrs().assign_attrs(said | place)


def _first(parts: Sequence[xr.DataArray], weights: Sequence[float]) -> xr.DataArray:
    return weighted_sum(parts, weights)


def _ends(first: xr.DataArray) -> xr.DataArray:
    """Lowest and highest value; +inf and -inf where nothing was seen."""
    both = [first.fillna(np.inf).min(), first.fillna(-np.inf).max()]
    return xr.concat(both, "end").assign_coords(end=["low", "high"])


def _sums(parts: Sequence[xr.DataArray]) -> xr.DataArray:
    """Cells, sums and sums of products of the components in whole steps (lazy where the components are)."""
    seen = parts[0].notnull()
    steps = [np.rint(part.where(seen, 0) * _STEPS).astype(np.int64) for part in parts]
    products = [(steps[i] * steps[j]).sum() for i, j in _PAIRS]
    return xr.concat([seen.sum().astype(np.int64), *(step.sum() for step in steps), *products], "sum")
