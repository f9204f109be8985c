"""Products of ecosystems (物质供给): farming, forestry, husbandry, fishery, water, energy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import by, formula, given

_CLAUSE = "market value: Garze 2017 table 2; DB33/T 2274, national trial norm 2022 (resource rent) recalled"


def _output(service: str, zh: str, en: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The formula of the products of one trade, by the switch `products`."""
    return formula(
        f"P1.{service}",
        part=service,
        name_zh=f"{zh}产值",
        name_en=f"output of {en}",
        unit="CNY",
        expression="V = output x price (gross), less costs (net), or resource rent",
        clause=_CLAUSE,
        status="confirmed",
        arguments={
            "output_cny": by(
                "products",
                gross=given(f"{service}_output_cny"),
                net=given(f"{service}_net_output_cny"),
                rent=given(f"{service}_rent_cny"),
            )
        },
        itemised=True,
    )


def _harvest(service: str, zh: str, en: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The formula of the quantities of one trade, for prices by commodity."""
    return formula(
        f"P2.{service}",
        part=f"{service}.harvest",
        name_zh=f"{zh}产量",
        name_en=f"harvest of {en}",
        unit="t",
        expression="Q = harvest",
        clause=_CLAUSE,
        status="confirmed",
        arguments={"output_cny": given(f"{service}_harvest_t")},
        itemised=True,
    )


@_output("crops", "农业产品", "crops")
@_output("forestry", "林业产品", "forestry")
@_output("livestock", "畜牧业产品", "livestock")
@_output("fishery", "渔业产品", "fishery")
@_output("other_products", "其他产品", "other products")
@_harvest("crops", "农业产品", "crops")
@_harvest("forestry", "林业产品", "forestry")
@_harvest("livestock", "畜牧业产品", "livestock")
@_harvest("fishery", "渔业产品", "fishery")
@formula(
    "P4",
    part="water_supply",
    name_zh="用水量",
    name_en="water used",
    unit="m3",
    expression="Q = water use by purpose",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) table 3",
    status="confirmed",
    arguments={"output_cny": given("water_use_m3")},
    itemised=True,
)
@formula(
    "P5",
    part="energy",
    name_zh="生态能源",
    name_en="energy of ecosystems",
    unit="kWh",
    expression="E = electricity by source",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) table 3",
    status="confirmed",
    arguments={"output_cny": given("energy_kwh")},
    itemised=True,
)
def output(output_cny: ArrayLike) -> np.ndarray:
    """What an ecosystem gave, as the yearbook has it: CNY, t, m3 or kWh a-1, by commodity, purpose or source."""
    return np.asarray(output_cny, dtype=float)


def hydropower(
    supply_m3: float,
    efficiency: float,
    fraction: float,
    height_m: float,
    price: float,
    cost: float,
    discount_pct: float,
    years: int,
) -> tuple[float, float]:
    """Energy of a year (kWh) and its present value by InVEST 3.20.2 annual water yield.

    kWh = 0.00272 efficiency fraction height supply; NPV = sum over t = 0..years-1 of (price kWh - cost) / (1 + d)^t.
    """
    kwh = 0.00272 * efficiency * fraction * height_m * supply_m3
    annuity = ((1 + discount_pct / 100) ** -np.arange(years, dtype=float)).sum()
    return kwh, float((price * kwh - cost) * annuity)
