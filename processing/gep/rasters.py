"""Rasters of a district -> inputs of an account: one pass over blocks, sums by zone and ecosystem.

What is linear in the uncertain parameters is summed here once, so that draws need no cells: areas, means, and the
potential soil loss R K L S by class of cover (strata). Blocks may have any shape: values are summed as whole multiples
of a power of two, which floats add exactly, so the same bytes come out. Missing cells are counted; a mean of the known
ones stands for them and the row says so, unless too few are known.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from processing.gep.formulas.soil import rusle
from processing.gep.formulas.soil_factors import c_dryland, cover_class, l_factor, s_factor
from processing.imagery.zonal import RULE

#: Layer -> its unit; of these the mean over a zone and ecosystem is an input.
MEANS: Mapping[str, str] = {
    "rainfall_mm": "mm",
    "runoff_rainfall_mm": "mm",
    "surface_runoff_mm": "mm",
    "evapotranspiration_mm": "mm",
    "reference_evapotranspiration_mm": "mm",
    "soil_depth_mm": "mm",
    "plant_available_water": "1",
    "storm_rain_mm": "mm",
    "vegetation_cover_pct": "%",
    "wind_weather_factor": "kg/m",
    "erodible_fraction": "1",
    "crust_factor": "1",
    "roughness_factor": "1",
}
#: Layer per hectare -> the input that is its sum, and the unit of that.
SUMS: Mapping[str, tuple[str, str]] = {
    "npp_t_c_hm2": ("npp_t_c", "t C"),
    "soil_respiration_t_c_hm2": ("soil_respiration_t_c", "t C"),
}
#: What a block must hold for the potential soil loss.
SOIL = ("erosivity", "erodibility", "slope_deg", "slope_length_m", "vegetation_cover_pct")
#: Less than this share of known cells is no number (start value).
SHARE_MIN = 0.8
#: No layer was made from anything else.
NOTHING: Mapping[str, str] = MappingProxyType({})
_STRATA = ("c0", "c1", "c2", "c3", "c4", "c5", "d0", "d1")
#: What layers are rounded to before they are summed, and which of them are fractions of one.
_COARSE, _FINE = 2.0**-12, 2.0**-28
_FRACTIONS = ("plant_available_water", "erodible_fraction", "crust_factor", "roughness_factor")
_PLAIN = 8  # stratum of ecosystems whose cover factor does not depend on cover


@dataclass(frozen=True, slots=True)
class Variant:
    """The switches that decide at the cell."""

    k_factor: str = "corrected"
    beta_constant: float = 0.089
    s_breaks: str = "hj1173"

    @classmethod
    def of(cls, switches: Mapping[str, str]) -> "Variant":
        """The variant of a profile."""
        return cls(switches["k_factor"], float(switches["beta_constant"]), switches["s_breaks"])

    def __str__(self) -> str:
        return f"k_factor={self.k_factor} beta_constant={self.beta_constant:g} s_breaks={self.s_breaks}"


@dataclass
class Reduction:
    """Sums so far.

    Args:
        zones: names of the zones 1..n of the blocks.
        ecosystems: names of the ecosystems 1..m of the blocks.
        cell_m2: area of a cell.
        variant: of the soil loss; the erodibility of the blocks must be of its k_factor.
        by_cover: ecosystems whose cover factor depends on cover; `dryland` by its own formula.
    """

    zones: tuple[str, ...]
    ecosystems: tuple[str, ...]
    cell_m2: float
    variant: Variant = field(default_factory=Variant)
    by_cover: frozenset[str] = frozenset()
    totals: dict[str, np.ndarray] = field(default_factory=dict)
    valid: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def _n(self) -> int:
        return len(self.zones) * len(self.ecosystems)

    def add(self, block: Mapping[str, np.ndarray]) -> None:
        """Take in one block.

        Args:
            block: `zone` (1..n, 0 outside), `ecosystem` (1..m, 0 unknown) and any of MEANS, SUMS and SOIL,
                all of one shape; NaN where a layer is not known.
        """
        zone, eco = block["zone"], block["ecosystem"]
        labels = np.where((zone > 0) & (eco > 0), (zone.astype(np.int32) - 1) * len(self.ecosystems) + eco, 0)
        self._take("area_m2", np.where(labels > 0, 1.0, np.nan), labels, self._n)
        for name in (*MEANS, *SUMS):
            if name in block:
                self._take(name, block[name], labels, self._n)
        if all(name in block for name in SOIL):
            self._soil(block, labels)

    def _take(self, name: str, values: np.ndarray, labels: np.ndarray, n: int) -> None:
        total, valid = _summed(values, labels, n, _FINE if name in _FRACTIONS else _COARSE)
        self.totals[name] = self.totals.get(name, 0) + total
        self.valid[name] = self.valid.get(name, 0) + valid

    def _soil(self, block: Mapping[str, np.ndarray], labels: np.ndarray) -> None:
        slope, cover = block["slope_deg"], block["vegetation_cover_pct"]
        length = l_factor(block["slope_length_m"], slope, self.variant.beta_constant)
        steepness = s_factor(slope, self.variant.s_breaks)
        potential = rusle(block["erosivity"], block["erodibility"], length, steepness, 1.0)[0]
        kinds = np.array(["", *self.ecosystems])
        dry = (kinds == "dryland")[block["ecosystem"]]
        by_cover = np.isin(kinds, list(self.by_cover))[block["ecosystem"]]
        classes = cover_class(cover)
        stratum = np.where(by_cover, np.where(classes < 0, _PLAIN, classes), _PLAIN)
        known = np.where(by_cover & (classes < 0), np.nan, potential)
        self._take("rkls", np.where(dry & np.isnan(cover), np.nan, known), labels, self._n)
        n = len(_STRATA) + 1
        strata = np.where((labels > 0) & ~dry, (labels - 1) * n + stratum + 1, 0)
        self._take("strata", known, strata, self._n * n)
        places, loss = (labels[dry] - 1) * n + 1, potential[dry]
        lost = loss * c_dryland(cover[dry])
        for k, part in ((6, loss - lost), (7, lost)):
            self._take("strata", part, np.where(labels[dry] > 0, places + k, 0), self._n * n)

    def merge(self, other: "Reduction") -> None:
        """Add the sums of other blocks of the same district; the order of merging changes nothing."""
        for name, total in other.totals.items():
            self.totals[name] = self.totals.get(name, 0) + total
            self.valid[name] = self.valid.get(name, 0) + other.valid[name]

    def empty(self) -> "Reduction":
        """One of the same district without any block."""
        return Reduction(self.zones, self.ecosystems, self.cell_m2, self.variant, self.by_cover)

    def rows(self, source: str, told: Mapping[str, str] = NOTHING) -> list[dict[str, object]]:
        """Rows of gep_inputs: areas, means, sums and the potential soil loss by stratum.

        Args:
            source: what all of the blocks was made from.
            told: what a layer was made from besides; a row names what went into it and nothing else.
        """
        cells = self.valid["area_m2"]
        out = [
            self._row(n, "area_m2", c * self.cell_m2, "m2", c, c, f"cells by {RULE}", source)
            for n, c in enumerate(cells.tolist())
            if c
        ]
        for name, unit in MEANS.items():
            if name in self.totals:
                out += self._means(name, name, unit, None, cells, _joined(source, told, name))
        for name, (quantity, unit) in SUMS.items():
            if name in self.totals:
                out += self._means(name, quantity, unit, self.cell_m2 / 1e4, cells, _joined(source, told, name))
        if "rkls" in self.totals:
            out += self._strata(cells, _joined(source, told, *SOIL))
        return out

    def _means(
        self, name: str, quantity: str, unit: str, per_cell: float | None, cells: np.ndarray, source: str
    ) -> list[dict[str, object]]:
        """Mean of each zone and ecosystem, or its sum when a factor per cell is given."""
        out = []
        for n, expected in enumerate(cells.tolist()):
            if expected:
                valid = int(self.valid[name][n])
                value = self.totals[name][n] / valid if _enough(valid, expected) else np.nan
                value = value if per_cell is None else value * expected * per_cell
                out.append(self._row(n, quantity, value, unit, valid, expected, _method(valid, expected), source))
        return out

    def _strata(self, cells: np.ndarray, source: str) -> list[dict[str, object]]:
        """Potential soil loss by stratum, scaled up where cells are missing; t a-1."""
        n_strata = len(_STRATA) + 1
        sums = self.totals["strata"].reshape(self._n, n_strata)
        out = []
        for n, expected in enumerate(cells.tolist()):
            if not expected:
                continue
            valid = int(self.valid["rkls"][n])
            factor = expected / valid * self.cell_m2 / 1e4 if _enough(valid, expected) else np.nan
            method = f"{_method(valid, expected)}; {self.variant}"
            for k in np.flatnonzero(sums[n]).tolist() or [_PLAIN]:
                name = f"rkls_t:{_STRATA[k]}" if k < _PLAIN else "rkls_t"
                out.append(self._row(n, name, sums[n, k] * factor, "t", valid, expected, method, source))
        return out

    def _row(
        self, n: int, quantity: str, value: float, unit: str, valid: int, expected: int, method: str, source: str
    ) -> dict[str, object]:
        z, e = divmod(n, len(self.ecosystems))
        return {
            "zone": self.zones[z],
            "ecosystem": self.ecosystems[e],
            "quantity": quantity,
            "value": float(value),
            "unit": unit,
            "n_valid": int(valid),
            "n_expected": int(expected),
            "method": method,
            "source": source,
        }


def reduced(
    blocks: Iterable[Mapping[str, np.ndarray]], reduction: Reduction, source: str, *, workers: int = 1
) -> list[dict[str, object]]:
    """Rows of gep_inputs from the blocks of a district; as many blocks are held at a time as there are workers.

    Args:
        blocks: as `Reduction.add` takes them.
        reduction: of the district.
        source: what the blocks were made from.
        workers: threads; the bytes that come out are the same for any number.
    """

    def summed(block: Mapping[str, np.ndarray]) -> Reduction:
        part = reduction.empty()
        part.add(block)
        return part

    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Reduction]] = deque()
        for block in blocks:
            if len(waiting) == workers:
                reduction.merge(waiting.popleft().result())
            waiting.append(pool.submit(summed, block))
        for future in waiting:
            reduction.merge(future.result())
    return reduction.rows(source)


def _joined(source: str, told: Mapping[str, str], *layers: str) -> str:
    """What several layers were made from, each named once."""
    parts = [part for layer in layers for part in told.get(layer, "").split("; ") if part]
    return "; ".join(dict.fromkeys([source, *parts]))


def _summed(values: np.ndarray, labels: np.ndarray, n: int, quantum: float) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the known cells of each label 1..n, exact in multiples of the quantum.

    Exact while sums stay below 2**53 quanta: 15 million cells of 100,000 each in the coarse one.
    """
    known = np.isfinite(values) & (labels > 0)
    where = labels[known]
    total = np.bincount(where, np.rint(values[known] / quantum), minlength=n + 1)[1:]
    return total * quantum, np.bincount(where, minlength=n + 1)[1:]


def _enough(valid: float, expected: float) -> bool:
    return bool(valid and valid >= SHARE_MIN * expected)


def _method(valid: float, expected: float) -> str:
    if valid == expected:
        return f"all cells by {RULE}"
    missing = 100 * (1 - valid / expected)
    if not _enough(valid, expected):
        return f"{missing:.1f} % of the cells are missing: no number"
    return f"{missing:.1f} % of the cells are missing; the mean of the others stands for them"
