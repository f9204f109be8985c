"""Alarms as CAP 1.2 documents (OASIS Common Alerting Protocol 1.2, ITU-T X.1303 bis), and what makes one wrong.

Each transition of an alarm that is told becomes one message with its own identifier:

| transition | msgType | why |
|---|---|---|
| firing (the first) | Alert | |
| escalated, eased, reopened, restored | Update | references every message of the alarm before it |
| resolved: recovered | Cancel | the warning must not stay up |
| resolved: stale | Update, urgency Unknown, certainty Unknown | want of data is no recovery; it ends by `expires` |
| withdrawn | Cancel | |

Every message expires, so that one whose Cancel is lost does not stay up for ever.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from domain.times import LOCAL

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

#: The four colours of Chinese warnings as CAP severities: our mapping, the standard names none.
SEVERITY = {"blue": "Minor", "yellow": "Moderate", "orange": "Severe", "red": "Extreme"}

_TYPES = {"firing": "Alert", "withdrawn": "Cancel"}
#: Geocode of a township: nine digits of the national statistical division code; our choice of name.
GEOCODE = "CN-ADMIN9"

#: Elements in the order of the schema; * must be there. Values of closed lists, section 3.2 of the standard.
_ALERT = (
    "identifier*", "sender*", "sent*", "status*", "msgType*", "source", "scope*", "restriction", "addresses", "code",
    "note", "references", "incidents", "info",
)  # fmt: skip
_INFO = (
    "language", "category*", "event*", "responseType", "urgency*", "severity*", "certainty*", "audience", "eventCode",
    "effective", "onset", "expires", "senderName", "headline", "description", "instruction", "web", "contact",
    "parameter", "resource", "area",
)  # fmt: skip
_AREA = ("areaDesc*", "polygon", "circle", "geocode", "altitude", "ceiling")
_CLOSED = {
    "status": ("Actual", "Exercise", "System", "Test", "Draft"),
    "msgType": ("Alert", "Update", "Cancel", "Ack", "Error"),
    "scope": ("Public", "Restricted", "Private"),
    "category": ("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE",
                 "Other"),
    "responseType": ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
}  # fmt: skip
_TIMES = ("sent", "effective", "onset", "expires")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_REFERENCE = re.compile(r"[^\s,<&]+,[^\s,<&]+,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Message:
    """What makes one CAP message of one alarm."""

    identifier: str
    sender: str
    sent: datetime
    transition: str
    reason: str
    alert: Mapping[str, Any]  # the fields of domain.records.Alert, times as ISO 8601 texts
    title: Mapping[str, str]  # by language
    references: Sequence[str] = ()  # "sender,identifier,sent" of every message of the alarm before
    valid_for: timedelta = timedelta(days=1)
    status: str = "Actual"


def document(message: Message) -> bytes:
    """The CAP 1.2 document of one message, in UTF-8.

    Raises:
        ValueError: the message would be wrong; see `problems`.
    """
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    kind = _kind(message)
    for name, text in (
        ("identifier", message.identifier),
        ("sender", message.sender),
        ("sent", stamp(message.sent)),
        ("status", message.status),
        ("msgType", kind),
        ("scope", "Restricted"),
        ("restriction", "duty officers / 值班人员"),
        ("references", " ".join(message.references)),
    ):
        _add(root, name, text)
    for lang, code in (("zh", "zh-CN"), ("en", "en-US")):
        root.append(_info(message, kind, lang, code))
    found = problems(etree.tostring(root))
    if found:
        raise ValueError(f"{message.identifier}: {'; '.join(found)}")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _kind(message: Message) -> str:
    if message.transition == "resolved":
        return "Cancel" if message.reason == "recovered" and message.references else "Update"
    kind = _TYPES.get(message.transition, "Update")
    return kind if kind == "Alert" or message.references else "Alert"


def _info(message: Message, kind: str, lang: str, code: str) -> etree._Element:
    alert, over = message.alert, kind == "Cancel"
    stale = message.transition == "resolved" and message.reason == "stale"
    info = etree.Element(f"{{{NAMESPACE}}}info")
    severity = str(alert.get("severity_now") or alert["severity"])
    for name, text in (
        ("language", code),
        ("category", "Env"),
        ("event", message.title[lang]),
        ("responseType", "AllClear" if over else "Assess"),
        ("urgency", "Unknown" if stale else "Past" if over else "Immediate"),
        ("severity", SEVERITY[severity]),
        ("certainty", "Unknown" if stale else "Observed"),
        ("onset", stamp(datetime.fromisoformat(str(alert["starts_at"])))),
        ("expires", stamp(message.sent + message.valid_for)),
        ("senderName", message.sender),
        ("headline", message.title[lang]),
        ("description", str(alert[f"summary_{lang}"])),
        ("instruction", "" if over else str(alert.get(f"action_{lang}", ""))),
    ):
        _add(info, name, text)
    for name, value in (("rule", alert["rule"]), ("subject", alert["subject"]), ("value", alert["value"])):
        parameter = _add(info, "parameter", None)
        _add(parameter, "valueName", str(name))
        _add(parameter, "value", str(value))
    area = _add(info, "area", None)
    township = dict(alert.get("labels") or {}).get("township", "")
    _add(area, "areaDesc", township or str(alert["subject"]))
    if township:
        geocode = _add(area, "geocode", None)
        _add(geocode, "valueName", GEOCODE)
        _add(geocode, "value", township)
    return info


def _add(parent: etree._Element, name: str, text: str | None) -> etree._Element:
    """A child with a text; without a text none is made, unless it is None: a child with children of its own."""
    child = etree.Element(f"{{{NAMESPACE}}}{name}")
    if text is None or text:
        child.text = text
        parent.append(child)
    return child


def stamp(at: datetime) -> str:
    """A time as CAP wants it: seconds, with the offset of the zone and never Z."""
    return at.astimezone(LOCAL).replace(microsecond=0).isoformat()


def reference(xml: bytes) -> str:
    """What a later document names this one by: sender,identifier,sent."""
    root = _parsed(xml)
    return ",".join(root.findtext(f"{{{NAMESPACE}}}{name}", "") for name in ("sender", "identifier", "sent"))


def _parsed(xml: bytes) -> etree._Element:
    """Without DTD, entities or network: a document from outside is hostile."""
    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def problems(xml: bytes) -> list[str]:
    """What is wrong with a CAP 1.2 document: its structure by the schema, and how its parts fit together."""
    try:
        root = _parsed(xml)
    except etree.XMLSyntaxError as error:
        return [f"no XML: {error}"]
    if root.getroottree().docinfo.doctype:  # type: ignore[attr-defined]
        return ["a document type is not allowed"]
    if root.tag != f"{{{NAMESPACE}}}alert":
        return [f"the root is {root.tag}, not alert of {NAMESPACE}"]
    found = _structure(root, _ALERT)
    for info in _children(root, "info"):
        found += _structure(info, _INFO)
        for area in _children(info, "area"):
            found += _structure(area, _AREA)
    return found + _relations(root)


def _structure(element: etree._Element, order: Sequence[str]) -> list[str]:
    """Names, order, presence, closed lists and forms of the children of one element."""
    names = [etree.QName(child).localname for child in element]
    known = [name.rstrip("*") for name in order]
    found = [f"{name} does not belong there" for name in names if name not in known]
    at = [known.index(name) for name in names if name in known]
    found += ["the elements are not in the order of the schema"] if at != sorted(at) else []
    found += [f"{name[:-1]} is missing" for name in order if name.endswith("*") and name[:-1] not in names]
    for child in element:
        name, text = etree.QName(child).localname, (child.text or "").strip()
        if name in _CLOSED and text not in _CLOSED[name]:
            found.append(f"{name} {text!r} is none of {', '.join(_CLOSED[name])}")
        if name in _TIMES and not _TIME.fullmatch(text):
            found.append(f"{name} {text!r} must be like 2026-08-18T08:00:00+08:00 (no Z)")
        if name in ("identifier", "sender") and re.search(r"[\s,<&]", text):
            found.append(f"{name} {text!r} must have no space, comma, < or &")
    return found


def _relations(root: etree._Element) -> list[str]:
    """What must fit together: references, times."""
    kind, references = _text(root, "msgType"), _text(root, "references").split()
    found = [f"reference {r!r} is not sender,identifier,sent" for r in references if not _REFERENCE.fullmatch(r)]
    if kind in ("Update", "Cancel") and not references:
        found.append(f"{kind} needs references to what it updates or cancels")
    if kind == "Alert" and references:
        found.append("a new Alert refers to nothing")
    if any(r.split(",")[1:2] == [_text(root, "identifier")] for r in references):
        found.append("a message needs an identifier of its own, not that of one it refers to")
    for info in _children(root, "info"):
        expires, sent = _text(info, "expires"), _text(root, "sent")
        known = _TIME.fullmatch(expires) and _TIME.fullmatch(sent)
        if known and datetime.fromisoformat(expires) <= datetime.fromisoformat(sent):
            found.append("it expires before it is sent")
    return found


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return element.findall(f"{{{NAMESPACE}}}{name}")


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{{{NAMESPACE}}}{name}") or "").strip()
