"""The machine-readable package of an account, and what can be done with one: make it again, compare it with another.

A package is a folder. `manifest.json` names every file with its SHA-256, and everything the numbers follow from: year,
region, profile, seed, draws, base year, versions of tables and of the software. Inputs, local prices, the profile and
the tables of parameters are in it with every digit, so that the same numbers come out on another machine.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from domain.catalogue import TABLES_DIR
from domain.errors import FeedCorrupt
from processing.gep.account import Account, account
from processing.gep.annual import Given
from processing.gep.change import EFFECTS, decomposition
from processing.gep.profile import Profile, load
from processing.gep.report.content import Issue
from processing.gep.report.tables import Table
from processing.gep.statement import statement

MANIFEST = "manifest.json"
#: What an account is computed from; the rest of a package follows from it.
_INPUTS = ("zone", "ecosystem", "quantity", "value", "unit", "n_valid", "n_expected", "method", "source")


@dataclass(frozen=True)
class Package:
    """A package as it was read, its files checked."""

    folder: Path
    manifest: Mapping[str, Any]
    inputs: pd.DataFrame
    local: pd.DataFrame
    stated: pd.DataFrame  # the rows of the account as they were issued
    profile: Profile

    def account(self) -> Account:
        """The account made again from what is in the package."""
        said = self.manifest
        return account(
            self.inputs,
            self.profile,
            year=said["year"],
            region=said["region"],
            zones=said["zones"],
            base_year=said["base_year"],
            draws=said["draws"],
            seed=said["seed"],
            local=self.local,
        )


def files(made: Account, given: Given, issue: Issue, title: str, tables: Iterable[Table]) -> dict[str, bytes]:
    """Name -> content of every file of a package, `manifest.json` last; same account, same bytes."""
    inputs = given.inputs.reindex(columns=list(_INPUTS))
    rows = statement(made)
    content = {
        "inputs.csv": csv(inputs),
        "local.csv": csv(given.local),
        "account.csv": csv(rows),
        "account.parquet": _parquet(rows),
        "profile.yaml": _profile_text(made.profile),
    }
    content |= {f"tables/{table.id}.csv": csv(table.rows) for table in tables if table.id != "detail"}
    manifest = {
        "title": title,
        "year": made.year,
        "region": made.region,
        "zones": list(made.zoned.zones),
        "profile": made.profile.id,
        "norm": made.profile.text.norm,
        "profile_status": made.profile.text.status,
        "switches": dict(sorted(made.profile.switches.items())),
        "base_year": made.base_year,
        "draws": made.draws.n,
        "seed": made.draws.seed,
        "total_cny": made.total,
        "complete": made.complete,
        "missing": list(made.missing),
        "author": issue.author,
        "approver": issue.approver,
        "reason": issue.reason,
        "draft": issue.draft,
        "made_at": issue.made_at.isoformat(),
        "software": issue.software,
        "versions": dict(sorted(issue.versions.items())),
        "parameters": {path.name: sha256(path.read_bytes()) for path in parameter_tables()},
        "files": {name: sha256(data) for name, data in sorted(content.items())},
    }
    content[MANIFEST] = (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    return content


def parameter_tables() -> list[Path]:
    """The tables that decide numbers beside the inputs."""
    names = ("parameters", "prices", "quantities", "ecosystems", "services", "switches", "uncertainty")
    return [TABLES_DIR / f"gep_{name}.csv" for name in names]


def read(folder: Path) -> Package:
    """A package, after every file was compared with the manifest.

    Raises:
        FeedCorrupt: a file is missing or is not what the manifest says.
        CatalogueError: the profile is not as it must be.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FeedCorrupt(f"{folder}: there is no {MANIFEST}; give the folder of a package")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for name, digest in manifest["files"].items():
        place = folder / name
        if not place.is_file() or sha256(place.read_bytes()) != digest:
            raise FeedCorrupt(f"{place}: missing, or not the file the manifest names; take the package anew")
    return Package(
        folder,
        manifest,
        _frame(folder / "inputs.csv"),
        _frame(folder / "local.csv"),
        _frame(folder / "account.csv"),
        load(folder / "profile.yaml"),
    )


def other_tables(package: Package) -> list[str]:
    """Tables of parameters of this installation that are not those the package was made with."""
    stated = package.manifest["parameters"]
    return [path.name for path in parameter_tables() if sha256(path.read_bytes()) != stated.get(path.name)]


def differences(package: Package) -> pd.DataFrame:
    """Cells that come out otherwise than the package says when it is made again: none on any machine.

    Returns:
        zone, ecosystem, part, item, column, stated, ours.
    """
    keys = ["zone", "ecosystem", "part", "item"]
    ours = _read_back(statement(package.account()))
    both = package.stated.merge(ours, on=keys, how="outer", suffixes=("_stated", "_ours"))
    found = []
    for column in ("quantity", "price", "value_cny", "low", "high"):
        one, two = both[f"{column}_stated"], both[f"{column}_ours"]
        differs = ~((one == two) | (one.isna() & two.isna()))
        rows = both.loc[differs, keys].assign(column=column, stated=one[differs], ours=two[differs])
        found.append(rows)
    return pd.concat(found, ignore_index=True)


