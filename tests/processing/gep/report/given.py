"""A small account of three townships, enough for every writer."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from domain.registry import Registry
from processing.gep.account import Account, account
from processing.gep.annual import Given
from processing.gep.profile import profiles
from processing.gep.report.content import Content, Document, Issue
from processing.gep.report.document import document
from processing.gep.report.tables import County

NOW = datetime(2026, 4, 2, tzinfo=UTC)
REGISTRY = Registry.load(Path(__file__).resolve().parents[4] / "sample_feeds" / "county")
REGION, TOWNS = "331102", REGISTRY.townships.ids[:3]
AREAS = {"evergreen_broadleaf": 3e7, "paddy": 1e7, "lake": 1e6}
ISSUE = Issue("张示例", NOW, "sanyan test", versions={"gep_inputs": 3})


def inputs(*, year: int = 2025, hot_days: float = 140.0) -> pd.DataFrame:
    """Rows of gep_inputs: areas by ecosystem and what departments reported."""
    rows = [(zone, eco, "area_m2", (n + 1) * area) for n, zone in enumerate(TOWNS) for eco, area in AREAS.items()]
    for n, zone in enumerate(TOWNS):
        rows += [
            (zone, "all", "crops_output_cny", 2e8 + n),
            (zone, "all", "hot_days", hot_days),
            (zone, "all", "population", 20_000.0 + n),
            (zone, "all", "reservoir_capacity_m3", 1e6 * n),
        ]
    frame = pd.DataFrame(rows, columns=["zone", "ecosystem", "quantity", "value"])
    return frame.assign(year=year, unit="1", n_valid=1, n_expected=1, method="test", source='table=1,2 "x"')


def made(
    frame: pd.DataFrame | None = None, *, year: int = 2025, profile: str = "db33-2020", draws: int = 20
) -> Account:
    """The account of a year."""
    frame = inputs(year=year) if frame is None else frame
    return account(
        frame, profiles()[profile], year=year, region=REGION, zones=TOWNS, draws=draws, seed=1, local=local()
    )


def local() -> pd.DataFrame:
    """Prices of the district as its departments reported them."""
    row = {
        "parameter": "electricity_price", "item": "", "ecosystem": "all", "region": REGION, "year": 2025.0,
        "value": 0.538, "low": float("nan"), "high": float("nan"), "distribution": "", "unit": "CNY/kWh",
        "set": "reported", "source": "test", "status": "confirmed", "note": "",
    }  # fmt: skip
    return pd.DataFrame([row])


def county(lang: str = "zh") -> County:
    """What is known beside it."""
    names = REGISTRY.townships.names_zh if lang == "zh" else REGISTRY.townships.names_en
    people = {zone: 20_000.0 + n for n, zone in enumerate(TOWNS)}
    return County("莲都区（模拟）", dict(zip(REGISTRY.townships.ids, names, strict=True)), people, 1e10, simulated=True)


def given(frame: pd.DataFrame) -> Given:
    """As the shell has it."""
    return Given(frame, local(), ())


def text(of: Account | None = None, lang: str = "zh", issue: Issue = ISSUE) -> Document:
    """The report as blocks."""
    of = made() if of is None else of
    return document(Content(of, county(lang), REGISTRY, inputs(), issue), lang)
