"""Calls that are worth saying, as messages: one for each group, in Chinese and English."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from alerts.pipeline import ENDS, Call
from alerts.reconcile import rank
from alerts.rules import SEVERITIES, Rule
from domain.records import Alert
from domain.texts import LANGUAGES, say
from store.ledger.outbox import Letter


def letters(
    calls: Iterable[Call], rules: Mapping[str, Rule], channels_of: Callable[[Alert], Sequence[str]]
) -> list[Letter]:
    """One letter for each group of calls and channel, in the order of what they tell.

    The key is made of the identities of the transitions told and the channel, so the same news has the same key
    whenever and by whomever it is written.
    """
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        for channel in channels_of(call.alert):
            groups.setdefault((channel, call.group), []).append(call)
    out = []
    for (channel, _), members in groups.items():
        members.sort(key=lambda c: c.transition.id)
        identity = "\n".join(c.transition.id for c in members)
        payload = json.dumps(_payload(members, rules), ensure_ascii=False)
        out.append(Letter(_key(channel, identity), channel, max(c.at for c in members), payload))
    return sorted(out, key=lambda x: (x.at, x.key))


def _key(channel: str, identity: str) -> str:
    return hashlib.sha256(f"{channel}\n{identity}".encode()).hexdigest()[:32]


def _payload(members: Sequence[Call], rules: Mapping[str, Rule]) -> dict[str, object]:
    first = members[0]
    severity = SEVERITIES[max(rank(c.transition.severity) for c in members)]
    heads = {lang: _heading(first, rules, str(severity), lang) for lang in LANGUAGES}
    return {
        "transition": first.transition.name,
        "reason": first.transition.reason,
        "rule": first.alert.rule,
        "severity": str(severity),
        "at": first.transition.at.isoformat(),
        **{f"title_{lang}": head for lang, head in heads.items()},
        **{f"text_{lang}": "\n".join([head, *_lines(members, lang)]) for lang, head in heads.items()},
        "alerts": [{"id": c.transition.alert_id, **_said(c.alert)} for c in members],
    }


def _heading(call: Call, rules: Mapping[str, Rule], severity: str, lang: str) -> str:
    name, rule_id = call.transition.name, call.alert.rule
    # A rule that was taken away has no title any more.
    title = getattr(rules[rule_id].title, lang) if rule_id in rules else rule_id
    news = call.transition.reason if name == "resolved" else name
    return say(f"notice.{news}", lang, severity=say(f"colour.{severity}", lang), title=title)


def _lines(members: Sequence[Call], lang: str) -> list[str]:
    """What happened where, and (unless it is over) the likely cause and what to do first."""
    lines = [str(getattr(c.alert, f"summary_{lang}")) for c in members]
    alert = members[0].alert
    if members[0].transition.name in ENDS:
        return lines
    cause, action = str(getattr(alert, f"cause_{lang}")), str(getattr(alert, f"action_{lang}"))
    lines += [say("advice.cause", lang, text=cause)] if cause else []
    return lines + ([say("advice.action", lang, text=action)] if action else [])


def _said(alert: Alert) -> dict[str, object]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(alert).items()}
