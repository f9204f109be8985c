"""Where it may have come from: outlets upstream within travel time for water, sources upwind for air. Pure.

The score of a source is a product of plain factors, each said in words:

* water: exp(-d / river_scale), d the km the water flows; times `alarmed_factor` when the source itself exceeded its
  limit while the water that was seen passed it; times `clean_factor` for each section between source and finding, or at
  the finding's upper end, that saw nothing while it passed;
* air: exp(-d / air_scale) within the sector the wind came from (half width `wind_sector`); with less wind than
  `wind_calm` no direction is told and only what lies within `calm_reach` is named; times `alarmed_factor` likewise.

Scores order, they are no probabilities. Ozone forms on the way and is laid at no door. The wind is the vector mean of
the hours before the start.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Geod

from alerts.incidents.evidence import Places
from alerts.incidents.tables import settings
from domain.catalogue import TABLES_DIR, read_table
from domain.texts import say
from domain.times import LOCAL

_GEOD = Geod(ellps="WGS84")
#: Closer than this a source and a finding are one place.
_AT_IT_KM = 0.05
_EIGHT = ("n", "ne", "e", "se", "s", "sw", "w", "nw")


@dataclass(frozen=True, slots=True)
class Wind:
    """Vector mean: speed (m/s) and the direction it comes from (degrees, clockwise from north)."""

    speed: float
    direction: float
    n: int  # values behind it


@dataclass(frozen=True, slots=True)
class Likely:
    """One likely source, best first."""

    source: str
    name_zh: str
    name_en: str
    score: float
    distance_km: float
    why_zh: str
    why_en: str
    lon: float | None
    lat: float | None


def mean_wind(speed: np.ndarray, direction: np.ndarray) -> Wind | None:
    """The vector mean of pairs (n,) of speed (m/s) and direction (deg); None when there is no pair."""
    usable = np.isfinite(speed) & np.isfinite(direction)
    if not usable.any():
        return None
    angle = np.deg2rad(direction[usable])
    east, north = (speed[usable] * np.sin(angle)).mean(), (speed[usable] * np.cos(angle)).mean()
    return Wind(float(np.hypot(east, north)), float(np.rad2deg(np.arctan2(east, north)) % 360), int(usable.sum()))


#: When alarms of each station were on: station -> (start, end); an alarm that goes on has no end.
Alarms = Mapping[str, Sequence[tuple[pd.Timestamp, pd.Timestamp | None]]]


def alarms_of(evidence: pd.DataFrame) -> Alarms:
    """The spans of all alarms of pollution that stand, by station."""
    mine = evidence[(evidence["origin"] == "alert") & (evidence["kind"] != "instrument") & evidence["standing"]]
    out: dict[str, list[tuple[pd.Timestamp, pd.Timestamp | None]]] = {}
    for subject, start, end in zip(mine["subject"], mine["starts_at"], mine["ends_at"], strict=True):
        out.setdefault(str(subject), []).append((start, None if pd.isna(end) else end))
    return out


def likely_sources(evidence: pd.DataFrame, alarms: Alarms, places: Places, wind: Wind | None) -> list[Likely]:
    """The likely sources of one incident, best first.

    Args:
        evidence: of the incident.
        alarms: of all stations at that time, to tell which sources exceeded and which sections saw nothing.
        places: of the registry, whose sources are the only ones there are.
        wind: before the start; None when no station told it.
    """
    stands = evidence[evidence["standing"] & (evidence["origin"] != "verdict")]
    if stands.empty:
        return []
    kind = str(stands["kind"].iloc[0])
    if kind == "water":
        found = _upstream(stands, alarms, places)
    elif kind == "air":
        found = _upwind(stands, alarms, places, wind)
    else:
        return []
    shown = int(settings()["sources_shown"])
    return sorted(found, key=lambda x: (-x.score, x.source))[:shown]


def as_dicts(found: Iterable[Likely]) -> list[dict[str, Any]]:
    """Plain values, for the ledger."""
    return [asdict(f) for f in found]


def _upstream(evidence: pd.DataFrame, known: Alarms, places: Places) -> list[Likely]:
    number = settings()
    on = evidence[evidence["river"] != ""].sort_values(["starts_at", "river_km", "id"])
    own = set(on["subject"])
    out = []
    for source in _sources(places, "water"):
        below = [
            (km, row)
            for row in on.to_dict("records")
            if (km := places.rivers.downstream_km(source.river, source.km, row["river"], row["river_km"]))
            <= number["river_reach"]
        ]
        if not below:
            continue
        # What lies nearest below saw it first and least changed.
        distance, row = min(below, key=lambda x: (x[0], x[1]["starts_at"], x[1]["id"]))
        soonest, longest = distance / number["flow_max"], distance / number["flow_min"]
        since = row["starts_at"] - pd.Timedelta(hours=longest)
        until = row["starts_at"] - pd.Timedelta(hours=soonest)
        alarmed = source.station in own or _alarmed(known, source.station, since, until)
        clean = _clean_between(source, row, known, places, since)
        score = np.exp(-distance / number["river_scale"])
        score *= number["alarmed_factor"] if alarmed else 1.0
        score *= number["clean_factor"] ** len(clean)
        out.append(
            _said(source, float(score), distance, *_water_words(distance, soonest, longest, row, alarmed, clean))
        )
    return out


@dataclass(frozen=True, slots=True)
class _Source:
    id: str
    names: tuple[str, str]
    station: str
    lon: float
    lat: float
    river: str
    km: float


@cache
def _media() -> dict[str, list[str]]:
    """The media each category of sources burdens."""
    columns = ["category", "media", "source"]
    frame = read_table(TABLES_DIR / "incident_source_media.csv", columns=columns, key=["category"])
    return dict(zip(frame["category"], frame["media"].str.split(), strict=True))


def _sources(places: Places, medium: str) -> list[_Source]:
    """The registry's sources that burden a medium (those of unknown category may), each once, with their place along a
    river; those without a place are left out.
    """
    rows = places.registry.sources.sort_values("valid_from", kind="stable").drop_duplicates("source_id", keep="last")
    out = []
    for row in rows.to_dict("records"):
        lon, lat = float(row["lon"]), float(row["lat"])
        if not np.isfinite([lon, lat]).all() or medium not in _media().get(row["category"], [medium]):
            continue
        station = str(row["station_id"])
        river, km = places.of(station).river, places.of(station).river_km
        if not river:
            river, km = places.rivers.locate(lon, lat, settings()["river_snap"])
        names = (str(row["name_zh"]), str(row["name_en"]))
        out.append(_Source(str(row["source_id"]), names, station, lon, lat, river, km))
    return sorted(out, key=lambda s: s.id)


def _alarmed(known: Alarms, station: str, since: pd.Timestamp, until: pd.Timestamp) -> bool:
    """Whether an alarm of a station was on within [since, until]."""
    return any(start <= until and (end is None or end >= since) for start, end in known.get(station, ()))


def _clean_between(
    source: _Source, row: dict[Any, Any], known: Alarms, places: Places, since: pd.Timestamp
) -> list[tuple[str, str]]:
    """Names of the sections the water passed on its way that had no alarm then."""
    stations = places.registry.stations
    out = []
    for s in stations[(stations["medium"] == "water") & (stations["river"] != "")].to_dict("records"):
        to = places.rivers.downstream_km(source.river, source.km, s["river"], float(s["river_km"]))
        on = places.rivers.downstream_km(s["river"], float(s["river_km"]), row["river"], row["river_km"])
        # NaN compares as false: only stations truly between count.
        if to > 0 and on > 0 and not _alarmed(known, str(s["station_id"]), since, row["starts_at"]):
            out.append((str(s["name_zh"]), str(s["name_en"])))
    return out


def _water_words(
    distance: float, soonest: float, longest: float, row: dict[Any, Any], alarmed: bool, clean: list[tuple[str, str]]
) -> tuple[str, str]:
    out = []
    for at, lang in enumerate(("zh", "en")):
        place = (row["name_zh"], row["name_en"])[at] or row["subject"]
        begun = f"{row['starts_at'].tz_convert(LOCAL):%m-%d %H:%M}"
        if distance < _AT_IT_KM:
            said = [say("source.itself", lang, place=place, time=begun)]
        else:
            flow = {"a": f"{soonest:.1f}", "b": f"{longest:.1f}"}
            said = [say("source.upstream", lang, km=f"{distance:.1f}", place=place, time=begun, **flow)]
        said.append(say("source.alarmed", lang) if alarmed else say("source.quiet", lang))
        said += [say("source.clean", lang, section=names[at]) for names in clean]
        out.append(say("source.join", lang).join(said) + say("source.stop", lang))
    return out[0], out[1]


def _upwind(evidence: pd.DataFrame, known: Alarms, places: Places, wind: Wind | None) -> list[Likely]:
    number = settings()
    placed = evidence[evidence["lon"].notna()].sort_values(["starts_at", "id"])
    if placed.empty:
        return []
    start = placed["starts_at"].min()
    calm = wind is None or wind.speed < number["wind_calm"]
    out = []
    for source in _sources(places, "air"):
        best: tuple[float, float, float] | None = None
        for lon, lat in zip(placed["lon"], placed["lat"], strict=True):
            bearing, _, metres = _GEOD.inv(lon, lat, source.lon, source.lat)
            off = abs((bearing - (wind.direction if wind else 0.0) + 180) % 360 - 180)
            near = metres / 1000 <= (number["calm_reach"] if calm else number["air_reach"])
            blown = calm or off <= number["wind_sector"] or metres / 1000 < _AT_IT_KM
            if near and blown and (best is None or metres < best[0]):
                best = (metres, bearing % 360, off)
        if best is None:
            continue
        alarmed = _alarmed(known, source.station, start - pd.Timedelta(hours=number["wind_window"]), start)
        distance = best[0] / 1000
        score = float(np.exp(-distance / number["air_scale"])) * (number["alarmed_factor"] if alarmed else 1.0)
        words = _air_words(distance, best[1], wind, calm, alarmed)
        out.append(_said(source, score, distance, *words))
    return out


def _air_words(distance: float, bearing: float, wind: Wind | None, calm: bool, alarmed: bool) -> tuple[str, str]:
    out = []
    for lang in ("zh", "en"):
        where = say(f"compass.{_EIGHT[round(bearing / 45) % 8]}", lang)
        if wind is None:
            blown = say("source.no_wind", lang)
        elif calm:
            blown = say("source.calm", lang, speed=f"{wind.speed:.1f}")
        else:
            origin = say(f"compass.{_EIGHT[round(wind.direction / 45) % 8]}", lang)
            blown = say("source.wind", lang, origin=origin, speed=f"{wind.speed:.1f}")
        said = [say("source.bearing", lang, where=where, km=f"{distance:.1f}"), blown]
        if distance < _AT_IT_KM:  # there is no direction to the place itself
            said = [say("source.spoke", lang)]
        said.append(say("source.alarmed", lang) if alarmed else say("source.quiet", lang))
        out.append(say("source.join", lang).join(said) + say("source.stop", lang))
    return out[0], out[1]


def _said(source: _Source, score: float, distance: float, zh: str, en: str) -> Likely:
    name_zh, name_en = source.names
    return Likely(
        source.id,
        name_zh,
        name_en,
        round(score, 4),
        round(distance, 2),
        zh,
        en,
        round(source.lon, 6),
        round(source.lat, 6),
    )
