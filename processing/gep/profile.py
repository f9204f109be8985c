"""A norm as a profile: which services, which variants, which sets of parameters, from when to when.

A profile is a YAML file of processing/gep/profiles, or a user's own of the same form: strict, every problem at once,
with its line. The documents of four of the norms were not at hand when their profiles were written; `status` says so,
and everything made with such a profile says it too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from domain.documents import Document, Strict
from domain.errors import CatalogueError
from processing.gep.registered import CONFIRMED, Registered, candidates, formulas, switches_of
from processing.gep.values import known_sets, own_rows, parents, read

FOLDER = Path(__file__).parent / "profiles"


class Part(Strict):
    """One line of an account: a part of a service, how it is computed and what it is worth."""

    part: str
    formula: str = ""  # "" lets the switches decide
    price: str = ""  # kind of price; "" when the part is physical only
    price_formula: str = ""
    items: tuple[str, ...] = ()  # (): those of the inputs
    ecosystems: tuple[str, ...] = ()  # (): all; others are outside the service
    unless: dict[str, str] = Field(default_factory=dict)  # left out when a switch has this option


class OwnRow(Strict):
    """A parameter or price of the profile itself, before the rows of the tables."""

    parameter: str
    value: float
    unit: str
    source: str
    status: str
    item: str = ""
    ecosystem: str = "all"
    low: float | None = None
    high: float | None = None
    distribution: str = ""
    year: int | None = None
    note: str = ""


class Text(Strict):
    """The file of a profile as it is written."""

    id: str
    name_zh: str
    name_en: str
    norm: str
    kind: Literal["norm", "study", "own"]
    status: str  # of the list of services and formulas
    source: str
    valid_from: date
    valid_to: date | None = None
    replaces: str = ""
    note_zh: str = ""
    note_en: str = ""
    based_on: str = ""  # id of a profile whose switches, sets and parts hold where this file says nothing
    inherit: bool = True  # whether the parts of that profile are taken too
    switches: dict[str, str] = Field(default_factory=dict)
    sets: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rows: tuple[OwnRow, ...] = ()
    parts: tuple[Part, ...] = ()
    without: tuple[str, ...] = ()  # parts of `based_on` that are left out


@dataclass(frozen=True)
class Line:
    """A part with the formulas that the switches gave it."""

    part: Part
    quantity: Registered
    price: Registered | None


@dataclass(frozen=True)
class Profile:
    """A norm that accounts can be made by."""

    text: Text
    switches: Mapping[str, str]
    sets: Mapping[str, tuple[str, ...]]
    extra: pd.DataFrame
    lines: tuple[Line, ...]

    @property
    def id(self) -> str:
        """Its short name."""
        return self.text.id

    @property
    def confirmed(self) -> bool:
        """Whether the list of services and formulas was seen in the document itself."""
        return self.text.status in CONFIRMED

    def with_switches(self, **switches: str) -> "Profile":
        """The same profile with other options, as a scenario.

        Raises:
            CatalogueError: no such switch or option, or no formula for it.
        """
        return _built(self.text, {**self.switches, **switches}, self.sets, self.extra, _parts(self.text), None)


@cache
def profiles(folder: Path = FOLDER) -> Mapping[str, Profile]:
    """Every profile of a folder by id.

    Raises:
        CatalogueError: every problem of every file.
    """
    found: dict[str, Profile] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            profile = load(path)
        except CatalogueError as error:
            problems += error.problems
            continue
        if profile.id in found:
            problems.append(f"{path.name}: the id {profile.id!r} is there twice")
        found[profile.id] = profile
    if problems:
        raise CatalogueError(problems)
    return found


def profile_for(day: date, kind: str = "norm") -> tuple[Profile, ...]:
    """The profiles of a kind that are in force on a day."""
    return tuple(
        p
        for p in profiles().values()
        if p.text.kind == kind and p.text.valid_from <= day and (p.text.valid_to is None or day <= p.text.valid_to)
    )


def load(path: Path) -> Profile:
    """Read one profile.

    Raises:
        CatalogueError: every problem, with its line.
    """
    document = Document.read(path)
    text = document.parse(Text)
    base = _base(text, document)
    switches = {**(base.switches if base else {}), **text.switches}
    sets = {**(base.sets if base else {}), **text.sets}
    extra = own_rows([r.model_dump(exclude_none=True) | {"set": text.id} for r in text.rows])
    if base is not None and len(base.extra):
        extra = pd.concat([extra, base.extra], ignore_index=True)
    for name in dict.fromkeys(extra["parameter"]):
        own = dict.fromkeys(extra.loc[extra["parameter"] == name, "set"])
        sets[name] = tuple(dict.fromkeys([*own, *sets.get(name, ())]))
    return _built(text, switches, sets, extra, _parts(text), document)


def _base(text: Text, document: Document) -> Profile | None:
    if not text.based_on:
        return None
    path = FOLDER / f"{text.based_on}.yaml"
    if not path.is_file():
        raise CatalogueError([document.problem(["based_on"], f"there is no profile {text.based_on!r}")])
    return load(path)


def _parts(text: Text) -> tuple[Part, ...]:
    """The parts of the file; those it repeats from its base replace them."""
    if not (text.based_on and text.inherit):
        return text.parts
    inherited = {p.part: p for p in _parts(Document.read(FOLDER / f"{text.based_on}.yaml").parse(Text))}
    taken = {name: p for name, p in inherited.items() if name not in text.without}
    return tuple((taken | {p.part: p for p in text.parts}).values())


def _built(
    text: Text,
    switches: Mapping[str, str],
    sets: Mapping[str, tuple[str, ...]],
    extra: pd.DataFrame,
    parts: tuple[Part, ...],
    document: Document | None,
) -> Profile:
    def at(where: list[object], what: str) -> str:
        return document.problem(where, what) if document else f"{text.id}: {what}"

    problems = [at([where], what) for where, what in _wrong(text, switches, sets, extra)]
    lines: list[Line] = []
    for part in parts:
        if any(switches.get(s) == option for s, option in part.unless.items()):
            continue
        found = _line(part, switches)
        if isinstance(found, str):
            written = next((n for n, p in enumerate(text.parts) if p.part == part.part), "")
            problems.append(at(["parts", written, "part"], found))
        else:
            lines.append(found)
    if problems:
        raise CatalogueError(problems)
    return Profile(text, dict(switches), dict(sets), extra, tuple(lines))


def _wrong(
    text: Text, switches: Mapping[str, str], sets: Mapping[str, tuple[str, ...]], extra: pd.DataFrame
) -> list[tuple[str, str]]:
    known = read("gep_switches").groupby("switch")["option"].agg(set).to_dict()
    found = [
        ("switches", f"the switch {s!r} has the options {sorted(known.get(s, ()))}, not {option!r}")
        for s, option in switches.items()
        if option not in known.get(s, ())
    ]
    found += [("switches", f"the switch {s!r} is not set") for s in known if s not in switches]
    own = extra.groupby("parameter")["set"].agg(set).to_dict() if len(extra) else {}
    for parameter, names in sets.items():
        have = known_sets(parameter) | own.get(parameter, set())
        found += [
            ("sets", f"{parameter}: there is no set {n!r}; there are {sorted(have)}") for n in names if n not in have
        ]
    found += [
        ("parts", f"{part.part}: there is no ecosystem {e!r}")
        for part in text.parts
        for e in part.ecosystems
        if e not in parents()
    ]
    return found


def _line(part: Part, switches: Mapping[str, str]) -> Line | str:
    quantity = _chosen(part.part, part.formula, switches)
    if isinstance(quantity, str):
        return quantity
    price: Registered | None = None
    if part.price:
        chosen = _chosen(f"price.{part.price}", part.price_formula, switches)
        if isinstance(chosen, str):
            return chosen
        price = chosen
    return Line(part, quantity, price)


def _chosen(part: str, named: str, switches: Mapping[str, Any]) -> Registered | str:
    """The formula of a part, or what is wrong."""
    if named:
        found = formulas().get(named)
        if found is None or found.meta.part != part:
            return f"{part}: there is no formula {named!r} of it"
        missing = [s for s in switches_of(found.meta) if s not in switches]
        return f"{part}: {named} needs the switches {missing}" if missing else found
    fitting = candidates(part, switches)
    if not fitting:
        return f"{part}: there is no formula for these switches"
    if len(fitting) > 1 and len(fitting[0].meta.options) == len(fitting[1].meta.options):
        return f"{part}: {[r.meta.id for r in fitting]} fit these switches; name one as `formula`"
    return fitting[0]
