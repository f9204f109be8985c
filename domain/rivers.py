"""The river network of a deployment: where a place lies along its river, and how far downstream another is.

`rivers.csv` in the registry's folder tells which river flows into which: river, into (empty for the last), mouth_km
(its own length) and into_km (where on the other it ends). Without the file every river stands alone. Positions along a
river come from `river_km` of the stations; places between are projected on the line through those stations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyproj import Transformer

from domain.catalogue import read_table
from domain.errors import CatalogueError
from domain.registry import Registry

FILE = "rivers.csv"
WGS84 = "EPSG:4326"


@dataclass(frozen=True)
class Rivers:
    """Lines (n, 3) of easting, northing and km by river, and `shifts`: what to add to a km to read it on a river below.

    `shifts[a][b]` is (offset, entry): a place at km x of `a` is as far from places of `b` as one at x + offset, and
    reaches those at `entry` km and below.
    """

    crs: str
    lines: Mapping[str, np.ndarray]
    shifts: Mapping[str, Mapping[str, tuple[float, float]]]

    @classmethod
    def of(cls, registry: Registry) -> "Rivers":
        """The network of a registry.

        Raises:
            CatalogueError: rivers.csv is not as it must be, or a river flows into itself.
        """
        into = _into(registry.root)
        crs = str(registry.county["crs"])
        stations = registry.stations
        placed = stations[(stations["river"] != "") & stations["river_km"].notna()]
        lines = {}
        to_grid = Transformer.from_crs(WGS84, crs, always_xy=True)
        ordered = placed.sort_values("river_km").drop_duplicates(["river", "river_km"])
        for river, rows in ordered.groupby("river"):
            x, y = to_grid.transform(rows["lon"].to_numpy(float), rows["lat"].to_numpy(float))
            lines[str(river)] = np.column_stack([x, y, rows["river_km"].to_numpy(float)])
        names = {*lines, *into}
        return cls(crs, lines, {river: _shifts(river, into) for river in sorted(names)})

    def downstream_km(self, river_a: str, km_a: float, river_b: str, km_b: float) -> float:
        """How far (km, >= 0) the water of a flows to reach b; NaN when it never does."""
        found = self.shifts.get(river_a, {}).get(river_b)
        if found is None or km_b < found[1]:
            return np.nan
        distance = km_b - (km_a + found[0])
        return distance if distance >= 0 else np.nan

    def locate(self, lon: float, lat: float, snap_m: float) -> tuple[str, float]:
        """River and km of the nearest point of a river's line within `snap_m` metres; ("", NaN) when there is none."""
        if not np.isfinite(lon) or not np.isfinite(lat):
            return "", np.nan
        x, y = Transformer.from_crs(WGS84, self.crs, always_xy=True).transform(lon, lat)
        best = (snap_m, "", np.nan)
        for river, line in sorted(self.lines.items()):
            away, km = _project(line, x, y)
            if away <= best[0] and away < np.inf:
                best = (away, river, km)
        return best[1], float(best[2])


def _project(line: np.ndarray, x: float, y: float) -> tuple[float, float]:
    """Distance (m) to a line of points and the km there; a line of one point is that point."""
    if len(line) == 1:
        return float(np.hypot(*(line[0, :2] - (x, y)))), float(line[0, 2])
    a, b = line[:-1], line[1:]
    along = b[:, :2] - a[:, :2]
    share = np.clip(((np.array([x, y]) - a[:, :2]) * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
    foot = a[:, :2] + share[:, None] * along
    away = np.hypot(foot[:, 0] - x, foot[:, 1] - y)
    k = int(np.argmin(away))
    return float(away[k]), float(a[k, 2] + share[k] * (b[k, 2] - a[k, 2]))


def _into(root: Path) -> dict[str, tuple[str, float, float]]:
    path = root / FILE
    if not path.is_file():
        return {}
    frame = read_table(path, columns=["river", "into", "mouth_km", "into_km", "source"], key=["river"])
    out: dict[str, tuple[str, float, float]] = {}
    problems = []
    for row in frame.itertuples():
        if not row.into:
            continue
        try:
            out[row.river] = (row.into, float(row.mouth_km), float(row.into_km))
        except ValueError:
            problems.append(f"{FILE}:{row.line}: mouth_km and into_km must be numbers of kilometres")
    problems += [f"{FILE}: {river} flows into itself" for river in out if _circular(river, out)]
    if problems:
        raise CatalogueError(problems)
    return out


def _circular(river: str, into: Mapping[str, tuple[str, float, float]]) -> bool:
    seen, at = {river}, river
    while at in into:
        at = into[at][0]
        if at in seen:
            return True
        seen.add(at)
    return False


def _shifts(river: str, into: Mapping[str, tuple[str, float, float]]) -> dict[str, tuple[float, float]]:
    out, at, offset = {river: (0.0, -np.inf)}, river, 0.0
    while at in into:
        below, mouth, entry = into[at]
        offset += entry - mouth
        out[below] = (offset, entry)
        at = below
    return out
