"""Who an alert is about, and how it is said: names, labels and summaries of stations, townships, waters and spots."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from alerts.rules import Rule
from domain.registry import Registry
from domain.times import LOCAL


@dataclass(frozen=True)
class Subjects:
    """Names (Chinese, English), township and medium by subject."""

    names: Mapping[str, tuple[str, str]]
    townships: Mapping[str, str] = field(default_factory=dict)
    media: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, registry: Registry) -> "Subjects":
        """The subjects of a registry."""
        stations = registry.by_id
        names = {s: (str(row["name_zh"]), str(row["name_en"])) for s, row in stations.items()}
        for zones in (registry.townships, registry.waters):
            names |= dict(zip(zones.ids, zip(zones.names_zh, zones.names_en, strict=True), strict=True))
        townships = {s: str(row["township"]) for s, row in stations.items()}
        townships |= {zone: zone for zone in registry.townships.ids}
        return cls(names, townships, {s: str(row["medium"]) for s, row in stations.items()})

    def told(self, details: Mapping[str, str]) -> "Subjects":
        """With subjects whose township stands in the detail (a JSON object) of their indicator, such as spots."""
        townships = {s: t for s, text in details.items() if (t := _township(text))}
        names = {s: self.names[t] for s, t in townships.items() if t in self.names}
        return Subjects({**names, **self.names}, {**townships, **self.townships}, self.media)

    def name(self, subject: str) -> tuple[str, str]:
        """Chinese and English name; the id where there is none."""
        return self.names.get(subject, (subject, subject))

    def labels(self, rule: Rule, subject: str) -> dict[str, str]:
        """Township, medium and the rule's own labels, without empty ones."""
        found = {
            "township": self.townships.get(subject, ""),
            "medium": self.media.get(subject, rule.medium),
            **rule.labels,
        }
        return {k: v for k, v in sorted(found.items()) if v}

    def summary(
        self, rule: Rule, subject: str, *, value: float, threshold: float, unit: str, time: datetime
    ) -> tuple[str, str]:
        """The rule's summary in Chinese and English; times are those of Shanghai."""
        zh, en = self.name(subject)
        said = {
            "value": number(value),
            "threshold": number(threshold),
            "unit": unit,
            "time": f"{time.astimezone(LOCAL):%Y-%m-%d %H:%M}",
        }
        return rule.summary.zh.format(subject=zh, **said), rule.summary.en.format(subject=en, **said)


def fingerprint(rule_id: str, subject: str) -> str:
    """Identity of what a rule says of a subject, at any time."""
    return hashlib.sha256(f"{rule_id}\x1f{subject}".encode()).hexdigest()[:16]


def number(value: float) -> str:
    """Three decimals at most, and none that say nothing."""
    text = np.format_float_positional(value, precision=3, trim="-")
    return "0" if text == "-0" else text


def _township(detail: str) -> str:
    if not detail.startswith("{"):
        return ""
    try:
        found = json.loads(detail)
    except json.JSONDecodeError:
        return ""  # the detail of most indicators is free text
    return str(found.get("township") or "")
