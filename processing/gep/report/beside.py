"""What a report sets beside its account: the year before, how the land changed, protected zones, targets."""

import numpy as np
import pandas as pd

from domain.catalogue import read_table
from domain.errors import CatalogueError
from domain.texts import say
from processing.gep.account import Account, account
from processing.gep.annual import Given, profile_named
from processing.gep.change import incomparable
from processing.gep.land import map_of
from processing.gep.parcel import areas_in, parcel
from processing.gep.report.comparison import Years
from processing.gep.report.tables import WAN, YI, County, Table, column, part_names, table, yi
from processing.gep.values import of_landcover
from processing.imagery.grid import county_grid
from store.home import Home

#: Targets of townships in a registry: zone, year, target_10k_cny (at the report's comparable prices), source.
TARGETS = "gep/targets.csv"


def years_of(home: Home, made: Account, given: Given, last: Given) -> tuple[Years | None, tuple[str, ...]]:
    """This year beside the year before by the same profile; None without it or with the parts that only one has.

    Only years that know the same parts are compared. Comparable prices are those of the account's base year, or of the
    year before.
    """
    if last.inputs.empty:
        return None, ()
    profile, base = profile_named(home, made.profile.id), made.base_year or made.year - 1
    local = pd.concat([last.local, given.local], ignore_index=True).drop_duplicates(ignore_index=True)

    def of(told: Given, year: int, base_year: int | None) -> Account:
        return account(
            told.inputs, profile, year=year, region=made.region, zones=made.zoned.zones, base_year=base_year,
            local=local,
        )  # fmt: skip

    current = (of(last, made.year - 1, None), made if made.base_year is None else of(given, made.year, None))
    other = incomparable(*current)
    if other:
        return None, other
    comparable = (of(last, made.year - 1, base), made if made.base_year is not None else of(given, made.year, base))
    return Years(base, current, comparable), ()


def land_changes(home: Home, year: int) -> pd.DataFrame | None:
    """What became of what, cell by cell, from the map of the year before to that of the year.

    Returns:
        zone, origin, target (ecosystems), area_m2, also where nothing changed; None without two different maps.
    """
    grid = county_grid(home.registry.county)
    before, now = (map_of(home, grid, y) for y in (year - 1, year))
    if before is None or now is None or before.source == now.source:
        return None
    inside = (now.zones > 0) & np.isin(before.cover, list(of_landcover())) & np.isin(now.cover, list(of_landcover()))
    cells = np.stack([layer[inside] for layer in (now.zones, before.cover, now.cover)])
    triples, counts = np.unique(cells, axis=1, return_counts=True)
    known, ids = of_landcover(), home.registry.townships.ids
    return pd.DataFrame(
        {
            "zone": [ids[z - 1] for z in triples[0].tolist()],
            "origin": [known[c] for c in triples[1].tolist()],
            "target": [known[c] for c in triples[2].tolist()],
            "area_m2": counts * grid.cell_ha * WAN,
        }
    )


def protected(home: Home, made: Account, lang: str) -> Table | None:
    """The account of each protected zone, which is a parcel; None when the registry has none or there is no map."""
    zones, grid = home.registry.zones.get("protected"), county_grid(home.registry.county)
    land = map_of(home, grid, made.year) if zones is not None else None
    if zones is None or land is None:
        return None
    rows = []
    for name, shape in zip(zones.names_zh if lang == "zh" else zones.names_en, zones.shapes, strict=True):
        areas = areas_in(shape, land.cover, land.zones, home.registry.townships.ids, grid)
        km2, found = float(areas["area_m2"].sum()) / 1e6, parcel(made, areas)
        worth = found.value_cny
        rows.append({"name": name, "km2": km2, "value": worth / YI, "per_km2": worth / km2 / WAN if km2 else np.nan})
    columns = (
        column("name", lang),
        column("km2", lang, "km²", 2),
        column("value", lang, yi(lang), 2),
        column("per_km2", lang, say("gep.unit.wan_km2", lang), 2),
    )
    left = part_names(made, [f.part for f in made.flows if not (f.quantity.by_ecosystem and f.quantity.by_zone)], lang)
    note = say("gep.note.protected", lang, parts=left or say("gep.none", lang))
    return table("protected", lang, columns, pd.DataFrame(rows), note=note)


def targets_of(home: Home, year: int, zones: tuple[str, ...]) -> dict[str, float]:
    """What townships are asked to reach in a year, CNY at comparable prices, from the registry; {} without the file.

    Raises:
        CatalogueError: an unknown township, or what is no number; every problem with its line.
    """
    path = home.registry.root / TARGETS
    if not path.is_file():
        return {}
    frame = read_table(path, columns=["zone", "year", "target_10k_cny", "source"], key=["zone", "year"])
    values = pd.to_numeric(frame["target_10k_cny"], errors="coerce")
    problems = [
        f"{path.name}:{line}: {what}"
        for line, zone, value in zip(frame["line"], frame["zone"], values, strict=True)
        for what, wrong in (
            (f"{zone!r} is no township of the registry", zone not in zones),
            ("target_10k_cny is no positive number", not value > 0),
        )
        if wrong
    ]
    if problems:
        raise CatalogueError(problems)
    ours = (frame["year"] == str(year)).to_numpy()
    return dict(zip(frame["zone"][ours], values[ours] * WAN, strict=True))


def county_of(home: Home, given: Given, year: int, lang: str) -> County:
    """What a report knows of the county beside its account."""
    registry = home.registry
    towns = registry.townships
    people = given.inputs[(given.inputs["quantity"] == "population") & given.inputs["zone"].isin(towns.ids)]
    gdp = home.lake.read("statistics", where={"year": [year], "item": ["gdp_10k_cny"]})["value"]
    return County(
        name=str(registry.county[f"name_{lang}"]),
        zones=dict(zip(towns.ids, towns.names_zh if lang == "zh" else towns.names_en, strict=True)),
        population=dict(zip(people["zone"], people["value"], strict=True)),
        gdp_cny=float(gdp.iloc[0]) * WAN if len(gdp) else float("nan"),
        simulated=bool(registry.county["simulated"]),
    )
