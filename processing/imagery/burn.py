"""Classes of burn severity from the difference of burn ratios."""

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError


@cache
def severity_classes() -> pd.DataFrame:
    """Classes of dNBR indexed by code: low (from), high (below), name_zh, name_en, source, confidence.

    Raises:
        CatalogueError: the table is not as it must be, or its classes leave a gap or overlap.
    """
    path = TABLES_DIR / "imagery_severity.csv"
    columns = ["code", "low", "high", "name_zh", "name_en", "source", "confidence"]
    frame = read_table(path, columns=columns, key=["code"])
    gaps = [
        f"{path.name}:{line}: low is {low!r}; the class before ends at {high!r}"
        for line, low, high in zip(frame["line"][1:], frame["low"][1:], frame["high"], strict=False)
        if low != high
    ]
    if gaps:
        raise CatalogueError(gaps)
    numbers = {
        "code": frame["code"].astype(int),
        "low": pd.to_numeric(frame["low"].replace("", "-inf")),
        "high": pd.to_numeric(frame["high"].replace("", "inf")),
    }
    return frame.assign(**numbers).set_index("code").drop(columns="line")


def severity(dnbr: xr.DataArray) -> xr.DataArray:
    """Code of the severity class of each cell (uint8), low <= dNBR < high; 0 where dNBR is missing.

    Source: Key and Benson 2006, FIREMON landscape assessment, RMRS-GTR-164-CD.

    Args:
        dnbr: difference of burn ratios, before - after (1), of two dates of one season.
    """
    classes = severity_classes()
    codes = np.concatenate([classes.index.to_numpy(np.uint8), np.zeros(1, dtype=np.uint8)])
    # In float32 both sides, so that a value equal to a limit of the table falls into the upper class.
    ends = classes["high"].to_numpy(np.float32)[:-1]
    found = xr.apply_ufunc(
        lambda values: codes[np.where(np.isnan(values), -1, np.searchsorted(ends, values, side="right"))],
        dnbr.astype(np.float32),
        dask="parallelized",
        output_dtypes=[np.uint8],
    )
    place = {key: dnbr.attrs[key] for key in ("crs", "transform") if key in dnbr.attrs}
    names = " ".join(str(name).replace(" ", "_") for name in classes["name_en"])
    return found.drop_attrs().assign_attrs(
        {"long_name": "burn severity", "flag_values": classes.index.tolist(), "flag_meanings": names} | place
    )
