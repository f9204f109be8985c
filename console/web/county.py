"""What the map shows: GeoJSON of places, of what happens there now, and our newest clear composite below them."""

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from shapely.geometry import mapping

from console.web.colours import scale, shade, states
from console.web.site import Site
from domain.registry import Zones
from domain.times import LENGTHS
from processing.charts_overlay import Overlay, newest_clear, overlay
from store.ledger.alerts import read_alerts

Collection = dict[str, Any]

#: A station is silent after three of its cadences and an hour, as the rule station.silent says it.
_CADENCES, _GRACE = 3, timedelta(hours=1)
#: Reports and candidates that are older are history.
_RECENT = timedelta(days=30)
#: How many acquisition days the composite looks back.
_SCENES = 6
_DEGREE_KM = 111.2
_SEVERITIES = ("blue", "yellow", "orange", "red")


def collection(features: list[dict[str, Any]]) -> Collection:
    """A GeoJSON FeatureCollection (RFC 7946)."""
    return {"type": "FeatureCollection", "features": features}


def feature(identity: str, geometry: Any, **properties: Any) -> dict[str, Any]:
    """A GeoJSON feature."""
    return {"type": "Feature", "id": identity, "geometry": geometry, "properties": {"id": identity, **properties}}


def point(lon: float, lat: float) -> dict[str, Any]:
    """A GeoJSON point, five decimals (about a metre)."""
    return {"type": "Point", "coordinates": [round(float(lon), 5), round(float(lat), 5)]}


def zones(of: Zones) -> Collection:
    """Townships or waters of the registry."""
    rows = zip(of.ids, of.names_zh, of.names_en, of.kinds, of.shapes, strict=True)
    return collection([feature(i, mapping(s), name_zh=zh, name_en=en, kind=kind) for i, zh, en, kind, s in rows])


def stations(site: Site) -> Collection:
    """Every station with its state now: colour, what it means, newest value, worst alert, whether it is silent."""
    now = site.now()
    none = scale("plain")["none"]
    newest = site.observed.rows().groupby("station_id")["time"].max().to_dict()
    graded = _graded(site.computed.rows())
    alerts = worst_alerts(site)
    registry = site.home.registry.stations
    current = registry.drop_duplicates("station_id", keep="last")
    features = []
    for row in current.to_dict("records"):
        station = str(row["station_id"])
        seen = newest.get(station)
        told = _state(graded.get(station), str(row["medium"]))
        silent = _silent(str(row["cadence"]), None if seen is None else seen.to_pydatetime(), now)
        features.append(
            feature(
                station,
                point(row["lon"], row["lat"]),
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                medium=row["medium"],
                township=row["township"],
                **(told | ({"colour": none.colour, "ink": none.ink} if silent else {})),
                silent=silent,
                alert=alerts.get(station, ""),
                seen=None if seen is None else seen.isoformat(),
            )
        )
    return collection(features)


def worst_alerts(site: Site) -> dict[str, str]:
    """The worst colour firing on each subject."""
    found = read_alerts(site.home.ledger, status="firing")
    ranked = found.assign(rank=found["severity"].map({s: n for n, s in enumerate(_SEVERITIES)}))
    worst = ranked.groupby("subject")["rank"].max()
    return {str(subject): _SEVERITIES[int(rank)] for subject, rank in worst.items()}


def reports(site: Site) -> Collection:
    """Grid reports of the last month, without duplicates."""
    now = site.now()
    found = site.home.lake.read("reports", start=now - _RECENT, end=now + timedelta(days=1))
    found = found[(found["duplicate_of"] == "") & found["lon"].notna()]
    return collection(
        [
            feature(
                f"{r['source']}/{r['id']}",
                point(r["lon"], r["lat"]),
                category=r["category"],
                urgency=r["urgency"],
                text=r["text"],
                status=r["status"],
                verdict=r["verdict"],
                township=r["township"],
                observed_at=r["observed_at"].isoformat(),
            )
            for r in found.to_dict("records")
        ]
    )