def compared(one: Package, two: Package) -> pd.DataFrame:
    """Why the totals of two issues or years differ, cause by cause; the causes add up to the difference.

    Two years: effects of area, quantity and price of the parts both know, and parts only one of them has. Two issues of
    one year: inputs, local prices and profile are exchanged one after the other, in this order; what the exchange does
    not explain is due to another version of the software or of its tables.

    Returns:
        cause, effect_cny, detail.
    """
    first, second = one.account(), two.account()
    if one.manifest["year"] != two.manifest["year"]:
        causes = decomposition(first, second)[list(EFFECTS)].sum()
        rows = [(name, float(causes[name]), "") for name in EFFECTS]
        explained = float(causes.sum())
        rows.append(("parts", second.total - first.total - explained, _parts(first, second)))
    else:
        rows = list(_exchanged(one, two))
    stated = float(two.manifest["total_cny"]) - float(one.manifest["total_cny"])
    rows.append(("software", stated - sum(effect for _, effect, _ in rows), _versions(one, two)))
    return pd.DataFrame(rows, columns=["cause", "effect_cny", "detail"])


def _exchanged(one: Package, two: Package) -> Iterator[tuple[str, float, str]]:
    said = one.manifest
    last = one.account().total
    inputs, local, profile = one.inputs, one.local, one.profile
    for cause in ("inputs", "local", "profile"):
        inputs = two.inputs if cause == "inputs" else inputs
        local = two.local if cause == "local" else local
        profile = two.profile if cause == "profile" else profile
        base = two.manifest["base_year"] if cause == "profile" else said["base_year"]
        made = account(
            inputs, profile, year=said["year"], region=said["region"], zones=two.manifest["zones"], base_year=base,
            local=local,
        )  # fmt: skip
        yield cause, made.total - last, _told(cause, one, two)
        last = made.total


def _told(cause: str, one: Package, two: Package) -> str:
    if cause == "profile":
        switched = {
            f"{name}: {one.manifest['switches'].get(name)} -> {option}"
            for name, option in two.manifest["switches"].items()
            if one.manifest["switches"].get(name) != option
        }
        named = {f"{one.profile.id} -> {two.profile.id}"} if one.profile.id != two.profile.id else set()
        return "; ".join(sorted(named | switched))
    keys = ["zone", "ecosystem", "quantity"] if cause == "inputs" else ["region", "parameter", "item", "year"]
    frames = [p.inputs if cause == "inputs" else p.local for p in (one, two)]
    both = frames[0].merge(frames[1], on=keys, how="outer", suffixes=("_1", "_2"))
    moved = both[~((both["value_1"] == both["value_2"]) | (both["value_1"].isna() & both["value_2"].isna()))]
    names = moved["quantity" if cause == "inputs" else "parameter"].value_counts()
    return ", ".join(f"{name} ({n})" for name, n in names.sort_index().items())


def _parts(first: Account, second: Account) -> str:
    one, two = ({f.part for f in a.valued()} for a in (first, second))
    return ", ".join([f"-{p}" for p in sorted(one - two)] + [f"+{p}" for p in sorted(two - one)])


def _versions(one: Package, two: Package) -> str:
    tables = [n for n, d in two.manifest["parameters"].items() if one.manifest["parameters"].get(n) != d]
    changed = ", ".join(tables)
    software = (one.manifest["software"], two.manifest["software"])
    moved = f"{software[0]} -> {software[1]}" if software[0] != software[1] else ""
    return "; ".join(text for text in (moved, changed) if text)


def csv(frame: pd.DataFrame) -> bytes:
    """A table with every digit of its numbers, UTF-8 with a mark so that spreadsheet programs read the Chinese."""
    return ("\ufeff" + frame.to_csv(index=False, lineterminator="\n")).encode()


def sha256(content: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(content).hexdigest()


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


#: Columns that are numbers; in inputs.csv `quantity` is a name.
_NUMBERS = frozenset(
    (
        *("value", "n_valid", "n_expected", "year", "low", "high"),
        *("quantity", "quantity_low", "quantity_high", "price", "value_cny", "n_unconfirmed"),
    )
)


def _frame(path: Path) -> pd.DataFrame:
    return _parsed(path.read_bytes())


def _parsed(content: bytes) -> pd.DataFrame:
    head = content.partition(b"\n")[0].decode("utf-8-sig").split(",")
    numbers = _NUMBERS - (set() if "price_formula" in head else {"quantity"})
    kinds = {c: "str" for c in head if c not in numbers}
    return pd.read_csv(
        io.BytesIO(content), dtype=kinds, encoding="utf-8-sig", keep_default_na=False,
        na_values={c: [""] for c in head if c in numbers},
    )  # fmt: skip


def _read_back(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as it comes out of its own CSV, so that two can be compared cell by cell."""
    return _parsed(csv(frame))


def _profile_text(profile: Profile) -> bytes:
    """The file a profile was read from, those it is based on folded in."""
    text = profile.text.model_dump(mode="json", exclude_defaults=True)
    text |= {"switches": dict(sorted(profile.switches.items()))}
    text |= {"sets": {name: list(chosen) for name, chosen in sorted(profile.sets.items())}}
    return yaml.safe_dump(text, allow_unicode=True, sort_keys=True).encode()
