"""What many people saw at one place: grid reports merged into spots.

Reports of one category group that lie within 200 m and 72 h of an earlier report belong to its spot. A spot is bounded:
it reaches 200 m around its first report and 72 h after it, so that a busy street does not become one endless spot. The
partition is made in time order (earliest first, ties by source and id) and so depends on the reports alone, not on the
order in which they arrived.
"""

import json
from functools import cache

import numpy as np
import pandas as pd
from pyproj import Transformer
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from domain.catalogue import TABLES_DIR, read_table
from domain.incidents import ANSWERS
from domain.records import TABLES, Flag
from domain.times import HOUR
from processing.imagery.grid import WGS84
from processing.registered import indicator

RADIUS_M = 200.0
REACH = pd.Timedelta(hours=72)
INDICATOR = "human.spot"
EDITION = "report_groups.csv"
#: Withdrawn reports count for nothing; refused ones were still seen by somebody.
_WITHDRAWN = "void"


@cache
def groups() -> dict[str, str]:
    """Category letter -> group of categories that reporters confuse, from report_groups.csv.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    path = TABLES_DIR / "report_groups.csv"
    frame = read_table(path, columns=["category", "group", "name_zh", "name_en", "source"], key=["category"])
    return dict(zip(frame["category"], frame["group"], strict=True))


def counted(reports: pd.DataFrame) -> pd.DataFrame:
    """The reports that count, earliest first: neither withdrawn ones nor answers to tasks of ours; of two states of one
    report the newer.
    """
    newest = reports.sort_values("received_at", kind="stable").drop_duplicates(["source", "id"], keep="last")
    kept = newest[(newest["status"] != _WITHDRAWN) & (newest["source"] != ANSWERS)]
    return kept.sort_values(["observed_at", "source", "id"], kind="stable").reset_index(drop=True)


def links(reports: pd.DataFrame, crs: str) -> np.ndarray:
    """Pairs (m, 2) of positions i < j of reports of one group within 200 m and 72 h of each other.

    Args:
        reports: as `counted` gives them; reports without a position are linked to none.
        crs: projected reference system, metres, in which distance is measured.
    """
    placed = np.flatnonzero(reports["lon"].notna() & reports["lat"].notna())
    if placed.size < 2:
        return np.empty((0, 2), dtype=np.int64)
    chosen = reports.iloc[placed]
    x, y = Transformer.from_crs(WGS84, crs, always_xy=True).transform(chosen["lon"], chosen["lat"])
    first = reports["observed_at"].iloc[0]
    hours = ((chosen["observed_at"] - first) / pd.Timedelta(hours=1)).to_numpy()
    xy = np.column_stack([x, y])
    scaled = np.column_stack([xy / RADIUS_M, hours / (REACH / pd.Timedelta(hours=1))])
    # A hair more than the box, so that rounding loses no pair; the exact conditions follow.
    pairs = cKDTree(scaled).query_pairs(1 + 1e-9, p=np.inf, output_type="ndarray")
    group = chosen["category"].map(groups()).fillna(chosen["category"]).to_numpy()
    i, j = pairs[:, 0], pairs[:, 1]
    times = chosen["observed_at"].to_numpy()
    near = (
        (np.hypot(*(xy[i] - xy[j]).T) <= RADIUS_M)
        & (np.abs(times[i] - times[j]) <= REACH.to_timedelta64())
        & (group[i] == group[j])
    )
    return np.sort(placed[pairs[near]], axis=1)


def components(n: int, pairs: np.ndarray) -> np.ndarray:
    """Number of the group of directly or indirectly linked reports each of the n reports is in."""
    graph = coo_matrix((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


def firsts(n: int, pairs: np.ndarray) -> np.ndarray:
    """For each of n reports in time order the position of the first report of its spot."""
    first = np.arange(n)
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    starts, at, count = np.unique(ordered[:, 0], return_index=True, return_counts=True)
    for i, begin, size in zip(starts, at, count, strict=True):
        if first[i] == i:
            later = ordered[begin : begin + size, 1]
            free = later[first[later] == later]
            first[free] = i
    return first


@indicator(
    INDICATOR,
    name_zh="人眼线索点",
    name_en="spot seen by people",
    unit="1",
    periods=(HOUR,),
    subject="spot",
    formula="number of reports of one category group within 200 m and 72 h of the first; duplicates count once",
    completeness="one report is enough",
    standard="own definition",
    source="report_groups.csv",
    confidence="own definition",
    takes="reports",
    parameters=("lon", "lat", "category", "observed_at", "duplicate_of", "status"),
)
def spots(reports: pd.DataFrame, crs: str) -> pd.DataFrame:
    """Rows of the table `indicators`, one per spot: how many people reported it, at the hour of the first report.

    What the platform itself calls a duplicate of a report of the same spot counts once with it: a finger that pressed
    twice is no second witness. `detail` is JSON: township, urgency (the most urgent), lon and lat of the first report,
    reports (ids, earliest first), categories, second (when the second witness reported it, if one did), last (time of
    the last report).
    """
    known = counted(reports)
    if known.empty:
        return TABLES["indicators"].frame()
    first = firsts(len(known), links(known, crs))
    table = known.assign(first=first)
    rows = [_row(table.iloc[int(at)], members) for at, members in table.groupby("first", sort=True)]
    return TABLES["indicators"].frame(rows)


def subject(source: str, report: str) -> str:
    """The id of the spot whose first report this is."""
    return f"spot-{source}-{report}"


def _row(first: pd.Series, members: pd.DataFrame) -> dict[str, object]:
    placed = pd.notna(first["lon"]) and pd.notna(first["lat"])
    townships = [t for t in members["township"] if t]
    own = witnesses(members)
    detail = {
        "township": townships[0] if townships else "",
        "urgency": int(members["urgency"].min()),
        "lon": round(float(first["lon"]), 6) if placed else None,
        "lat": round(float(first["lat"]), 6) if placed else None,
        "reports": members["id"].tolist(),
        "categories": sorted(set(members["category"])),
        **({"second": own["observed_at"].iloc[1].isoformat()} if len(own) > 1 else {}),
        "last": members["observed_at"].iloc[-1].isoformat(),
    }
    return {
        "indicator": INDICATOR,
        "medium": "human",
        "subject": subject(first["source"], first["id"]),
        "time": first["observed_at"].floor("h"),
        "period": HOUR,
        "value": float(len(own)),
        "unit": "1",
        "grade": first["category"],
        "n_valid": len(members),
        "n_expected": len(members),
        "flag": int(Flag.PASS),
        "detail": json.dumps(detail, ensure_ascii=False),
        "edition": EDITION,
    }


def witnesses(members: pd.DataFrame) -> pd.DataFrame:
    """The reports of a spot that are reports of their own, and not duplicates of another one of it; at least one."""
    ids = set(members["id"])
    copies = [
        bool(of) and of in ids and of != own for own, of in zip(members["id"], members["duplicate_of"], strict=True)
    ]
    return members if all(copies) else members[~np.array(copies, dtype=bool)]
