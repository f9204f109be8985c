"""Grids and the workers who answer for them: `grids.csv` in the registry's folder.

| column | meaning |
|---|---|
| grid_code | code of the grid on the county's platform; it begins with the nine digits of its township |
| name_zh, name_en | names |
| lon, lat | a point inside, WGS 84 |
| worker, phone | who answers for it; personal data: masked wherever they are shown |
| valid_from, valid_to | days, "" for no end |
"""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Geod

from domain.catalogue import read_table
from domain.errors import CatalogueError
from domain.registry import Registry

FILE = "grids.csv"
COLUMNS = ("grid_code", "name_zh", "name_en", "lon", "lat", "worker", "phone", "valid_from", "valid_to")
_GEOD = Geod(ellps="WGS84")


def grids(registry: Registry) -> pd.DataFrame:
    """The grids of a registry with their `township`; none when it has no grids.csv.

    Raises:
        CatalogueError: every problem of the file at once.
    """
    return _read(registry.root / FILE, frozenset(registry.townships.ids)).copy()


@cache
def _read(path: Path, townships: frozenset[str]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=[*COLUMNS, "township"])
    frame = read_table(path, columns=COLUMNS, key=["grid_code", "valid_from"])
    problems = []
    for row in frame.itertuples():
        where = f"{FILE}:{row.line}"
        if row.grid_code[:9] not in townships:
            problems.append(f"{where}: {row.grid_code!r} does not begin with the code of a township")
        for column in ("lon", "lat"):
            try:
                float(getattr(row, column))
            except ValueError:
                problems.append(f"{where}: {column} {getattr(row, column)!r} is not a number")
        for column in ("valid_from", "valid_to"):
            try:
                date.fromisoformat(getattr(row, column) or "2000-01-01")
            except ValueError:
                problems.append(f"{where}: {column} {getattr(row, column)!r} is not a date YYYY-MM-DD")
    if problems:
        raise CatalogueError(problems)
    frame = frame.assign(township=frame["grid_code"].str[:9])
    return frame.assign(lon=frame["lon"].astype(float), lat=frame["lat"].astype(float)).drop(columns="line")


def responsible(found: pd.DataFrame, lon: float, lat: float, township: str, day: date) -> str | None:
    """Code of the grid that answers for a place: the nearest of its township on that day, else the nearest of all.

    Args:
        found: as `grids` gives them.
        lon: of the place, WGS 84; NaN when it is not known.
        lat: of the place.
        township: nine-digit code, "" when it is not known.
        day: on which the grid must be valid.

    Returns:
        None when there is no grid, or neither a place nor a township.
    """
    text = day.isoformat()
    valid = found[(found["valid_from"] <= text) & ((found["valid_to"] == "") | (found["valid_to"] >= text))]
    mine = valid[valid["township"] == township]
    placed = bool(np.isfinite([lon, lat]).all())
    if mine.empty and not placed:
        return None
    chosen = (mine if len(mine) else valid).sort_values("grid_code", kind="stable")
    if chosen.empty:
        return None
    if not placed:
        return str(chosen["grid_code"].iloc[0])
    n = len(chosen)
    _, _, metres = _GEOD.inv(np.full(n, lon), np.full(n, lat), chosen["lon"].to_numpy(), chosen["lat"].to_numpy())
    return str(chosen["grid_code"].iloc[int(np.argmin(metres))])
