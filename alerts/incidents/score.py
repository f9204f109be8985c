"""How well incidents tell what truly happened: one matter, one incident, and how much earlier than one eye alone. Pure.

The simulator's truth names with every event the matter it belongs to (column `incident`). Alarms are matched to truth
rows as alerts/score.py does; spots of reports and candidates by place, time and kind. A matter is found when all its
evidence lies in one incident and nothing of another matter does. A matter that one report alone tells opens nothing by
itself; it is there to lie near another one, and is rightly kept apart when it lies in nobody else's incident.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Geod

from alerts.fuse import opened_at, weigh
from alerts.incidents.tables import matter
from domain.incidents import Eye

_EARLY, _LATE = pd.Timedelta(hours=6), pd.Timedelta(hours=48)
_NEVER = pd.Timestamp("2262-01-01", tz="UTC")
_GEOD = Geod(ellps="WGS84")
#: How far beyond its true reach a report or candidate may be told, m: a pixel of the simulator and a phone's fix.
_SLACK_M = 200.0
Mask = np.ndarray


@dataclass(frozen=True)
class IncidentScore:
    """`matters`: one row for each matter of the truth: incident ids, state, eyes, opened_at and alone_<eye> (when that
    eye's evidence alone would have opened an incident; NaT when never); `false`: ids of incidents without a cause.

    States: found, missed, split, mixed; of those that open nothing by themselves apart or mixed.
    """

    matters: pd.DataFrame
    false: tuple[str, ...]
    n_incidents: int

    @property
    def recall(self) -> float:
        """Share of matters that should be one incident and are exactly one."""
        wanted = self.matters[self.matters["opens"]]
        return float((wanted["state"] == "found").mean()) if len(wanted) else float("nan")

    @property
    def precision(self) -> float:
        """Share of incidents that are exactly one matter."""
        return float((self.matters["state"] == "found").sum() / self.n_incidents) if self.n_incidents else float("nan")

    @property
    def apart(self) -> tuple[int, int]:
        """How many of the matters that open nothing by themselves were kept apart, and how many there are."""
        aside = self.matters[~self.matters["opens"]]
        return int((aside["state"] == "apart").sum()), len(aside)

    @property
    def lead_h(self) -> pd.DataFrame:
        """Hours by which the incident was open before each of its eyes alone would have opened one: matter, eye, hours;
        infinite where that eye alone never would have.
        """
        rows = [
            (m["incident"], str(eye), _hours(m[f"alone_{eye}"], m["opened_at"]))
            for m in self.matters.to_dict("records")
            for eye in Eye
            if eye in m["eyes"].split(",") and pd.notna(m["opened_at"])
        ]
        return pd.DataFrame(rows, columns=["incident", "eye", "hours"])


def _hours(alone: Any, opened: Any) -> float:
    return float("inf") if pd.isna(alone) else float((alone - opened) / pd.Timedelta(hours=1))


def score(incidents: pd.DataFrame, evidence: pd.DataFrame, alerts: pd.DataFrame, truth: pd.DataFrame) -> IncidentScore:
    """Incidents against the truth.

    Args:
        incidents: id, opened_at; merged ones left out.
        evidence: columns of domain.incidents.Evidence, and incident_id.
        alerts: as `read_alerts` gives them.
        truth: rows of truth.csv.
    """
    told = evidence[evidence["standing"] & (evidence["origin"] != "verdict")].reset_index(drop=True)
    labels = alerts.set_index("id")["labels"].to_dict()
    places = [{r["subject"], *map(str, labels.get(r["ref"], {}).values())} for r in told.to_dict("records")]
    parts: dict[str, Mask] = {}
    opens: dict[str, bool] = {}
    for row in truth[truth["expect"].isin(["alert", "evidence"])].to_dict("records"):
        name = row["incident"]
        parts[name] = parts.get(name, np.zeros(len(told), dtype=bool)) | _told(row, told, places)
        opens[name] = opens.get(name, False) or row["expect"] == "alert"
    rows = _scored(incidents, told, parts, opens)
    explained = {i for mask in parts.values() for i in told.loc[mask, "incident_id"]}
    return IncidentScore(rows, tuple(sorted(set(incidents["id"]) - explained)), len(incidents))


def _told(row: dict[Any, Any], told: pd.DataFrame, places: Iterable[set[str]]) -> Mask:
    """Which evidence tells of a row of the truth."""
    low = pd.to_datetime(row["start"], utc=True) - _EARLY
    high = pd.to_datetime(row["end"], utc=True) + _LATE
    now = ((told["starts_at"] < high) & (told["ends_at"].fillna(_NEVER) >= low)).to_numpy()
    # What people reported, or space saw, has a place and a kind.
    about = _near(row, told) & (told["kind"] == _kind(row)).to_numpy() if row.get("lon") else np.zeros(len(told), bool)
    if row["expect"] == "evidence":
        return np.asarray(now & about & (told["origin"] == row["rule"]).to_numpy())
    here = np.array([row["subject"] in p for p in places], dtype=bool)
    alarm = now & here & ((told["origin"] == "alert") & (told["rule"] == row["rule"])).to_numpy()
    # Of reports there may be several spots in one township; of a view from space one alarm tells all that is new there.
    said = alarm & about if row["eye"] == Eye.HUMAN else alarm
    behind = ((told["origin"] != "alert") & (told["eye"] == row["eye"])).to_numpy()
    return np.asarray(said | (now & about & behind))


def _kind(row: dict[Any, Any]) -> str:
    """The kind of matter a row of the truth with a place is about."""
    if row["eye"] == Eye.HUMAN:
        return matter("spot", str(row["category"]))[0]
    return matter("candidate", str(row["kind"]))[0]


def _near(row: dict[Any, Any], told: pd.DataFrame) -> Mask:
    """Which evidence lies where the row says, within its reach."""
    lon, lat = (np.full(len(told), float(row[c])) for c in ("lon", "lat"))
    placed = told[["lon", "lat"]].notna().all(axis=1).to_numpy()
    at = told[["lon", "lat"]].fillna(0.0).to_numpy(float)
    away = _GEOD.inv(lon, lat, at[:, 0], at[:, 1])[2] if len(told) else np.empty(0)
    return np.asarray(placed & (away <= float(row["reach_m"]) + _SLACK_M))


def _scored(
    incidents: pd.DataFrame, told: pd.DataFrame, parts: dict[str, Mask], opens: dict[str, bool]
) -> pd.DataFrame:
    opened = incidents.set_index("id")["opened_at"].to_dict()
    ids = {name: set(told.loc[mask, "incident_id"]) for name, mask in parts.items()}
    shared: dict[str, int] = {}
    for own in ids.values():
        for one in own - {""}:
            shared[one] = shared.get(one, 0) + 1
    rows = []
    for name, own in ids.items():
        real = sorted(own - {""})
        mine = told[parts[name]]
        row: dict[str, Any] = {"incident": name, "ids": " ".join(real), "opens": opens[name]}
        row["state"] = _state(own, any(shared[i] > 1 for i in real), opens=opens[name])
        row["eyes"] = ",".join(sorted(set(mine["eye"])))
        row["opened_at"] = min((opened[i] for i in real if i in opened), default=pd.NaT)
        rows.append(row | {f"alone_{eye}": _alone(mine[mine["eye"] == eye]) for eye in Eye})
    columns = ["incident", "ids", "opens", "state", "eyes", "opened_at", *(f"alone_{eye}" for eye in Eye)]
    return pd.DataFrame(rows, columns=columns)


def _state(own: set[str], mixed: bool, *, opens: bool) -> str:
    real = own - {""}
    if mixed or (real and not opens):
        return "mixed"
    if not opens:
        return "apart"
    return "missed" if not real else "split" if len(own) > 1 else "found"


def _alone(rows: pd.DataFrame) -> Any:
    """When the evidence of one eye alone would have opened an incident; NaT when it never would have."""
    if rows.empty:
        return pd.NaT
    data = rows.assign(group=0).sort_values("id", kind="stable").reset_index(drop=True)
    return opened_at(data.join(weigh(data))).get(0, pd.NaT)
