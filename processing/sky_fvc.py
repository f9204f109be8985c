"""The shell of the ends of vegetation cover: quarterly composites -> ends by ecosystem and season, printed and kept.

Kept ends lie in `calibrations/fvc.json` with their version and what they were found in; from then on FVC is made by
them instead of the start values of imagery_thresholds.csv, all years anew.
"""

from collections.abc import Mapping

import numpy as np

from domain.imagery import collections_of
from processing.imagery import fvc_ends
from processing.imagery.fvc_ends import FvcFit
from processing.imagery.grid import blocks, county_grid, onto
from processing.imagery.tables import thresholds
from processing.imagery.zonal import zone_raster
from processing.indicators.ecology_zones import ecosystems
from store.home import Home
from store.scenes import read_band

KEPT = "calibrations/fvc.json"
#: Composites of fewer quarters know no whole year: its ends would be those of a season.
QUARTERS_MIN = 4


def fit_fvc(home: Home) -> FvcFit | None:
    """The ends found in all quarterly composites of NDVI, over the land of the county; None when there is none.

    Nothing is written. Water bodies of the map are left out.
    """
    grid, files = county_grid(home.registry.county), home.files
    quarters = sorted(p.parent.name for p in files.path("products").glob("????-Q[1-4]/ndvi.tif"))
    names, groups, cover = _groups(home)
    counts: dict[str, np.ndarray] = {}
    for quarter in quarters:
        for window in blocks(grid.shape):
            ndvi = files.read_raster(f"products/{quarter}/ndvi.tif", window=window).values
            found = fvc_ends.counted(ndvi, groups[window.cells], len(names))
            season = quarter[-2:]
            counts[season] = counts[season] + found if season in counts else found
    return fvc_ends.fit(counts, names, quarters, cover) if counts else None


def keep(home: Home, found: FvcFit) -> None:
    """Write ends to where `kept` finds them."""
    home.files.write_bytes(KEPT, fvc_ends.to_json(found).encode())


def kept(home: Home) -> FvcFit | None:
    """The ends that were kept, or None.

    Raises:
        StoreError: the file was changed by hand.
    """
    place = home.files.path(KEPT)
    return fvc_ends.from_json(place.read_text(encoding="utf-8")) if place.is_file() else None


def limits_of(home: Home) -> Mapping[str, float]:
    """The thresholds of the sky eye, with the county's own ends of vegetation cover where they were kept."""
    own = kept(home)
    if own is None:
        return thresholds()
    return {**thresholds(), "fvc_ndvi_soil": own.county.soil, "fvc_ndvi_vegetation": own.county.vegetation}


def basis(home: Home) -> str:
    """Where the ends in use come from."""
    own, limits = kept(home), thresholds()
    if own is not None:
        return own.stated()
    soil, vegetation = limits["fvc_ndvi_soil"], limits["fvc_ndvi_vegetation"]
    return f"soil {soil:g}, vegetation {vegetation:g}: start values of imagery_thresholds.csv"


def _groups(home: Home) -> tuple[tuple[str, ...], np.ndarray, str]:
    """Names of the groups, the group of each cell of the county's land (-1 elsewhere), and the map they come from.

    The first group, without a name, holds land whose ecosystem is not known: all of it when there is no map.
    """
    registry, grid = home.registry, county_grid(home.registry.county)
    land = (zone_raster(registry.townships, grid) > 0) & (zone_raster(registry.waters, grid) == 0)
    maps = home.lake.read("scenes", where={"collection": list(collections_of("landcover"))})
    if maps.empty:
        return ("",), np.where(land, 0, -1).astype(np.int8), ""
    row = maps.sort_values(["datetime", "id"]).iloc[-1].to_dict()
    codes = onto(read_band(home.files, row, "landcover").astype(np.uint16), grid, how="nearest").values
    types, of_code = ecosystems()
    return ("", *types), np.where(land, of_code[codes], -1).astype(np.int8), str(row["id"])
