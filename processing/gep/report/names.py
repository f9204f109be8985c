"""The names of what a report prints: parameters, items and units by gep_names.csv, sources without long digests."""

import re
from functools import cache

from processing.gep.values import ALL, read

#: The reference of a cell of an archived form, "raw/fc/<64 digits>.xlsx#sheet!cell".
_ARCHIVED = re.compile(r"raw/[0-9a-f]{2}/([0-9a-f]{8})[0-9a-f]{56}(\.\w+)?")


@cache
def _names(kind: str, lang: str) -> dict[str, str]:
    rows = read("gep_names")
    rows = rows[rows["kind"] == kind]
    return dict(zip(rows["id"], rows[f"name_{lang}"], strict=True))


def parameter(name: str, lang: str) -> str:
    """The name of a parameter or price; itself without one."""
    return _names("parameter", lang).get(name, name)


def item(name: str, lang: str) -> str:
    """The name of an item (pollutant, purpose, product); itself without one, as lakes and sites have none."""
    return _names("item", lang).get(name, name)


def unit(name: str, lang: str) -> str:
    """A unit as people write it: CNY/m3 is 元/m³."""
    known = _names("unit", lang)
    if name in known:
        return known[name]
    return "/".join(known.get(part, part) for part in name.split("/"))


def factor(name: str, lang: str) -> str:
    """A factor of the uncertainty: an input, or a parameter with its item and ecosystem."""
    kinds, _, rest = name.partition("/")
    if kinds == "input":
        quantities = read("gep_quantities").set_index("quantity")[f"name_{lang}"]
        quantity, _, of = rest.partition(":")
        return " ".join(text for text in (str(quantities.get(quantity, quantity)), item(of, lang)) if text)
    ecosystems = read("gep_ecosystems").set_index("ecosystem")[f"name_{lang}"]
    more = [str(ecosystems.get(p, item(p, lang))) for p in rest.split("/") if p not in ("", ALL)]
    return " ".join([parameter(kinds, lang), *more])


def source(text: str) -> str:
    """A source as it is printed: the digest of an archived form by its first digits (`sanyan gep trace` has all)."""
    return _ARCHIVED.sub(r"\1…\2", text)
