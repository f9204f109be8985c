"""What the eyes say, as evidence: alarms, candidates from space, spots of reports, verdicts. Pure: frames to frame."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Transformer
from shapely import STRtree, points, transform

from alerts.incidents.tables import matter, outcome, settings
from domain.incidents import Evidence, Eye, frame
from domain.records import Severity
from domain.registry import Registry
from domain.rivers import WGS84, Rivers

#: A report is this urgent: its colour.
_URGENT = {1: Severity.YELLOW}
_DAY = pd.Timedelta(days=1)
_HOUR = pd.Timedelta(hours=1)
#: A zone whose finding has no exact place is taken to reach this far around its middle, m, at most.
_ZONE_REACH = 3000.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject is: WGS 84, reach (m), river and km."""

    lon: float = np.nan
    lat: float = np.nan
    extent_m: float = 0.0
    river: str = ""
    river_km: float = np.nan


@dataclass(frozen=True)
class Places:
    """Where the subjects of a registry are, and their names."""

    registry: Registry
    rivers: Rivers

    @cached_property
    def names(self) -> Mapping[str, tuple[str, str]]:
        """Chinese and English name by station, township and water body."""
        stations = self.registry.stations
        names = {
            str(s): (str(zh), str(en))
            for s, zh, en in zip(stations["station_id"], stations["name_zh"], stations["name_en"], strict=True)
        }
        for zones in (self.registry.townships, self.registry.waters):
            names |= dict(zip(zones.ids, zip(zones.names_zh, zones.names_en, strict=True), strict=True))
        return names

    @cached_property
    def _known(self) -> dict[str, Place]:
        known = {}
        for zones in (self.registry.townships, self.registry.waters):
            to_grid = Transformer.from_crs(WGS84, self.rivers.crs, always_xy=True).transform
            for name, geometry in zip(zones.ids, zones.shapes, strict=True):
                middle = geometry.representative_point()
                reach = min(float(np.sqrt(transform(geometry, to_grid, interleaved=False).area / np.pi)), _ZONE_REACH)
                known[name] = Place(middle.x, middle.y, reach)
        for name, row in self.registry.by_id.items():
            river, km = str(row["river"]), float(row["river_km"])
            if not np.isfinite(km):
                river, km = "", np.nan
            known[name] = Place(float(row["lon"]), float(row["lat"]), 0.0, river, km)
        return known

    def of(self, subject: str) -> Place:
        """The place of a station, township or water body; nowhere when the registry does not know it."""
        return self._known.get(subject, Place())

    def at(self, lon: float | None, lat: float | None, extent_m: float, kind: str) -> Place:
        """A point; matters of water near a river lie on it."""
        if lon is None or lat is None or not np.isfinite([lon, lat]).all():
            return Place()
        river, km = self.rivers.locate(lon, lat, settings()["river_snap"]) if kind == "water" else ("", np.nan)
        return Place(lon, lat, extent_m, river, km)

    def township_at(self, lon: float, lat: float) -> str:
        """The township of a point; "" outside all."""
        if not np.isfinite([lon, lat]).all():
            return ""
        found = STRtree(self.registry.townships.shapes).query(points(lon, lat), predicate="intersects")
        return self.registry.townships.ids[int(min(found))] if len(found) else ""

    def name(self, subject: str, township: str) -> tuple[str, str]:
        """Chinese and English name of a subject, else of its township, else its id."""
        return self.names.get(subject) or self.names.get(township) or (subject, subject)


