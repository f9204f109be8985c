"""The numbers of incidents: which words speak of which kind, what belongs together, and how much each eye weighs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from domain.incidents import Eye, Outcome

_FACTS = ["source", "confidence"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of incident and its log-odds before anybody has said anything."""

    id: str
    name_zh: str
    name_en: str
    prior: float


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence of two eyes belongs together within `radius_m` and a pause of `gap_h`; or along a river."""

    radius_m: float
    gap_h: float
    river: bool


@dataclass(frozen=True, slots=True)
class Weight:
    """Log-odds that one piece of evidence adds, and the share of it that each further one of its eye adds."""

    eye: str
    weight: float
    repeat: float


@cache
def kinds() -> Mapping[str, Kind]:
    """Kinds by id, in the order of the table.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    columns = ["kind", "name_zh", "name_en", "prior", *_FACTS]
    frame = read_table(TABLES_DIR / "incident_kinds.csv", columns=columns, key=["kind"])
    return {r.kind: Kind(r.kind, r.name_zh, r.name_en, float(r.prior)) for r in frame.itertuples()}


@cache
def links() -> Mapping[tuple[str, str], Link]:
    """(kind, eyes as "ground+human", in the order of the alphabet) -> link; pairs without a row never link.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    name = "incident_links.csv"
    columns = ["kind", "eyes", "radius_m", "gap_h", "river", *_FACTS]
    frame = read_table(TABLES_DIR / name, columns=columns, key=["kind", "eyes"])
    pairs = {"+".join(sorted((a, b))) for a in Eye for b in Eye}
    wrong = [
        f"{name}:{r.line}: {r.kind!r} {r.eyes!r}: unknown kind, or eyes not in the order of the alphabet"
        for r in frame.itertuples()
        if r.kind not in kinds() or r.eyes not in pairs
    ]
    if wrong:
        raise CatalogueError(wrong)
    return {(r.kind, r.eyes): Link(float(r.radius_m), float(r.gap_h), r.river == "yes") for r in frame.itertuples()}


@cache
def weights() -> Mapping[str, Weight]:
    """Weights by name of evidence; there is one for every outcome of a verdict.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    name = "incident_weights.csv"
    frame = read_table(TABLES_DIR / name, columns=["evidence", "eye", "weight", "repeat", *_FACTS], key=["evidence"])
    found = {r.evidence: Weight(r.eye, float(r.weight), float(r.repeat)) for r in frame.itertuples()}
    wrong = [f"{name}: the row {w!r} is missing" for w in (f"verdict.{o}" for o in Outcome) if w not in found]
    wrong += [f"{name}: {n}: repeat must be at least 0 and below 1" for n, w in found.items() if not 0 <= w.repeat < 1]
    if wrong:
        raise CatalogueError(wrong)
    return found


@cache
def settings() -> Mapping[str, float]:
    """Numbers of fusion by name; incident_settings.csv tells unit and source.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    columns = ["setting", "value", "unit", *_FACTS]
    frame = read_table(TABLES_DIR / "incident_settings.csv", columns=columns, key=["setting"])
    return {r.setting: float(r.value) for r in frame.itertuples()}


@cache
def _matters() -> Mapping[tuple[str, str, str], tuple[str, str]]:
    name = "incident_matters.csv"
    columns = ["origin", "word", "station_kind", "kind", "evidence", "source"]
    frame = read_table(TABLES_DIR / name, columns=columns, key=["origin", "word", "station_kind"])
    wrong = [
        f"{name}:{r.line}: kind {r.kind!r} or evidence {r.evidence!r} is in no table of incidents"
        for r in frame.itertuples()
        if r.kind not in kinds() or r.evidence not in weights()
    ]
    if wrong:
        raise CatalogueError(wrong)
    return {(r.origin, r.word, r.station_kind): (r.kind, r.evidence) for r in frame.itertuples()}


def matter(origin: str, word: str, *, station_kind: str = "", medium: str = "") -> tuple[str, str]:
    """The kind of incident and the weight that a word speaks of: of an alarm its rule, of a candidate its kind, of a
    spot its category. The longest beginning in incident_matters.csv wins, that of the station's kind before others; an
    alarm whose rule no row knows goes by its medium.
    """
    table = _matters()
    for cut in range(len(word), 0, -1):
        for of in dict.fromkeys((station_kind, "")):
            if (origin, word[:cut], of) in table:
                return table[origin, word[:cut], of]
    return table.get(("medium", medium, "")) or table.get((origin, "", "")) or table["alert", "", ""]


@cache
def outcomes() -> tuple[tuple[str, str], ...]:
    """(word, outcome) of verdicts, the longest word first.

    Raises:
        CatalogueError: an outcome is none of ours.
    """
    name = "report_verdicts.csv"
    frame = read_table(TABLES_DIR / name, columns=["word", "outcome", "source"], key=["word"])
    wrong = [
        f"{name}:{r.line}: outcome {r.outcome!r} is not one of {[str(o) for o in Outcome]}"
        for r in frame.itertuples()
        if r.outcome not in set(Outcome)
    ]
    if wrong:
        raise CatalogueError(wrong)
    rows = zip(frame["word"], frame["outcome"], strict=True)
    return tuple(sorted(rows, key=lambda row: (-len(row[0]), row[0])))


def outcome(text: str) -> Outcome:
    """What a verdict in words comes to: the longest known word in it decides; unclear when it has none."""
    return Outcome(next((o for word, o in outcomes() if word in text), Outcome.UNCLEAR))
