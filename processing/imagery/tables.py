"""The tables of the sky eye: thresholds, scene classes and bands, read strictly from domain/tables."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError


@cache
def thresholds() -> Mapping[str, float]:
    """Threshold id -> value, from imagery_thresholds.csv.

    Raises:
        CatalogueError: the table is not as it must be, or a value is no number.
    """
    path = TABLES_DIR / "imagery_thresholds.csv"
    frame = read_table(path, columns=["id", "value", "unit", "meaning", "source", "confidence"], key=["id"])
    values: dict[str, float] = {}
    problems: list[str] = []
    for row in frame.itertuples():
        try:
            values[str(row.id)] = float(str(row.value))
        except ValueError:
            problems.append(f"{path.name}:{row.line}: value {row.value!r} is not a number")
    if problems:
        raise CatalogueError(problems)
    return MappingProxyType(values)


@cache
def scene_classes(use: str) -> np.ndarray:
    """The SCL codes whose column `use` (clear, buffered or dark) says yes, from imagery_scl.csv.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    path = TABLES_DIR / "imagery_scl.csv"
    columns = ["code", "name_zh", "name_en", "clear", "buffered", "dark", "source"]
    frame = read_table(path, columns=columns, key=["code"])
    problems = [
        f"{path.name}:{row['line']}: {column} is {row[column]!r}; write yes or no"
        for row in frame.to_dict("records")
        for column in ("clear", "buffered", "dark")
        if row[column] not in {"yes", "no"}
    ]
    if problems:
        raise CatalogueError(problems)
    return frame.loc[frame[use] == "yes", "code"].astype(int).to_numpy()


@cache
def band_names() -> Mapping[str, tuple[str, ...]]:
    """Band -> the asset keys catalogues use for it: ours (Planetary Computer's), Earth Search's, Copernicus'."""
    frame = _bands()
    return MappingProxyType({str(r.band): (str(r.band), str(r.common_name), str(r.cdse)) for r in frame.itertuples()})


@cache
def wavelengths() -> Mapping[str, float]:
    """Band -> central wavelength, nm; bands without one (SCL) are left out."""
    frame = _bands()
    return MappingProxyType({str(r.band): float(str(r.wavelength_nm)) for r in frame.itertuples() if r.wavelength_nm})


@cache
def _bands() -> pd.DataFrame:
    path = TABLES_DIR / "imagery_bands.csv"
    return read_table(path, columns=["band", "common_name", "cdse", "wavelength_nm", "source"], key=["band"])
