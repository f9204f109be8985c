"""Digital numbers of Sentinel-2 L2A to surface reflectance: the offset decided once, by metadata and by the pixels.

Since processing baseline 04.00 (2022-01-25) reflectance = (DN + offset) / 10000 with offset -1000; Collection 1 carries
it for all years, some catalogues have applied it already, and some of those flags are false (Element84/earth-search 66,
71). Water near 0.02 becomes 0.12 or -0.08 when the offset is wrong, so the pixels have a say.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from domain.errors import FeedCorrupt

#: Quantification value of Sentinel-2 L2A (product format specification).
SCALE = 10_000
#: BOA_ADD_OFFSET of every band since baseline 04.00.
OFFSET = -1000
#: The first baseline with it, and the major number of trial processings, which follow no rule.
_SINCE, _TRIAL = (4, 0), 99
#: What to do when metadata and pixels disagree.
Policy = Literal["refuse", "metadata", "pixels"]


@dataclass(frozen=True, slots=True)
class Offset:
    """What must be added to the digital numbers, and on whose word."""

    value: int
    basis: str


def metadata_offset(properties: Mapping[str, Any]) -> int | None:
    """The offset an item's properties ask for: 0 or -1000 DN; None when they do not say.

    The flag `earthsearch:boa_offset_applied` being true means 0; otherwise the processing baseline decides: 04.00 and
    later -1000, earlier 0. The date decides nothing, since reprocessed years carry the new baseline, and so does the
    offset in `raster:bands`, which catalogues leave at -0.1 where they have applied it.
    """
    if _truth(properties.get("earthsearch:boa_offset_applied")):
        return 0
    found = baseline(properties)
    if found is None:
        return None
    return OFFSET if found >= _SINCE else 0


def baseline(properties: Mapping[str, Any]) -> tuple[int, int] | None:
    """The processing baseline of an item, for example (5, 11); None when it names none or a trial one (99.99).

    It stands in `s2:processing_baseline` or `processing:version` (05.11, 5.11, N0511), else in the name of the product
    (..._N0511_...), which older catalogues keep alone.
    """
    for key in ("s2:processing_baseline", "processing:version"):
        match = re.fullmatch(r"[vN]?(\d{1,2})\.?(\d{2})", str(properties.get(key, "")).strip())
        if match:
            return _tried_out(int(match[1]), int(match[2]))
    for key in ("s2:product_uri", "sentinel:product_id", "title"):
        match = re.search(r"_MSIL2A_[0-9T]+_N(\d{2})(\d{2})_", str(properties.get(key, "")))
        if match:
            return _tried_out(int(match[1]), int(match[2]))
    return None


def _tried_out(major: int, minor: int) -> tuple[int, int] | None:
    return None if major == _TRIAL else (major, minor)


def pixel_offset(dn: np.ndarray, dark: np.ndarray, limits: Mapping[str, float]) -> int | None:
    """The offset the pixels ask for: 0 or -1000 DN; None when they cannot tell.

    Over dark cells (water, deep shade) reflectance is near zero, so the low percentile of DN is near 0 when no offset
    is left in the pixels and near 1000 when it is. Without enough dark cells only one half can be proven: a low
    percentile of the whole scene below the threshold means that nothing is left to subtract.

    Args:
        dn: digital numbers of one long-wave band, any shape; 0 is nodata.
        dark: same shape, True over water and dark areas.
        limits: offset_probe_percentile, offset_probe_dn, offset_probe_cells.
    """
    valid = dn > 0
    share = limits["offset_probe_percentile"]
    enough = limits["offset_probe_cells"]
    chosen = dn[valid & dark]
    if chosen.size >= enough:
        return 0 if np.percentile(chosen, share) < limits["offset_probe_dn"] else OFFSET
    everything = dn[valid]
    if everything.size >= enough and np.percentile(everything, share) < limits["offset_probe_dn"]:
        return 0
    return None


def offset(
    properties: Mapping[str, Any],
    dn: np.ndarray,
    dark: np.ndarray,
    *,
    limits: Mapping[str, float],
    policy: Policy = "refuse",
) -> Offset:
    """The offset to use, or a refusal.

    Args:
        properties: of the STAC item.
        dn: digital numbers of the probe band (see `pixel_offset`).
        dark: dark cells of the same shape.
        limits: imagery thresholds.
        policy: on disagreement refuse, or follow one side; the basis then says so.

    Raises:
        FeedCorrupt: metadata and pixels disagree and the policy is to refuse, or neither can tell.
    """
    stated, seen = metadata_offset(properties), pixel_offset(dn, dark, limits)
    if stated is None and seen is None:
        raise FeedCorrupt("neither the item's processing baseline nor its pixels tell the reflectance offset")
    if stated is None or stated == seen:
        basis = "metadata and pixels" if stated == seen else "pixels (metadata silent)"
        return Offset(int(seen or 0), basis)
    if seen is None:
        return Offset(stated, "metadata (too few dark cells to check)")
    if policy == "refuse":
        raise FeedCorrupt(
            f"metadata ask for a reflectance offset of {stated} DN but the dark pixels for {seen} DN; "
            "correct the item, or choose a side with on_offset_conflict=metadata or pixels"
        )
    value = stated if policy == "metadata" else seen
    return Offset(value, f"{policy} (metadata said {stated}, pixels {seen})")


def reflectance(dn: xr.DataArray, offset_dn: int) -> xr.DataArray:
    """Surface reflectance (float32, 1) of digital numbers: (DN + offset) / 10000; nodata (DN 0) is NaN.

    Small negative values over dark water are real measurements and stay.
    """
    values = (dn.values.astype(np.float32) + np.float32(offset_dn)) / np.float32(SCALE)
    values[dn.values == 0] = np.nan
    return dn.copy(data=values)


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
