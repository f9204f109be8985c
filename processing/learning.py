"""The shell of learning: a station's own history -> bands of what is usual there, with the day from which they hold."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from domain.records import TABLES, Flag
from domain.registry import MEDIA
from domain.times import HOUR, HOUR_4, LOCAL
from processing.aggregate import seconds
from processing.climatology import NEED, learn
from processing.corroboration import context
from processing.counts import Counts
from processing.neighbours import distances_km, drift_test, neighbour_medians
from store.home import Home

_KEYS = list(TABLES["quality"].key)


def learn_bands(home: Home, *, until: datetime, now: datetime, need: int = NEED) -> Counts:
    """Learn from everything before `until` what is usual, for use from `until` on, and keep it in the table `bands`.

    Values that quality control failed are left out; so compute first. The name of the learning is the Shanghai day of
    `until`; learning again with the same day replaces it, and `compute` then judges the days since then anew.

    Args:
        home: memory and registry.
        until: first instant that is not learnt from, and from which the bands hold.
        now: the moment of writing.
        need: fewest values of a band.
    """
    name = until.astimezone(LOCAL).date().isoformat()
    parts, read = [], 0
    for medium in MEDIA:
        wanted = [p for m, p in context().index[context()["usual_width"].notna()] if m == medium]
        stations = home.registry.stations
        for station in sorted(set(stations.loc[stations["medium"] == medium, "station_id"])) if wanted else []:
            usable = _usable(home, medium, station, wanted, until)
            read += len(usable)
            bands = learn(usable, seconds(usable["time"]), need=need)
            parts.append(bands.assign(medium=medium, version=name, valid_from=until))
    rows = TABLES["bands"].frame(pd.concat(parts, ignore_index=True) if parts else None)
    stored = home.lake.read("bands", where={"version": [name]})
    kept = pd.MultiIndex.from_frame(rows[_key()])
    gone = stored[~pd.MultiIndex.from_frame(stored[_key()]).isin(kept)]
    written = home.lake.upsert("bands", rows, now=now, why=f"learnt until {name}", remove=gone if len(gone) else None)
    return Counts(read=read, computed=len(rows)).wrote(written)


def _key() -> list[str]:
    return list(TABLES["bands"].key)


def _usable(home: Home, medium: str, station: str, parameters: Sequence[str], until: datetime) -> pd.DataFrame:
    """Hourly and 4-hourly values of a station before `until` that quality control did not fail."""
    where = {"station_id": [station], "parameter": list(parameters), "period": [HOUR, HOUR_4]}
    columns = [*_KEYS, "value", "flag"]
    seen = home.lake.read("observations", columns=columns, medium=medium, end=until, where=where)
    judged = home.lake.read("quality", columns=[*_KEYS, "flag"], medium=medium, end=until, where=where)
    both = seen.merge(judged.rename(columns={"flag": "judged"}), on=_KEYS, how="left")
    failed = (both["judged"] == Flag.FAIL) | both["flag"].isin((Flag.FAIL, Flag.MISSING))
    return both[~failed].reset_index(drop=True)


def drifts(home: Home, *, start: datetime, end: datetime, medium: str) -> pd.DataFrame:
    """Drift of every station's parameter against the median of its neighbours, day by day.

    Args:
        home: memory and registry.
        start: first instant.
        end: first instant after.
        medium: the medium whose stations are compared.

    Returns:
        One row a day that drifts: station_id, parameter, day (Shanghai), change (in the parameter's unit), allowed.
    """
    known = context()
    limits = known.loc[[medium]].droplevel(0) if medium in known.index.get_level_values(0) else known.iloc[:0]
    limits = limits[limits["drift_days"].notna() & limits["near_km"].notna()]
    place = home.registry.stations.drop_duplicates("station_id", keep="last").set_index("station_id")
    out = []
    for parameter, limit in limits.iterrows():
        where = {"parameter": [parameter], "period": [HOUR]}
        rows = home.lake.read(
            "observations", columns=[*_KEYS, "value", "flag"], medium=medium, start=start, end=end, where=where
        )
        rows = rows[~rows["flag"].isin((Flag.FAIL, Flag.MISSING))]
        if rows.empty:
            continue
        table = rows.pivot_table(index="station_id", columns="time", values="value", aggfunc="last")
        at = place.reindex(table.index)
        near = distances_km(at["lon"].to_numpy(float), at["lat"].to_numpy(float)) <= limit["near_km"]
        values = table.to_numpy(float)
        local = pd.DatetimeIndex(table.columns).tz_convert(LOCAL)
        days = local.tz_localize(None).normalize().to_numpy("datetime64[D]").astype(np.int64)
        reference = neighbour_medians(values, near, need=int(limit["near_n"]))
        window, offset = int(limit["drift_days"]), float(limit["drift_offset"])
        flags, change = drift_test(values, reference, days, window=window, offset=offset)
        for s, d in zip(*np.nonzero(_drifting(flags, days, change.shape[1])), strict=True):
            day = (np.datetime64(int(days[0]), "D") + d).astype(str)
            out.append((table.index[s], parameter, day, float(change[s, d]), offset))
    return pd.DataFrame(out, columns=["station_id", "parameter", "day", "change", "allowed"])


def _drifting(flags: np.ndarray, days: np.ndarray, count: int) -> np.ndarray:
    """(s, d) whether any value of the day is marked."""
    out = np.zeros((len(flags), count), bool)
    s, t = np.nonzero(flags == int(Flag.SUSPECT))
    out[s, days[t] - days[0]] = True
    return out
