"""How an incident is said: title and summary in both languages, from its row and its evidence. Pure."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from alerts.incidents.evidence import Places
from alerts.incidents.tables import kinds
from domain.texts import say
from domain.times import LOCAL

LANGS = ("zh", "en")
_SEEN = (
    ("sky", "eye.sky", "incident.seen_sky"),
    ("ground", "eye.ground", "incident.seen_ground"),
    ("human", "eye.human", "incident.seen_human"),
)
#: Names told one by one before the rest is only counted.
_NAMED = 3


def described(
    row: dict[str, Any], evidence: Iterable[dict[Any, Any]], sources: list[dict[str, Any]], places: Places
) -> dict[str, str]:
    """title_zh, title_en, summary_zh and summary_en of an incident.

    Args:
        row: kind, township, first_at, confidence, outcome.
        evidence: what belongs to it.
        sources: its likely sources, best first.
        places: for names.
    """
    said = sorted(evidence, key=lambda r: (r["known_at"], r["id"]))
    out = {}
    for at, lang in enumerate(LANGS):
        kind = kinds()[row["kind"]]
        name = (kind.name_zh, kind.name_en)[at]
        where = _where(said, str(row["township"]), at, places)
        out[f"title_{lang}"] = say("incident.title", lang, where=where, kind=name) if where else name
        out[f"summary_{lang}"] = _summary(row, said, sources, lang)
    return out


def _where(evidence: list[dict[Any, Any]], township: str, at: int, places: Places) -> str:
    """The subject when there is one alone, else the township."""
    subjects = {r["subject"] for r in evidence} & places.names.keys()
    if len(subjects) == 1:
        return places.names[subjects.pop()][at]
    return places.names[township][at] if township in places.names else ""


def _summary(row: dict[str, Any], evidence: list[dict[Any, Any]], sources: list[dict[str, Any]], lang: str) -> str:
    begun = f"{pd.Timestamp(row['first_at']).tz_convert(LOCAL):%m-%d %H:%M}"
    parts = [say("incident.since", lang, time=begun)]
    seen = [r for r in evidence if r["standing"] and r["origin"] != "verdict" and r["weight"] != "human.alert"]
    for eye, word, text in _SEEN:
        mine = [r for r in seen if r["eye"] == eye]
        if not mine:
            continue
        names = list(dict.fromkeys(r[f"name_{lang}"] for r in mine))
        told = say("incident.and", lang).join(names[:_NAMED])
        more = say("incident.more", lang, n=len(names)) if len(names) > _NAMED else ""
        n = int(sum(r["certainty"] for r in mine)) if eye == "human" else len(mine)
        parts.append(say(text, lang, eye=say(word, lang), n=n, names=told + more))
    parts.append(say("incident.believed", lang, share=f"{row['confidence']:.0%}"))
    if row["outcome"]:
        parts.append(say("incident.outcome", lang, outcome=say(f"outcome.{row['outcome']}", lang)))
    if sources:
        parts.append(say("incident.source", lang, name=sources[0][f"name_{lang}"]))
    return say("source.join", lang).join(parts) + say("source.stop", lang)
