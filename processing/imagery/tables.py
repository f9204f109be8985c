"""The tables of the sky eye: thresholds and scene classes, read strictly from domain/tables, and Sentinel-2's bands."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from domain import imagery
from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError

SENTINEL2 = "sentinel-2-l2a"


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


def band_names() -> Mapping[str, tuple[str, ...]]:
    """Band of Sentinel-2 L2A -> its names: its own, the common one, then those of other catalogues."""
    known = imagery.bands(SENTINEL2).values()
    return {
        b.band: tuple(dict.fromkeys((b.band, b.common_name, *imagery.asset_names(SENTINEL2, b.band)))) for b in known
    }


def wavelengths() -> Mapping[str, float]:
    """Band of Sentinel-2 -> central wavelength, nm; bands without one (SCL) are left out."""
    return {b.band: b.wavelength_nm for b in imagery.bands(SENTINEL2).values() if b.wavelength_nm is not None}
