"""One rule against the lake: the alerts its data give, in force or only tried."""

from collections.abc import Iterable
from datetime import datetime

from alerts import inputs
from alerts.conditions import OnSilence
from alerts.contacts import contacts
from alerts.findings import Found, Spell, next_at, silences, spells, tell
from alerts.inputs import Horizon, Surroundings, measured
from alerts.rules import Rule
from alerts.samples import micros, moment
from alerts.subjects import Subjects
from store.home import Home


def found_by(
    home: Home, rule: Rule, horizon: Horizon, until: datetime, subjects: Subjects, around: Surroundings
) -> tuple[tuple[Found, ...], datetime | None]:
    """The alerts the data of the lake give for a rule, and when time alone will change them next.

    Args:
        home: memory and registry.
        rule: any rule, in force or not.
        horizon: only alerts that began from there on.
        until: values that end later are not judged.
        subjects: names of what alerts are about.
        around: what values are judged by beside themselves.
    """
    end, at = micros(until), None
    if isinstance(rule.on, OnSilence):
        spells_, unit = silences(rule, contacts(home, rule, horizon, until, around.absent), end), "h"
    else:
        values, judged, unit = measured(home, rule, horizon, around)
        spells_ = spells(rule, values, judged, end)
        at = next_at(rule, values, spells_, end)
    spells_ = [s for s in spells_ if horizon.begins(s.subject, moment(s.starts_at))]
    subjects = _told(home, rule, spells_, subjects)
    return tuple(tell(rule, s, unit, subjects) for s in spells_), None if at is None else moment(at)


def _told(home: Home, rule: Rule, found: Iterable[Spell], known: Subjects) -> Subjects:
    """The subjects with what the indicator's detail tells of those that the registry does not know."""
    unknown = sorted({s.subject for s in found} - known.names.keys())
    return known.told(inputs.details(home, rule, unknown)) if unknown else known
