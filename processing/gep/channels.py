"""Where each input of an account comes from: which form, product or station, or which other inputs it is made from.

Forms are read from gep_form_uses.csv and products from gep_layers.csv, so that nothing is said twice; gep_sources.csv
has the rest. An input that none of them brings can only be written to the table gep_inputs by hand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.forms import forms
from processing.gep.eyes import TEXTURE, layer_table
from processing.gep.profile import Profile
from processing.gep.rasters import SUMS
from processing.gep.registered import Given, resolved
from processing.gep.reported import REPORTED, uses
from processing.gep.values import read

KINDS = ("product", "stations", "form", "derived")
THERE, GAPS, MISSING = "there", "gaps", "missing"
_SOURCES = "input kind source name_zh name_en where_zh where_en"


@dataclass(frozen=True, slots=True)
class Way:
    """One way an input comes in.

    `sources` are collections, indicators, forms or other inputs by `kind`; all of them are needed.
    """

    kind: str
    sources: tuple[str, ...]
    where_zh: str = ""
    where_en: str = ""
    resolution_m: str = ""


@cache
def ways(name: str) -> tuple[Way, ...]:
    """The ways of an input in the order in which they are preferred; none for one that nothing brings."""
    found = [w for n, w in _all() if n == name]
    return tuple(sorted(found, key=lambda w: KINDS.index(w.kind)))


@cache
def _sources() -> pd.DataFrame:
    return read_table(TABLES_DIR / "gep_sources.csv", columns=_SOURCES.split(), key=["input", "source"])


@cache
def _all() -> tuple[tuple[str, Way], ...]:
    out = [
        (str(r["input"]), Way(r["kind"], tuple(r["source"].split(" + ")), r["where_zh"], r["where_en"]))
        for r in _sources().to_dict("records")
        if r["kind"] in KINDS
    ]
    layers = layer_table().drop_duplicates(["collection", "where_en"]).to_dict("records")
    out += [
        (_input_of(r["layer"]), Way("product", (r["collection"],), r["where_zh"], r["where_en"], r["resolution_m"]))
        for r in layers
    ]
    asked = {item.id: form.id for form in forms().values() for item in form.items}
    frame = uses()[uses()["into"] == "quantity"]
    names = frame["target"].str.partition(":")[0]
    for name, items in frame.groupby(names, sort=False)["item"]:
        out.append((str(name), Way("form", tuple(dict.fromkeys(asked[i] for i in items)))))
    return tuple(out)


def _input_of(layer: str) -> str:
    """The input a layer of gep_layers.csv gives."""
    if layer in TEXTURE:
        return "erodibility"
    return SUMS[layer][0] if layer in SUMS else layer


@cache
def names(lang: str) -> Mapping[str, str]:
    """What inputs are called: quantities, and what others are made from."""
    made = {str(r["input"]): str(r[f"name_{lang}"]) for r in _sources().to_dict("records") if r["kind"] == "ingredient"}
    table = read("gep_quantities")
    return made | dict(zip(table["quantity"], table[f"name_{lang}"], strict=True))


def needed(profile: Profile) -> dict[str, tuple[str, ...]]:
    """The inputs of a norm, and those that they are made from -> the parts that need them."""
    out: dict[str, dict[str, None]] = {}
    for line in profile.lines:
        for formula in (line.quantity, line.price):
            for argument in formula.meta.arguments.values() if formula else ():
                found = resolved(argument, profile.switches)
                if isinstance(found, Given):
                    for name in _made_from(found.name):
                        out.setdefault(name, {})[line.part.part] = None
    return {name: tuple(parts) for name, parts in out.items()}


def _made_from(name: str) -> Iterable[str]:
    yield name
    for way in ways(name):
        if way.kind == "derived":
            for source in way.sources:
                yield from _made_from(source)


def stock(profile: Profile, inputs: pd.DataFrame, gaps: Iterable[str], collections: Iterable[str]) -> pd.DataFrame:
    """What of the inputs of a norm a home has for a year.

    Args:
        profile: the norm.
        inputs: the rows an account would use: quantity, method, source, n_valid, n_expected.
        gaps: quantities that came with too many gaps.
        collections: products of the year that are in the lake, for what is no quantity of its own.

    Returns:
        input, parts (what needs it), state (there, gaps, missing), kind and source (of the way it came, "" when it did
        not), coverage_pct (of cells, days or stations; NaN when nothing is there or it is no quantity of its own).
    """
    of = inputs["quantity"].str.split(":").str[0]
    lacking, held = set(gaps), set(collections)
    quantities = set(read("gep_quantities")["quantity"])
    rows = []
    for name, parts in needed(profile).items():
        ours = inputs[of == name]
        came = _came(name, ours, held) if len(ours) or name not in quantities else None
        state = THERE if came else GAPS if name in lacking else MISSING
        share = 100 * ours["n_valid"].sum() / max(1, ours["n_expected"].sum()) if len(ours) else float("nan")
        kind, source = (came.kind, " + ".join(came.sources)) if came else ("", "")
        rows.append((name, parts, state, kind, source, share))
    return pd.DataFrame(rows, columns=["input", "parts", "state", "kind", "source", "coverage_pct"])


def _came(name: str, rows: pd.DataFrame, held: set[str]) -> Way | None:
    """The way an input came: that of its rows, or for what has none of its own a product that is held."""
    if len(rows) and (rows["method"] == REPORTED).all():
        return next((w for w in ways(name) if w.kind == "form"), _BY_HAND)
    eyes = [w for w in ways(name) if w.kind != "form" and (w.kind != "product" or w.sources[0] in held)]
    return eyes[0] if eyes else _BY_HAND if len(rows) else None


#: An input that stands in the table and that no way of the tables has brought.
_BY_HAND = Way("hand", ("gep_inputs",))