def of_spots(rows: pd.DataFrame, places: Places) -> pd.DataFrame:
    """Spots of grid reports (rows of the indicator human.spot) as evidence; `certainty` counts the witnesses."""
    out = []
    for row in rows.to_dict("records"):
        said = json.loads(row["detail"])
        kind, weight = matter("spot", str(row["grade"]))
        place = places.at(said["lon"], said["lat"], 0.0, kind)
        n, reports = int(row["value"]), len(said["reports"])
        zh, en = places.name("", said["township"])
        out.append(
            _evidence(
                "spot",
                str(row["subject"]),
                place,
                eye=Eye.HUMAN,
                weight=weight,
                kind=kind,
                township=said["township"],
                name_zh=zh,
                name_en=en,
                severity=_URGENT.get(said["urgency"], Severity.BLUE),
                certainty=float(n),
                starts_at=row["time"],
                ends_at=max(pd.Timestamp(said["last"]), row["time"]),
                known_at=row["time"] + _HOUR,
                sure_at=pd.Timestamp(said["second"]).floor("h") + _HOUR if "second" in said else None,
                keys=str(row["subject"]),
                summary_zh=f"{zh}同一地点收到{reports}条上报，{n}人次独立。",
                summary_en=f"{en}: one spot, reported {reports} times, {n} times independently.",
            )
        )
    return frame(out)


def of_candidates(rows: pd.DataFrame, places: Places) -> pd.DataFrame:
    """Candidates from space (table candidates) as evidence; those withdrawn stay and say nothing."""
    out = []
    for row in rows.to_dict("records"):
        kind, weight = matter("candidate", str(row["kind"]))
        extent = float(np.sqrt(max(row["area_ha"], 0.0) * 1e4 / np.pi))
        zone = str(row["water_body"] or row["township"])
        zh, en = places.name(zone, str(row["township"]))
        area = f"{row['area_ha']:.1f}"
        out.append(
            _evidence(
                "candidate",
                str(row["id"]),
                places.at(row["lon"], row["lat"], extent, kind),
                eye=Eye.SKY,
                weight=weight,
                kind=kind,
                rule=str(row["kind"]),
                subject=zone,
                township=str(row["township"]),
                name_zh=zh,
                name_en=en,
                severity=Severity.BLUE,
                standing=row["status"] != "withdrawn",
                certainty=float(row["confidence"]),
                starts_at=row["first_seen"],
                ends_at=row["last_seen"] + _DAY,
                known_at=row["first_seen"] + _DAY,
                keys=str(row["id"]),
                summary_zh=f"{zh}卫星影像见疑似变化{area}公顷，{row['n_seen']}个晴日可见。",
                summary_en=f"{en}: {area} ha changed in satellite images, seen on {row['n_seen']} clear days.",
            )
        )
    return frame(out)


def of_alerts(alerts: pd.DataFrame, spots: pd.DataFrame, candidates: pd.DataFrame, places: Places) -> pd.DataFrame:
    """Alarms that were said to somebody as evidence; what was withdrawn stays and says nothing.

    Args:
        alerts: as `read_alerts` gives them.
        spots: evidence of spots: an alarm about one stands where the spot does.
        candidates: rows of the table: an alarm about a township or water body stands where the largest of them is.
        places: of the registry.
    """
    fired = alerts[alerts["fired_at"].notna() & (alerts["inhibited_by"] == "") & (alerts["status"] != "pending")]
    known = {row["ref"]: row for row in spots.to_dict("records")}
    seen = candidates[candidates["status"] != "withdrawn"].sort_values(["area_ha", "id"], ascending=[False, True])
    return frame([_alarm(row, known, seen, places) for row in fired.to_dict("records")])


