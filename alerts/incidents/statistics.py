"""How incidents were handled and how many alarms people had to bear, by week and month. Pure; frames in, frames out.

Alarm load is laid beside the figures of ANSI/ISA-18.2 (alarm_load_limits.csv, with how sure we are of each). Periods
are Shanghai weeks (Monday to Sunday, named as ISO 8601) and months; historical incidents and alarms, which nobody had
to bear, are left out.
"""

from functools import cache
from typing import Literal

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.times import LOCAL

By = Literal["week", "month"]
_HOUR = pd.Timedelta(hours=1)
_DAY = pd.Timedelta(days=1)
#: A rule and subject that fires this often within a day chatters; ISA-18.2 counts minutes, hourly data days.
CHATTER = 3
_FLOOD = 10
_MANY_IN_AN_HOUR = 30


@cache
def load_limits() -> pd.DataFrame:
    """Good and limit of each figure of alarm load, with unit, source and confidence, indexed by figure.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    columns = ["figure", "good", "limit", "unit", "source", "confidence"]
    frame = read_table(TABLES_DIR / "alarm_load_limits.csv", columns=columns, key=["figure"]).set_index("figure")
    return frame.assign(good=frame["good"].astype(float), limit=frame["limit"].astype(float)).drop(columns="line")


def period_of(times: pd.Series, by: By) -> pd.Series:
    """Name of the Shanghai week (2026-W35) or month (2026-08) of each time; "" where there is none."""
    local = times.dt.tz_convert(LOCAL)
    if by == "month":
        return local.dt.strftime("%Y-%m").fillna("")
    iso = local.dt.isocalendar()
    named = iso["year"].astype("str") + "-W" + iso["week"].astype("str").str.zfill(2)
    return named.where(times.notna(), "")


def handling(incidents: pd.DataFrame, by: By, *, now: pd.Timestamp) -> pd.DataFrame:
    """One row a period in which incidents were put before people, oldest first.

    Args:
        incidents: rows of the ledger's table (`read_incidents`); merged and historical ones are left out.
        by: week or month.
        now: decides what is overdue.

    Returns:
        period, opened, closed, open_now, overdue, reopened, acknowledge_h and verify_h (median hours from opening;
        NaN when none), acknowledge_h_p90, closed_in_time_pct (of those closed), found_pct (of those verified).
    """
    live = incidents[(incidents["merged_into"] == "") & ~incidents["historical"].astype(bool)]
    live = live.assign(
        period=period_of(live["created_at"], by),
        acknowledge=(live["acknowledged_at"] - live["created_at"]) / _HOUR,
        verify=(live["verified_at"] - live["created_at"]) / _HOUR,
        over=live["active"].astype(bool) & (live["deadline"] < now),
    )
    return pd.DataFrame([_handled(str(p), rows) for p, rows in live.groupby("period")], columns=list(_HANDLED))


_HANDLED = (
    "period", "opened", "closed", "open_now", "overdue", "reopened", "acknowledge_h", "acknowledge_h_p90", "verify_h",
    "closed_in_time_pct", "found_pct",
)  # fmt: skip


def _handled(period: str, rows: pd.DataFrame) -> dict[str, object]:
    closed = rows[rows["handling"] == "closed"]
    checked = rows[rows["outcome"] != ""]
    return {
        "period": period,
        "opened": len(rows),
        "closed": len(closed),
        "open_now": int(rows["active"].astype(bool).sum()),
        "overdue": int(rows["over"].sum()),
        "reopened": int(rows["reopened"].sum()),
        "acknowledge_h": rows["acknowledge"].median(),
        "acknowledge_h_p90": rows["acknowledge"].quantile(0.9),
        "verify_h": rows["verify"].median(),
        "closed_in_time_pct": 100 * (closed["closed_in_time"] == True).mean() if len(closed) else np.nan,  # noqa: E712
        "found_pct": 100 * (checked["outcome"] == "found").mean() if len(checked) else np.nan,
    }


def alarm_load(alerts: pd.DataFrame, by: By, *, operators: int = 1, now: pd.Timestamp) -> pd.DataFrame:
    """The figures of ISA-18.2 for each period in which alarms fired, oldest first.

    Args:
        alerts: as `read_alerts` gives them; pending, inhibited and historical ones were put before nobody.
        by: week or month.
        operators: how many share the load at a time.
        now: the last period is counted up to here.

    Returns:
        period, figure, value, unit, good, limit, confidence, verdict (good, bearable, over).
    """
    fired = _borne(alerts)
    fired = fired.assign(period=period_of(fired["fired_at"], by))
    limits = load_limits()
    rows = []
    for period, part in fired.groupby("period"):
        for figure, value in _figures(part, _hours(str(period), by, now), operators, now).items():
            good, limit, unit, sure = (limits.loc[figure, c] for c in ("good", "limit", "unit", "confidence"))
            verdict = "good" if value <= good else "bearable" if value <= limit else "over"
            rows.append((str(period), figure, value, unit, good, limit, sure, verdict))
    columns = ["period", "figure", "value", "unit", "good", "limit", "confidence", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _borne(alerts: pd.DataFrame) -> pd.DataFrame:
    said = alerts["fired_at"].notna() & (alerts["inhibited_by"] == "") & (alerts["status"] != "pending")
    if "historical" in alerts:
        said &= ~alerts["historical"].astype(bool)
    return alerts[said]


def _hours(period: str, by: By, now: pd.Timestamp) -> float:
    """Hours of the period that are over."""
    if by == "week":
        start = pd.Timestamp.fromisocalendar(int(period[:4]), int(period[6:]), 1).tz_localize(LOCAL)
        end = start + pd.Timedelta(days=7)
    else:
        start = pd.Timestamp(f"{period}-01").tz_localize(LOCAL)
        end = start + pd.offsets.MonthBegin(1)
    return max((min(end, now) - start) / _HOUR, 1.0)


def _figures(part: pd.DataFrame, hours: float, operators: int, now: pd.Timestamp) -> dict[str, float]:
    by_hour = part["fired_at"].dt.floor("h").value_counts()
    by_ten = part["fired_at"].dt.floor("10min").value_counts()
    n = len(part)
    lasted = part["ends_at"].fillna(now) - part["fired_at"]
    return {
        "per_operator_hour": n / hours / operators,
        "per_10_minutes": n / (hours * 6) / operators,
        "per_operator_day": n / (hours / 24) / operators,
        "hours_above_30": 100 * float((by_hour > _MANY_IN_AN_HOUR * operators).sum()) / hours,
        "flood_share": 100 * float((by_ten > _FLOOD * operators).sum()) / (hours * 6),
        "most_in_10_minutes": float(by_ten.max()) / operators,
        "top_10_share": 100 * float(part.groupby(["rule", "subject"]).size().nlargest(10).sum()) / n,
        "chattering": float(len(chattering(part))),
        "stale": float((lasted > _DAY).sum()),
        "priority_high": 100 * float((part["severity"] == "red").mean()),
    }


def chattering(alerts: pd.DataFrame, *, top: int = 10) -> pd.DataFrame:
    """Rules and subjects that fired CHATTER times or more within any 24 hours, most alarms first.

    Returns:
        rule, subject, alarms, most_a_day (the most within 24 hours).
    """
    rows = []
    for (rule, subject), part in _borne(alerts).groupby(["rule", "subject"]):
        at = part["fired_at"].sort_values().to_numpy(dtype="datetime64[us]")
        within = np.searchsorted(at, at + np.timedelta64(24, "h"), side="left") - np.arange(len(at))
        if within.max() >= CHATTER:
            rows.append((str(rule), str(subject), len(at), int(within.max())))
    found = pd.DataFrame(rows, columns=["rule", "subject", "alarms", "most_a_day"])
    return (
        found.sort_values(["alarms", "rule", "subject"], ascending=[False, True, True]).head(top).reset_index(drop=True)
    )
