"""Calling the next level when nobody acknowledges: a letter for each channel and level, in the finding transaction."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerts.incidents.handling import Policy
from domain.texts import say
from store.ledger import incident_tables as book
from store.ledger import outbox
from store.ledger.audit import SYSTEM, Entry, append
from store.ledger.ledger import Ledger
from store.ledger.outbox import Letter


def escalate(ledger: Ledger, tx: book.Connection, terms: Policy, channels: Sequence[str], now: datetime) -> int:
    """Tell every level that is due of every incident nobody acknowledged in time; returns how many levels were told.

    The level an incident has reached stands in its row, and the key of a letter is made of incident, level, reopening
    and channel: whatever runs twice, nobody is called twice for the same thing.
    """
    rows, entries, letters = [], [], []
    for row in book.unanswered(tx, now):
        due = terms.levels_due(row["deadline"], now)
        for level in range(row["escalated"] + 1, due + 1):
            letters += [_letter(row, level, terms, channel, now) for channel in channels]
            to = terms.escalation[level - 1].to
            entries.append(Entry(SYSTEM, row["id"], "escalated", data={"level": level, "to": to.zh, "to_en": to.en}))
        if due > row["escalated"]:
            rows.append({**row, "escalated": due})
    book.put_incidents(tx, rows)
    outbox.put(tx, ledger, letters, now)
    append(tx, entries, now)
    return len(entries)


def _letter(row: dict[str, Any], level: int, terms: Policy, channel: str, now: datetime) -> Letter:
    to = terms.escalation[level - 1].to
    identity = f"{channel}\nescalation\n{row['id']}\n{row['reopened']}\n{level}"
    said = {
        lang: say(
            "escalation.head", lang, to=getattr(to, lang), colour=say(f"severity.{row['severity']}", lang),
            title=row[f"title_{lang}"],
        )
        for lang in ("zh", "en")
    }  # fmt: skip
    payload = {
        "transition": "escalation",
        "incident": row["id"],
        "rule": "",
        "severity": row["severity"],
        "at": now.isoformat(),
        "level": level,
        "title_zh": said["zh"],
        "title_en": said["en"],
        "text_zh": f"{said['zh']}\n{row['summary_zh']}",
        "text_en": f"{said['en']}\n{row['summary_en']}",
        "alerts": [],
    }
    return Letter(
        hashlib.sha256(identity.encode()).hexdigest()[:32], channel, now, json.dumps(payload, ensure_ascii=False)
    )
