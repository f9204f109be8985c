"""The bulletin in words: sections, paragraphs and tables made from the numbers alone. Pure: same numbers, same text.

Chinese as an office sends it up; English says the same. Classes of water stay as the indicators gave them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from alerts.bulletin.numbers import Numbers
from domain.catalogue import parameters
from domain.texts import say
from domain.times import LOCAL

_ORDER = ("red", "orange", "yellow", "blue")
_SHOWN = ("per_operator_hour", "per_operator_day", "most_in_10_minutes", "chattering", "stale")
_ROMAN = {"I": "Ⅰ", "II": "Ⅱ", "III": "Ⅲ", "IV": "Ⅳ", "V": "Ⅴ"}
#: The categories of HJ 633, best first.
_GRADES = ("优", "良", "轻度污染", "中度污染", "重度污染", "严重污染")
#: Rows of a list that are told before the rest is only counted.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: heading and rows of cells."""

    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, and a table perhaps."""

    heading: str
    paragraphs: tuple[str, ...]
    grid: Grid | None = None


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One bulletin, ready to be written to a file."""

    lang: str
    title: str
    subtitle: str
    sections: tuple[Section, ...]
    closing: tuple[str, ...]


def bulletin(n: Numbers, names: Mapping[str, tuple[str, str]], lang: str) -> Bulletin:
    """The bulletin of these numbers.

    Args:
        n: the numbers.
        names: Chinese and English name by station, township and water body.
        lang: zh or en.
    """
    daily = n.first == n.last
    county = n.county_zh if lang == "zh" else n.county_en
    title = say("bulletin.daily", lang, county=county) if daily else say("bulletin.weekly", lang, county=county)
    made = f"{n.made_at.astimezone(LOCAL):%Y-%m-%d %H:%M}"
    days = _day(n.first, lang) if daily else say("bulletin.days", lang, a=_day(n.first, lang), b=_day(n.last, lang))
    closing = [say("bulletin.trail", lang, number=n.trail[0], digest=n.trail[1][:16])]
    if n.simulated:
        closing.append(say("bulletin.simulated", lang))
    return Bulletin(
        lang,
        title,
        say("bulletin.subtitle", lang, days=days, made=made),
        (
            Section(say("bulletin.head_summary", lang), _summary(n, lang)),
            _air(n, names, lang),
            _water(n, names, lang),
            _incidents(n, lang),
            _waiting(n, lang),
            _alarms(n, names, lang),
        ),
        tuple(closing),
    )


def _day(day: object, lang: str) -> str:
    stamp = pd.Timestamp(str(day))
    return say("bulletin.date", lang, y=stamp.year, m=f"{stamp.month:02d}" if lang == "en" else stamp.month,
               d=f"{stamp.day:02d}" if lang == "en" else stamp.day)  # fmt: skip


def _summary(n: Numbers, lang: str) -> tuple[str, ...]:
    said = n.air[n.air["value"].notna()]
    good = int((said["value"] <= 100).sum())
    met = n.water[n.water["excess"].notna()]
    out = []
    if len(said):
        share = f"{100 * good / len(said):.1f}"
        out.append(
            say(
                "bulletin.sum_air",
                lang,
                stations=said["station"].nunique(),
                n=len(said),
                good=good,
                share=share,
                worst=f"{said['value'].max():.0f}",
            )
        )
    else:
        out.append(say("bulletin.no_air", lang))
    if len(met):
        out.append(say("bulletin.sum_water", lang, n=len(met), met=int((met["excess"] <= 0).sum())))
    else:
        out.append(say("bulletin.no_water", lang))
    overdue = int(n.waiting["overdue"].sum())
    out.append(
        say(
            "bulletin.sum_incidents",
            lang,
            opened=len(n.opened),
            closed=len(n.closed),
            waiting=len(n.waiting),
            overdue=overdue,
        )
    )
    red = n.opened[n.opened["severity"] == "red"]
    if len(red):
        what = say("incident.and", lang).join(red[f"title_{lang}"])
        out.append(say("bulletin.sum_red", lang, n=len(red), what=what))
    return tuple(out)


