"""How well incidents tell what truly happened: one matter, one incident, and how much earlier than one eye alone. Pure.

The simulator's truth names with every event the matter it belongs to (column `incident`). Alarms are matched to truth
rows as alerts/score.py does; a matter is found when all its alarms lie in one incident and nothing of another does.
"""

from dataclasses import dataclass

import pandas as pd

from domain.incidents import Eye

_EARLY, _LATE = pd.Timedelta(hours=6), pd.Timedelta(hours=48)
_NEVER = pd.Timestamp("2262-01-01", tz="UTC")


@dataclass(frozen=True)
class IncidentScore:
    """`matters`: one row for each matter of the truth: incident ids, state (found, missed, split, mixed), opened_at and
    first_<eye> (when an alarm of that eye alone first fired); `false`: ids of incidents that nothing explains.
    """

    matters: pd.DataFrame
    false: tuple[str, ...]
    n_incidents: int

    @property
    def recall(self) -> float:
        """Share of matters that are exactly one incident."""
        return float((self.matters["state"] == "found").mean()) if len(self.matters) else float("nan")

    @property
    def precision(self) -> float:
        """Share of incidents that are exactly one matter."""
        return float((self.matters["state"] == "found").sum() / self.n_incidents) if self.n_incidents else float("nan")

    @property
    def lead_h(self) -> pd.DataFrame:
        """Hours by which the incident was open before each eye alone had raised an alarm: matter, eye, hours."""
        rows = [
            (m["incident"], str(eye), (m[f"first_{eye}"] - m["opened_at"]) / pd.Timedelta(hours=1))
            for m in self.matters.to_dict("records")
            for eye in Eye
            if pd.notna(m[f"first_{eye}"]) and pd.notna(m["opened_at"])
        ]
        return pd.DataFrame(rows, columns=["incident", "eye", "hours"])


def score(incidents: pd.DataFrame, evidence: pd.DataFrame, alerts: pd.DataFrame, truth: pd.DataFrame) -> IncidentScore:
    """Incidents against the truth.

    Args:
        incidents: id, opened_at; merged ones left out.
        evidence: origin, ref, incident_id.
        alerts: as `read_alerts` gives them.
        truth: rows of truth.csv.
    """
    wanted = truth[truth["expect"] == "alert"]
    of_alert = evidence[evidence["origin"] == "alert"].set_index("ref")["incident_id"].to_dict()
    said = alerts[alerts["id"].isin(of_alert)].reset_index(drop=True)
    places = [{r["subject"], *map(str, r["labels"].values())} for r in said.to_dict("records")]
    starts = said["starts_at"]
    ends = said["ends_at"].fillna(_NEVER)
    told: dict[str, set[str]] = {}
    firsts: dict[str, dict[str, pd.Timestamp]] = {}
    for row in wanted.to_dict("records"):
        low = pd.to_datetime(row["start"], utc=True) - _EARLY
        high = pd.to_datetime(row["end"], utc=True) + _LATE
        here = pd.Series([row["subject"] in p for p in places], index=said.index, dtype=bool)
        match = said[here & (said["rule"] == row["rule"]) & (starts < high) & (ends > low)]
        told.setdefault(row["incident"], set()).update(of_alert[i] for i in match["id"])
        eyes = firsts.setdefault(row["incident"], {})
        for at in match["fired_at"]:
            eyes[row["eye"]] = min(at, eyes.get(row["eye"], _NEVER))
    return _scored(incidents, told, firsts)


def _scored(
    incidents: pd.DataFrame, told: dict[str, set[str]], firsts: dict[str, dict[str, pd.Timestamp]]
) -> IncidentScore:
    opened = incidents.set_index("id")["opened_at"].to_dict()
    shared: dict[str, int] = {}
    for ids in told.values():
        for name in ids - {""}:
            shared[name] = shared.get(name, 0) + 1
    rows = []
    for matter, ids in told.items():
        real = sorted(ids - {""})
        state = "missed" if not real else "split" if len(ids) > 1 else "mixed" if shared[real[0]] > 1 else "found"
        row = {"incident": matter, "ids": " ".join(real), "state": state}
        row["opened_at"] = min((opened[i] for i in real if i in opened), default=pd.NaT)
        rows.append(row | {f"first_{eye}": firsts[matter].get(eye, pd.NaT) for eye in Eye})
    columns = ["incident", "ids", "state", "opened_at", *(f"first_{eye}" for eye in Eye)]
    matters = pd.DataFrame(rows, columns=columns)
    return IncidentScore(matters, tuple(sorted(set(incidents["id"]) - shared.keys())), len(incidents))