def _alarm(row: Mapping[Any, Any], spots: Mapping[str, Any], candidates: pd.DataFrame, places: Places) -> Evidence:
    subject, labels = str(row["subject"]), row["labels"]
    station = places.registry.by_id.get(subject, {})
    kind, weight = matter(
        "alert", str(row["rule"]), station_kind=str(station.get("kind", "")), medium=str(labels.get("medium", ""))
    )
    township = str(labels.get("township", "") or station.get("township", ""))
    place, keys, starts_at, ends_at = places.of(subject), "", row["starts_at"], row["ends_at"]
    if subject in spots:
        spot = spots[subject]
        kind, keys, township = spot["kind"], subject, township or spot["township"]
        place = Place(spot["lon"], spot["lat"], 0.0, spot["river"], spot["river_km"])
        starts_at, ends_at = spot["starts_at"], spot["ends_at"]
    elif weight.startswith("sky."):
        candidate = _behind(kind, subject, starts_at, ends_at, candidates)
        if candidate is not None:
            keys = str(candidate["id"])
            extent = float(np.sqrt(candidate["area_ha"] * 1e4 / np.pi))
            place = places.at(candidate["lon"], candidate["lat"], extent, kind)
            township = township or str(candidate["township"])
    zh, en = places.name(subject, township)
    return _evidence(
        "alert",
        str(row["id"]),
        place,
        eye=weight.partition(".")[0],
        weight=weight,
        kind=kind,
        rule=str(row["rule"]),
        subject=subject,
        township=township or places.township_at(place.lon, place.lat),
        name_zh=zh,
        name_en=en,
        severity=str(row["severity"]),
        standing=row["status"] != "withdrawn",
        certainty=1.0,
        starts_at=starts_at,
        ends_at=None if pd.isna(ends_at) else ends_at,
        known_at=row["fired_at"],
        keys=keys,
        summary_zh=str(row["summary_zh"]),
        summary_en=str(row["summary_en"]),
    )


def _behind(
    kind: str, zone: str, starts_at: pd.Timestamp, ends_at: pd.Timestamp, candidates: pd.DataFrame
) -> Mapping[Any, Any] | None:
    """The largest candidate of a kind in a zone while an alarm about it lasted."""
    here = candidates[((candidates["township"] == zone) | (candidates["water_body"] == zone))]
    here = here[(here["last_seen"] + _DAY > starts_at) & (pd.isna(ends_at) | (here["first_seen"] < ends_at))]
    for row in here.to_dict("records"):
        if matter("candidate", str(row["kind"]))[0] == kind:
            return row
    return None


def of_verdicts(reports: pd.DataFrame, tasks: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Answers of grid workers (rows of the table reports) to tasks of ours as evidence of the incident.

    Args:
        reports: of the source of our tasks; those not yet verified or closed, or without a verdict, say nothing.
        tasks: task id -> task, with `anchor`, `kind`, `township` and the names.
    """
    out = []
    for row in reports.to_dict("records"):
        task = tasks.get(str(row["id"]))
        if task is None or not row["verdict"] or row["status"] not in ("verified", "closed"):
            continue
        at = row["received_at"].floor("s")
        out.append(
            verdict(
                f"{row['source']}:{row['id']}",
                outcome(str(row["verdict"])),
                at,
                task,
                zh=f"网格员现场核查：{row['verdict']}",
                en=f"Verdict on the spot: {row['verdict']}",
            )
        )
    return frame(out)


def verdict(ref: str, said: str, at: pd.Timestamp, about: Mapping[str, Any], *, zh: str, en: str) -> Evidence:
    """What somebody who was there said, as evidence of the incident that `about` (a task, or the incident) leads to."""
    return _evidence(
        "verdict",
        ref,
        Place(),
        eye=Eye.HUMAN,
        weight=f"verdict.{said}",
        kind=str(about["kind"]),
        township=str(about["township"]),
        severity=Severity.BLUE,
        starts_at=at,
        ends_at=at,
        known_at=at,
        keys=str(about["anchor"]),
        summary_zh=zh,
        summary_en=en,
    )


def _evidence(origin: str, ref: str, place: Place, **said: Any) -> Evidence:
    silent: dict[str, Any] = dict.fromkeys(("rule", "subject", "name_zh", "name_en", "keys"), "")
    row: dict[str, Any] = {**silent, "standing": True, "certainty": 1.0, **said, **asdict(place)}
    return Evidence(id=f"{origin}:{ref}", origin=origin, ref=ref, **row)


def digests(rows: pd.DataFrame) -> list[str]:
    """A digest of each piece of evidence: what changed has another."""
    return [f"{n:016x}" for n in pd.util.hash_pandas_object(rows.astype(str), index=False)]


__all__ = ["Place", "Places", "digests", "of_alerts", "of_candidates", "of_spots", "of_verdicts", "verdict"]