def candidates(site: Site) -> Collection:
    """What satellites saw change and a clear look has not taken back, of the last month."""
    since = site.now() - _RECENT
    found = site.home.lake.read("candidates", where={"status": ["new", "standing"]})
    found = found[found["last_seen"] >= pd.Timestamp(since)]
    return collection(
        [
            feature(
                r["id"],
                json.loads(r["geometry"]),
                kind=r["kind"],
                area_ha=round(r["area_ha"], 2),
                confidence=round(r["confidence"], 2),
                status=r["status"],
                picture=r["picture"],
                first_seen=r["first_seen"].isoformat(),
            )
            for r in found.to_dict("records")
        ]
    )


def _graded(computed: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Of each station the newest value it is coloured by: that of an hour where there is one, else that of a day."""
    scales = dict(states().values())
    rows = computed[computed["indicator"].isin(scales) & computed["value"].notna()]
    rows = rows.assign(shorter=rows["period"] != "P1D").sort_values(["shorter", "time"], kind="stable")
    newest = rows.drop_duplicates("subject", keep="last")
    return {str(r["subject"]): {str(k): v for k, v in r.items()} for r in newest.to_dict("records")}


def _state(row: dict[str, Any] | None, medium: str) -> dict[str, Any]:
    """Colour, meaning and value of the newest graded value of a station."""
    found = None if row is None else shade(states()[medium][1], float(row["value"]), str(row["grade"]))
    if row is None or found is None:
        plain = scale("plain")["measured"]
        return {"colour": plain.colour, "ink": plain.ink, "word_zh": "", "word_en": "", "value": None, "at": None}
    return {
        "colour": found.colour,
        "ink": found.ink,
        "word_zh": found.names[0],
        "word_en": found.names[1],
        "value": round(float(row["value"]), 3),
        "at": row["time"].isoformat(),
    }


def _silent(cadence: str, seen: datetime | None, now: datetime) -> bool:
    length = LENGTHS.get(cadence)
    if length is None:
        return seen is None  # sampled by hand, every few years
    return seen is None or now - seen > length + _CADENCES * length + _GRACE


def picture_days(site: Site, day: str, *, after: bool) -> list[Path]:
    """The pictures that show a place before a day (YYYY-MM-DD), or from it on, the nearest to it first."""
    folder = site.home.files.path("products")
    pictures = sorted(folder.glob("*/rgb.tif")) if folder.is_dir() else []
    if after:
        return [p for p in pictures if p.parent.name >= day][:_SCENES]
    return [p for p in reversed(pictures) if p.parent.name < day][:_SCENES]


def nearby_reports(site: Site, evidence: pd.DataFrame) -> pd.DataFrame:
    """Reports within a kilometre of the human eye's evidence and within its days, oldest first."""
    if evidence.empty:
        return site.home.lake.read("reports", columns=[]).head(0)
    margin = timedelta(days=1)
    start, end = evidence["starts_at"].min() - margin, evidence["ends_at"].fillna(evidence["known_at"]).max() + margin
    found = site.home.lake.read("reports", start=start, end=end)
    lon, lat = (evidence[c].to_numpy(float)[None, :] for c in ("lon", "lat"))
    east = (found["lon"].to_numpy(float)[:, None] - lon) * np.cos(np.radians(lat)) * _DEGREE_KM
    north = (found["lat"].to_numpy(float)[:, None] - lat) * _DEGREE_KM
    return found[(np.hypot(east, north) < 1).any(axis=1)].sort_values("observed_at")


@dataclass
class BaseMap:
    """Our newest clear composite, drawn when a new acquisition day is there."""

    site: Site
    _made: tuple[tuple[tuple[Path, int], ...], Overlay | None] = ((), None)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> tuple[str, Overlay | None]:
        """A name that changes with the picture, and the picture; None while there is none."""
        folder = self.site.home.files.path("products")
        days = sorted(folder.glob("*/rgb.tif"), reverse=True)[:_SCENES] if folder.is_dir() else []
        with self._lock:
            stamps = tuple((day, day.stat().st_mtime_ns) for day in days)
            if self._made[0] != stamps:
                whole = newest_clear(self.site.home.files.read_raster(day) for day in days)
                self._made = (stamps, None if whole is None else overlay(whole))
            return (f"{stamps[0][0].parent.name}-{max(t for _, t in stamps)}" if stamps else ""), self._made[1]
