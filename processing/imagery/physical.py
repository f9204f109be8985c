"""From the numbers of a file to a physical quantity, for every product by the same function and a row of a table.

The rows are in domain/tables/sky_bands.csv and sky_flags.csv. What the file itself says of its scale, offset and valid
range counts before the table (a GeoTIFF export may have another scale than the original), and what the caller gives
before both (the offset of Sentinel-2, the gains of GF-1); `basis` among the attributes tells which it was.
Lazy (dask) arrays stay lazy.
"""

import math
from collections.abc import Collection
from itertools import groupby
from typing import Any

import numpy as np
import xarray as xr

from domain import imagery
from domain.catalogue import convert, convertible
from domain.errors import FeedCorrupt

#: Spellings of "no unit".
_NO_UNIT = {"", "1", "none", "unitless", "dimensionless", "n/a", "-"}


def physical(
    product: str,
    band: str,
    raw: xr.DataArray,
    *,
    scale: float | None = None,
    offset: float | None = None,
    qa: xr.DataArray | None = None,
) -> xr.DataArray:
    """Numbers of a file as a quantity: number * scale + offset in the unit of the table (float32), NaN where missing.

    Missing are numbers equal to the nodata of the table or of the file, outside the valid range, not finite, and cells
    that `qa` does not let through: none of them takes part in arithmetic. Classes and flags stay whole numbers.

    Args:
        product: id in sky_products.csv.
        band: own or common name.
        raw: (y, x), or any shape, as `store` reads it.
        scale: overrides file and table.
        offset: in the unit of the result; overrides file and table.
        qa: True where a cell may be used (`usable`), of the same shape.

    Returns:
        the same shape, coordinates, crs and transform; attributes units, long_name, basis, confidence and, where the
        place is uncertain, position_error_m.

    Raises:
        KeyError: the product has no such band.
        ValueError: scale or offset are decided by scene or camera and were not given; shapes differ.
        FeedCorrupt: the file's unit is another quantity's.
    """
    spec = imagery.band_of(product, band)
    kept = {k: v for k, v in raw.attrs.items() if k in {"crs", "transform", "axes"}}
    told: dict[str, Any] = {"units": spec.unit, "long_name": spec.common_name, "confidence": spec.confidence}
    error = imagery.products()[product].position_error_m
    told |= {} if error is None else {"position_error_m": error}
    if spec.kind != "quantity":
        return raw.assign_attrs(told).rename(spec.common_name)
    factor, factor_basis = _decided("scale", scale, raw.attrs.get("scale"), spec.scale, spec)
    term, term_basis = _decided("offset", offset, raw.attrs.get("offset"), spec.offset, spec)
    if qa is not None and qa.shape != raw.shape:
        raise ValueError(f"{product} {band}: quality of shape {qa.shape} for cells of shape {raw.shape}")
    factor, term, unit_basis = _in_unit(raw.attrs.get("units", ""), spec, factor, term)
    low, high = raw.attrs.get("valid_range") or _range(spec, factor, term)
    quantity = xr.apply_ufunc(
        _quantity,
        raw,
        *([] if qa is None else [qa]),
        kwargs={
            "nodata": tuple({v for v in (spec.nodata, raw.attrs.get("nodata")) if v is not None}),
            "low": low,
            "high": high,
            "scale": factor,
            "offset": term,
        },
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    basis = f"scale by {factor_basis}, offset by {term_basis}{unit_basis}"
    return quantity.rename(spec.common_name).assign_attrs(kept | told | {"basis": basis, "nodata": math.nan})


def usable(
    product: str,
    band: str,
    raw: xr.DataArray,
    *,
    drop: Collection[str] | None = None,
    at_least: float | None = None,
) -> xr.DataArray:
    """True where a quality band lets a cell be used.

    Of flags, a field of bits that has a `keep` row lets only its `keep` values through, any other field all but its
    `drop` values.

    Args:
        product: id in sky_products.csv.
        band: of flags, or a share such as qa_value of Sentinel-5P.
        raw: as the file has it, any shape.
        drop: meanings (sky_flags.csv) to drop instead of those the table says.
        at_least: for shares, the smallest that is let through.

    Raises:
        KeyError: the product has no such band.
        ValueError: a share without `at_least`, flags without rules, or an unknown meaning.
    """
    spec = imagery.band_of(product, band)
    if spec.kind == "quantity":
        if at_least is None:
            raise ValueError(f"{product} {band} is a share; say at_least")
        return (physical(product, band, raw) >= at_least).rename("usable")
    rules = imagery.flag_rules(product, spec.band)
    if not rules:
        raise ValueError(f"{product} {band} has no rows in sky_flags.csv")
    unknown = set(drop or ()) - {r.meaning for r in rules}
    if unknown:
        raise ValueError(f"{product} {band} knows no {sorted(unknown)}; it has {sorted({r.meaning for r in rules})}")
    checks = []
    for (first, bits), group in groupby(sorted(rules, key=_field), key=_field):
        of_field = list(group)
        keep = () if drop is not None else tuple(r.value for r in of_field if r.use == "keep")
        gone = tuple(r.value for r in of_field if (r.use == "drop" if drop is None else r.meaning in drop))
        checks.append((first, (1 << bits) - 1, keep, gone))
    let_through = xr.apply_ufunc(
        _usable, raw, kwargs={"checks": tuple(checks)}, dask="parallelized", output_dtypes=[bool]
    )
    return let_through.rename("usable").assign_attrs({k: raw.attrs[k] for k in ("crs", "transform") if k in raw.attrs})


def _field(rule: imagery.FlagRule) -> tuple[int, int]:
    return rule.first_bit, rule.bits


def _decided(
    what: str, given: float | None, file: Any, table: float | None, spec: imagery.BandSpec
) -> tuple[float, str]:
    """Scale or offset and on whose word: the caller's, the file's, the table's."""
    if given is not None:
        return float(given), "caller"
    if table is None:
        raise ValueError(f"{spec.product} {spec.band}: the {what} is not the same for all scenes; give {what}=")
    if file is None or math.isclose(float(file), table, rel_tol=1e-6, abs_tol=1e-12):
        return table, "table"
    return float(file), f"file ({file:g}; the table has {table:g})"


def _in_unit(said: str, spec: imagery.BandSpec, scale: float, offset: float) -> tuple[float, float, str]:
    """Scale and offset into the unit of the table when the file names another one."""
    unit = str(said).strip()
    if unit == spec.unit or unit.lower() in _NO_UNIT:
        return scale, offset, ""
    if not convertible(unit, spec.unit):
        raise FeedCorrupt(
            f"{spec.product} {spec.band}: the file's unit {unit!r} cannot be turned into {spec.unit!r}; "
            "if it can, add a row to domain/tables/units.csv"
        )
    zero, one = convert(np.array([offset, offset + scale]), unit, spec.unit)
    return float(one - zero), float(zero), f", unit {unit!r} by units.csv"


def _range(spec: imagery.BandSpec, scale: float, offset: float) -> tuple[float, float]:
    """The valid numbers of a file written with another scale than the table's: the same quantities."""
    low = -math.inf if spec.valid_min is None else spec.valid_min
    high = math.inf if spec.valid_max is None else spec.valid_max
    if spec.scale is None or spec.offset is None or (scale, offset) == (spec.scale, spec.offset):
        return low, high
    one, other = (((v * spec.scale + spec.offset) - offset) / scale for v in (low, high))
    return min(one, other), max(one, other)


def _quantity(
    cells: np.ndarray,
    let_through: np.ndarray | None = None,
    *,
    nodata: tuple[float, ...],
    low: float,
    high: float,
    scale: float,
    offset: float,
) -> np.ndarray:
    numbers = cells.astype(np.float64)
    valid = np.isfinite(numbers) & (numbers >= low) & (numbers <= high)
    for value in nodata:
        # In the precision of the file: -3.4e38 as a double is not its single-precision twin.
        same = np.float64(np.float32(value)) if cells.dtype == np.float32 and np.isfinite(value) else value
        valid &= numbers != same
    if let_through is not None:
        valid &= let_through
    numbers *= scale
    numbers += offset
    return np.where(valid, numbers, np.nan).astype(np.float32)


def _usable(cells: np.ndarray, *, checks: tuple[tuple[int, int, tuple[int, ...], tuple[int, ...]], ...]) -> np.ndarray:
    finite = np.isfinite(cells)
    bits = np.where(finite, cells, 0).astype(np.int64)
    out = np.asarray(finite)
    for first, mask, keep, gone in checks:
        field = (bits >> first) & mask
        out = out & (np.isin(field, keep) if keep else ~np.isin(field, gone))
    return out
