"""CAP 1.2: our documents are right, and the mistakes others published are seen."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from lxml import etree

from alerts.cap import NAMESPACE, Message, document, problems, reference
from tests.alerts.conftest import hours
from tests.alerts.test_reconcile import alert

ROW = asdict(alert(0, 1, summary_zh="甲站超标<&>", summary_en="A is bad", action_zh="查", action_en="look",
    labels={"township": "331102100"}))  # fmt: skip
ROW = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in ROW.items()}
FIRST = Message("a.1.k", "monitor@example.invalid", hours(1), "firing", "", ROW, {"zh": "题", "en": "Title"})
BEFORE = "monitor@example.invalid,a.1.k,2026-08-18T09:00:00+08:00"


def later(transition: str, reason: str = "") -> Message:
    return replace(FIRST, identifier="a.2.k", transition=transition, reason=reason, references=(BEFORE,))


def field(xml: bytes, name: str) -> str:
    return str(etree.fromstring(xml).findtext(f".//{{{NAMESPACE}}}{name}"))


@pytest.mark.parametrize(
    ("message", "kind", "certainty"),
    [
        (FIRST, "Alert", "Observed"),
        (later("escalated"), "Update", "Observed"),
        (later("eased"), "Update", "Observed"),
        (later("reopened"), "Update", "Observed"),
        (later("resolved", "recovered"), "Cancel", "Observed"),
        (later("resolved", "stale"), "Update", "Unknown"),
        (later("withdrawn", "data"), "Cancel", "Observed"),
        (replace(FIRST, transition="escalated"), "Alert", "Observed"),
    ],
)
def test_every_transition_is_a_right_document(message: Message, kind: str, certainty: str) -> None:
    xml = document(message)
    assert problems(xml) == []
    assert (field(xml, "msgType"), field(xml, "certainty")) == (kind, certainty)
    assert field(xml, "description") == "甲站超标<&>"
    assert datetime.fromisoformat(field(xml, "expires")) - datetime.fromisoformat(field(xml, "sent")) == timedelta(1)


def test_a_document_is_named_by_sender_identifier_and_sent() -> None:
    assert reference(document(FIRST)) == BEFORE


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<status>Actual</status>", "", "status is missing"),
        ("<status>Actual</status>", "<status>Real</status>", "status 'Real' is none of"),
        ("+08:00</sent>", "Z</sent>", "no Z"),
        ("<msgType>Alert</msgType>", "<msgType>Update</msgType>", "Update needs references"),
        ("<msgType>Alert</msgType>", "<msgType>Cancel</msgType>", "Cancel needs references"),
        ("2026-08-19T09:00:00+08:00</expires>", "2026-08-18T09:00:00+08:00</expires>", "expires before it is sent"),
        ("<severity>Moderate</severity>", "", "severity is missing"),
        ("<scope>Restricted</scope>", "<scope>Restricted</scope><colour>red</colour>", "colour does not belong"),
        ("<identifier>a.1.k<", "<identifier>a, 1<", "must have no space"),
        ("cap:1.2", "cap:1.1", "the root is"),
        ("</alert>", "", "no XML"),
        ("<category>Env</category>", "<category>Environment</category>", "category 'Environment'"),
    ],
)
def test_what_others_got_wrong_is_seen(old: str, new: str, says: str) -> None:
    xml = document(FIRST).decode()
    assert old in xml
    assert says in " ".join(problems(xml.replace(old, new).encode()))


def test_a_message_never_refers_to_itself_and_an_alert_to_nothing() -> None:
    with pytest.raises(ValueError, match="identifier of its own"):
        document(replace(later("escalated"), identifier="a.1.k"))
    with pytest.raises(ValueError, match="refers to nothing"):
        document(replace(FIRST, references=(BEFORE,)))


def test_a_bomb_is_not_expanded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">&b;</alert>'
    assert problems(bomb) == ["a document type is not allowed"]
