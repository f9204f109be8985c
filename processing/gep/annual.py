"""The shell of accounts: inputs from the eyes and the departments -> the account of a year -> the table `flows`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from shapely.geometry.base import BaseGeometry

from domain.errors import PipelineError, StoreConflict
from domain.records import TABLES
from domain.texts import say
from domain.times import YEAR, day_start, local_day
from processing.counts import Counts
from processing.gep.account import Account, account
from processing.gep.channels import stock
from processing.gep.derived import water_evaporation
from processing.gep.land import map_of
from processing.gep.parcel import Parcel, areas_in, changed, gain_or_loss, outside_pct, parcel
from processing.gep.profile import Profile, load, profiles
from processing.gep.rasters import SHARE_MIN
from processing.gep.reported import INDEX, inputs_of, prices_of
from processing.gep.said import Problem, said
from processing.gep.statement import statement
from processing.gep.values import ALL, read
from processing.imagery.grid import county_grid
from store.home import Home
from store.lake import Written

_ATTEMPTS = 10
#: Indicator of the year -> the input it tells, and from which value on the standard is met.
_STANDARDS = {"air.attainment": ("air_standard_met", 1.0), "water.compliance_rate": ("water_standard_met", 100.0)}
#: Folder of the registry that holds a deployment's own profiles.
_OWN = "gep"


@dataclass(frozen=True)
class Given:
    """What an account of a year is made from."""

    inputs: pd.DataFrame
    local: pd.DataFrame  # parameters and prices of the district
    refused: tuple[Problem, ...]  # inputs with too many gaps, left out


def known_profiles(home: Home) -> dict[str, Profile]:
    """The profiles of Sanyan and those of the deployment (folder gep of its registry), by id.

    Raises:
        CatalogueError: every problem of every file.
    """
    own = home.registry.root / _OWN
    return {**profiles(), **(profiles(own) if own.is_dir() else {})}


def profile_named(home: Home, name: str) -> Profile:
    """A profile by its id or by the path of its file.

    Raises:
        PipelineError: there is none of this name.
        CatalogueError: the file is not as it must be.
    """
    if name.endswith((".yaml", ".yml")):
        return load(Path(name))
    known = known_profiles(home)
    if name not in known:
        raise PipelineError(say("account.no_profile", name=name, known=", ".join(known)))
    return known[name]


def given_of(home: Home, year: int, *, version: int | None = None) -> Given:
    """The inputs of a year: rows of gep_inputs with few gaps, what stations judge, then what departments reported of
    the quantities that neither has, then what follows from these.

    Args:
        home: the deployment.
        year: the year.
        version: of the table gep_inputs; the newest by default.
    """
    eyes = home.lake.read("gep_inputs", where={"year": [year]}, version=version)
    share = eyes["n_valid"] / eyes["n_expected"].where(eyes["n_expected"] > 0)
    gaps = eyes["value"].isna() | (share < SHARE_MIN)
    statistics = home.lake.read("statistics", where={"year": [year]})
    reported = inputs_of(statistics)
    kept = eyes[~gaps]
    judged = _standards_met(home, year)
    seen = {*kept["quantity"], *judged["quantity"]}
    index = home.lake.read("statistics", where={"item": [INDEX]})
    local = prices_of(pd.concat([statistics[statistics["item"] != INDEX], index], ignore_index=True))
    inputs = pd.concat([kept, judged, reported[~reported["quantity"].isin(seen)]], ignore_index=True)
    inputs = pd.concat([inputs, water_evaporation(inputs, str(home.registry.county["code"]))], ignore_index=True)
    supplied = set(inputs["quantity"])
    refused = tuple(
        Problem(
            str(quantity),
            "missing" if quantity not in supplied else "fallback",
            said(
                "account.said.gaps" if quantity not in supplied else "account.said.gaps_filled",
                quantity=quantity,
                valid=rows["n_valid"].sum(),
                expected=rows["n_expected"].sum(),
            ),
            tuple(sorted(set(rows["zone"]))),
        )
        for quantity, rows in eyes[gaps & eyes["quantity"].isin(read("gep_quantities")["quantity"])].groupby("quantity")
    )
    return Given(inputs, local[local["year"] <= year], refused)


def stock_of(home: Home, year: int, profile: str) -> pd.DataFrame:
    """What of the inputs of a norm the home has for a year (`channels.stock`).

    Raises:
        PipelineError: no such profile.
    """
    given = given_of(home, year)
    scenes = home.lake.read("scenes", columns=["collection", "datetime"])
    held = scenes.loc[local_day(scenes["datetime"]).str[:4].astype(int) <= year, "collection"] if len(scenes) else ()
    return stock(profile_named(home, profile), given.inputs, [p.part for p in given.refused], held)


def _standards_met(home: Home, year: int) -> pd.DataFrame:
    """Whether air and water of the district met their standards in the year, from the indicators of the stations.

    Air by `air.attainment`; water when every section reached its target class (`water.compliance_rate` of 100 %).
    """
    start, end = day_start(date(year, 1, 1)), day_start(date(year + 1, 1, 1))
    county = str(home.registry.county["code"])
    frame = home.lake.read(
        "periods", start=start, end=end, where={"indicator": list(_STANDARDS), "period": [YEAR], "subject": [county]}
    )
    rows = [
        {
            "zone": county,
            "ecosystem": ALL,
            "year": year,
            "quantity": _STANDARDS[row["indicator"]][0],
            "value": float(row["value"] >= _STANDARDS[row["indicator"]][1]),
            "unit": "1",
            "n_valid": row["n_valid"],
            "n_expected": row["n_expected"],
            "method": f"{row['indicator']} of the year is {row['value']:g}",
            "source": row["edition"],
        }
        for row in frame[frame["value"].notna()].to_dict("records")
    ]
    return TABLES["gep_inputs"].frame(rows)


def gep_account(
    home: Home,
    *,
    year: int,
    profile: str,
    now: datetime,
    base_year: int | None = None,
    draws: int = 0,
    seed: int = 0,
    write: bool = True,
) -> tuple[Account, Given, Counts]:
    """Make the account of a year and write it to the table `flows`.

    Args:
        home: the deployment.
        year: the year.
        profile: id of a profile, or the path of one.
        now: the moment of writing.
        base_year: year whose prices are used; None for prices of the year.
        draws: Monte Carlo draws; 0 for the central estimate alone.
        seed: of the draws.
        write: whether `flows` is written.

    Raises:
        PipelineError: no such profile, or nothing was given for the year.
        CatalogueError: classes without parameters, each with its area.
        StoreConflict: other writers never let us through.
    """
    chosen = profile_named(home, profile)
    given = given_of(home, year)
    if given.inputs.empty:
        raise PipelineError(say("account.no_inputs", year=year))
    made = account(
        given.inputs,
        chosen,
        year=year,
        region=str(home.registry.county["code"]),
        zones=home.registry.townships.ids,
        base_year=base_year,
        draws=draws,
        seed=seed,
        local=given.local,
    )
    counts = Counts(read=len(given.inputs), computed=len(made.flows))
    if write:
        counts = counts.wrote(_write(home, made, now))
    return made, given, counts


def areas_of(home: Home, polygon: BaseGeometry, year: int) -> pd.DataFrame:
    """What a polygon (WGS 84) covers on the map of a year: zone, ecosystem, area_m2 (`parcel.areas_in`).

    Raises:
        PipelineError: there is no land-cover map, or the polygon covers no cell of the district.
    """
    grid = county_grid(home.registry.county)
    land = map_of(home, grid, year)
    if land is None:
        raise PipelineError(say("account.no_map"))
    found = areas_in(polygon, land.cover, land.zones, home.registry.townships.ids, grid)
    if found.empty:
        raise PipelineError(say("account.outside"))
    return found


@dataclass(frozen=True, slots=True)
class OnParcel:
    """What lies in a polygon, and its account or what a change of it gains."""

    areas: Mapping[str, float]  # ecosystem -> ha
    missing_pct: float  # of the polygon, outside of the map or the district
    found: Parcel
    account: Account  # of the district

    @property
    def ha(self) -> float:
        """Area that was counted, ha."""
        return sum(self.areas.values())


def on_parcel(
    home: Home, made: Account, polygon: BaseGeometry, *, origin: str = "", target: str = "", share: float = 1.0
) -> OnParcel:
    """The account of a polygon (WGS 84), or with `origin` and `target` the gain or loss of a planned change.

    Args:
        home: memory.
        made: the account of the district.
        polygon: the parcel.
        origin: ecosystem that is to change, "" for the account as it is.
        target: what it becomes.
        share: of `origin` that changes.

    Raises:
        PipelineError: as `areas_of` and `parcel.changed` do.
    """
    areas = areas_of(home, polygon, made.year)
    if origin and target:
        found = gain_or_loss(made, areas, changed(areas, origin=origin, target=target, share=share))
    else:
        found = parcel(made, areas)
    hectares = (areas.groupby("ecosystem")["area_m2"].sum() / 1e4).to_dict()
    return OnParcel(hectares, outside_pct(polygon, areas, str(home.registry.county["crs"])), found, made)


def flow_rows(of: Account) -> pd.DataFrame:
    """The account as rows of the table `flows`."""
    frame = statement(of)
    base = "current" if of.base_year is None else str(of.base_year)
    method = (frame["formula"] + " " + frame["price_formula"]).str.strip()
    return TABLES["flows"].frame(frame.assign(year=of.year, profile=of.profile.id, price_base=base, method=method))


def _write(home: Home, made: Account, now: datetime) -> Written:
    frame = flow_rows(made)
    key = list(TABLES["flows"].key)
    base = [str(b) for b in frame["price_base"].unique()]
    where: dict[str, list[Any]] = {"year": [made.year], "profile": [made.profile.id], "price_base": base}
    for _ in range(_ATTEMPTS):
        version = home.lake.version("flows")
        stored = home.lake.read("flows", where=where, version=version)
        gone = stored[~pd.MultiIndex.from_frame(stored[key]).isin(pd.MultiIndex.from_frame(frame[key]))]
        try:
            return home.lake.upsert(
                "flows",
                frame,
                now=now,
                why=f"GEP {made.year} by {made.profile.id}",
                remove=gone if len(gone) else None,
                expected_version=version,
            )
        except StoreConflict:
            continue
    raise StoreConflict(f"GEP {made.year}: {_ATTEMPTS} runs in a row met another writer")


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems in the order of their weight: what is missing, what was replaced, which prices were not moved."""
    order = ("missing", "fallback", "price")
    return sorted(problems, key=lambda p: (order.index(p.kind), p.part, p.what))