def _air(n: Numbers, names: Mapping[str, tuple[str, str]], lang: str) -> Section:
    rows = []
    for station, part in n.air.groupby("station"):
        said = part[part["value"].notna()]
        worst = said.sort_values("value").tail(1)
        days = said["grade"].value_counts()
        graded = [(_grade(g, lang), int(days[g])) for g in sorted(days.index, key=_level)]
        grades = "、".join(f"{g}{k}" for g, k in graded) if lang == "zh" else ", ".join(f"{g} {k}" for g, k in graded)
        rows.append(
            (
                _name(names, str(station), lang),
                f"{len(said)}/{len(part)}",
                f"{said['value'].mean():.0f}" if len(said) else "—",
                f"{worst['value'].iloc[0]:.0f}" if len(said) else "—",
                grades or say("bulletin.none_valid", lang),
            )
        )
    heading = tuple(say(f"bulletin.column.{c}", lang) for c in ("station", "valid", "mean", "worst", "grades"))
    polluted = n.air[n.air["value"] > 100].sort_values(["value", "station"], ascending=[False, True])
    told = [
        say("bulletin.polluted", lang, day=_day(t.tz_convert(LOCAL).date(), lang), station=_name(names, s, lang),
            value=f"{v:.0f}", grade=_grade(g, lang), items=_items(d, lang) if d else "—")
        for s, t, v, g, d in zip(*(polluted[c] for c in ("station", "day", "value", "grade", "detail")), strict=True)
    ][:_MOST]  # fmt: skip
    return Section(
        say("bulletin.head_air", lang), tuple(told or [say("bulletin.no_polluted", lang)]), Grid(heading, tuple(rows))
    )


def _level(grade: str) -> int:
    """The level of a category of air quality, 1 to 6; 0 for a word that is none."""
    return _GRADES.index(grade) + 1 if grade in _GRADES else 0


def _grade(grade: str, lang: str) -> str:
    return say(f"bulletin.grade.{_level(grade)}", lang) if _level(grade) else grade


def _water(n: Numbers, names: Mapping[str, tuple[str, str]], lang: str) -> Section:
    rows = []
    for row in n.water.to_dict("records"):
        known = pd.notna(row["value"])
        worse = pd.notna(row["excess"]) and row["excess"] > 0
        verdict = "bulletin.unknown" if not known else "bulletin.worse" if worse else "bulletin.met"
        rows.append(
            (
                _name(names, str(row["station"]), lang),
                _ROMAN.get(str(row["target"]), str(row["target"])) or "—",
                str(row["grade"]) or "—",
                say(verdict, lang),
                _items(str(row["detail"]), lang) if known and row["detail"] else "—",
            )
        )
    heading = tuple(say(f"bulletin.column.{c}", lang) for c in ("section", "target", "class", "verdict", "items"))
    notes = [say("bulletin.water_note", lang)]
    if n.water["detail"].str.contains("unconfirmed").any():
        notes.append(say("bulletin.water_rule", lang))
    return Section(say("bulletin.head_water", lang), tuple(notes), Grid(heading, tuple(rows)))


def _items(detail: str, lang: str) -> str:
    """Names of the parameters that an indicator names by their ids."""
    known = parameters()[f"name_{lang}"].to_dict()
    items = [item.strip() for item in detail.partition(";")[0].split(",")]
    return say("incident.and", lang).join(str(known.get(item, item)) for item in items)


