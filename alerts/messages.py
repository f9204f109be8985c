"""Calls that are worth saying, as messages: one for each group, in Chinese and English."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path

from alerts.pipeline import Call
from alerts.reconcile import rank
from alerts.rules import SEVERITIES, Rule, Text
from domain.documents import Document, Strict
from domain.records import Alert, Severity
from store.ledger.outbox import Letter

TEXTS = Path(__file__).parent / "texts.yaml"


class Texts(Strict):
    """How messages begin."""

    severities: dict[Severity, Text]
    headings: dict[str, Text]


@cache
def texts() -> Texts:
    """The texts of messages.

    Raises:
        CatalogueError: the file is not as it must be.
    """
    return Document.read(TEXTS).parse(Texts)


def letters(calls: Iterable[Call], rules: Mapping[str, Rule], channels: Sequence[str]) -> list[Letter]:
    """One letter for each group of calls and channel, in the order of what they tell.

    The key is made of the identities of the transitions told and the channel, so the same news has the same key
    whenever and by whomever it is written.
    """
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.group, []).append(call)
    out = []
    for members in groups.values():
        members.sort(key=lambda c: c.transition.id)
        identity = "\n".join(c.transition.id for c in members)
        payload = json.dumps(_payload(members, rules), ensure_ascii=False)
        at = max(c.at for c in members)
        out += [Letter(_key(channel, identity), channel, at, payload) for channel in channels]
    return sorted(out, key=lambda x: (x.at, x.key))


def _key(channel: str, identity: str) -> str:
    return hashlib.sha256(f"{channel}\n{identity}".encode()).hexdigest()[:32]


def _payload(members: Sequence[Call], rules: Mapping[str, Rule]) -> dict[str, object]:
    first = members[0]
    name, rule_id = first.transition.name, first.alert.rule
    severity = SEVERITIES[max(rank(c.transition.severity) for c in members)]
    colour = texts().severities[severity]
    # A rule that was taken away has no title any more.
    title = rules[rule_id].title if rule_id in rules else Text(zh=rule_id, en=rule_id)
    heading = texts().headings[first.transition.reason if name == "resolved" else name]
    head_zh = heading.zh.format(severity=colour.zh, title=title.zh)
    head_en = heading.en.format(severity=colour.en, title=title.en)
    return {
        "transition": name,
        "rule": rule_id,
        "severity": str(severity),
        "at": first.transition.at.isoformat(),
        "title_zh": head_zh,
        "title_en": head_en,
        "text_zh": "\n".join([head_zh, *(c.alert.summary_zh for c in members)]),
        "text_en": "\n".join([head_en, *(c.alert.summary_en for c in members)]),
        "alerts": [_said(c.alert) for c in members],
    }


def _said(alert: Alert) -> dict[str, object]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(alert).items()}