def _incidents(n: Numbers, lang: str) -> Section:
    told = [
        say(
            "bulletin.incident",
            lang,
            id=row["id"],
            severity=say(f"severity.{row['severity']}", lang),
            title=row[f"title_{lang}"],
            summary=row[f"summary_{lang}"],
            state=say(f"handling.{row['handling']}", lang),
        )
        for row in n.opened.sort_values("severity", key=_rank, kind="stable").head(_MOST).to_dict("records")
    ]
    if len(n.opened) > _MOST:
        told.append(say("bulletin.more", lang, n=len(n.opened) - _MOST))
    return Section(say("bulletin.head_incidents", lang), tuple(told or [say("bulletin.no_incidents", lang)]))


def _waiting(n: Numbers, lang: str) -> Section:
    heading = tuple(
        say(f"bulletin.column.{c}", lang) for c in ("number", "severity", "title", "state", "person", "deadline")
    )
    rows = []
    for row in n.waiting.head(_MOST).to_dict("records"):
        deadline = "—" if pd.isna(row["deadline"]) else f"{row['deadline'].tz_convert(LOCAL):%m-%d %H:%M}"
        late = say("bulletin.late", lang) if row["overdue"] else ""
        rows.append(
            (
                str(row["id"]),
                say(f"severity.{row['severity']}", lang),
                str(row[f"title_{lang}"]),
                say(f"handling.{row['handling']}", lang),
                str(row["assignee"]) or "—",
                deadline + late,
            )
        )
    overdue = int(n.waiting["overdue"].sum())
    told = (
        [say("bulletin.waiting", lang, n=len(n.waiting), overdue=overdue)]
        if rows
        else [say("bulletin.nothing_waits", lang)]
    )
    if len(n.waiting) > _MOST:
        told.append(say("bulletin.more", lang, n=len(n.waiting) - _MOST))
    return Section(say("bulletin.head_waiting", lang), tuple(told), Grid(heading, tuple(rows)) if rows else None)


def _alarms(n: Numbers, names: Mapping[str, tuple[str, str]], lang: str) -> Section:
    counts = n.alarms["severity"].value_counts()
    by = say("incident.and", lang).join(
        f"{say(f'severity.{c}', lang)} {int(counts[c])}" for c in _ORDER if c in counts
    )  # fmt: skip
    told = [say("bulletin.alarms", lang, n=len(n.alarms), by=by or "0")]
    figures = n.handled[["acknowledge_h", "verify_h", "closed_in_time_pct"]]
    if figures.isna().all(axis=None):
        told.append(say("bulletin.none_handled", lang))
    else:
        row = n.handled.iloc[0]
        told.append(
            say("bulletin.handled", lang, period=row["period"], ack=_number(row["acknowledge_h"]),
                verify=_number(row["verify_h"]), share=_number(row["closed_in_time_pct"]))
        )  # fmt: skip
    told += [
        say("bulletin.chatter", lang, rule=row["rule"], name=_name(names, row["subject"], lang), n=row["alarms"])
        for row in n.chatter.to_dict("records")
    ]
    shown = n.load[n.load["figure"].isin(_SHOWN)]
    heading = tuple(say(f"bulletin.column.{c}", lang) for c in ("figure", "value", "limit", "verdict", "confidence"))
    rows = tuple(
        (
            say(f"load.{row['figure']}", lang),
            f"{row['value']:.2f}".rstrip("0").rstrip("."),
            f"{row['good']:g} / {row['limit']:g}",
            say(f"load_verdict.{row['verdict']}", lang),
            say(f"sure.{row['confidence']}", lang),
        )
        for row in shown.to_dict("records")
    )
    return Section(say("bulletin.head_alarms", lang), tuple(told), Grid(heading, rows) if rows else None)


def _rank(severity: pd.Series) -> pd.Series:
    """The worst colour first."""
    return severity.map({c: at for at, c in enumerate(_ORDER)}).fillna(len(_ORDER))


def _number(value: float) -> str:
    return "—" if pd.isna(value) else f"{value:.1f}"


def _name(names: Mapping[str, tuple[str, str]], subject: str, lang: str) -> str:
    zh, en = names.get(subject, (subject, subject))
    return zh if lang == "zh" else en
