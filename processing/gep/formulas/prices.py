"""Prices: construction cost, annualised cost, taxes, markets; price indices and growth at comparable prices."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.formulas.living import shannon_step
from processing.gep.registered import Argument, formula, given, parameter


def _price(
    id: str,  # noqa: A002 - the field's name
    part: str,
    zh: str,
    en: str,
    unit: str,
    row: Argument,
    price_type: str,
    *,
    options: dict[str, str] | None = None,
    itemised: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A price that is one row of gep_prices.csv, or one input."""
    return formula(
        id,
        part=f"price.{part}",
        name_zh=zh,
        name_en=en,
        unit=unit,
        expression="p",
        clause="the row of the price and its source",
        status="confirmed",
        options=options,
        arguments={"price": row},
        itemised=itemised,
        price_type=price_type,
    )


_BUILD, _WATER = {"water_price": "construction"}, {"water_price": "water_price"}
_TREATED = {"pollutant_price": "treatment"}


@_price("PW1", "water", "水库单位库容造价（一次性）", "reservoir cost, once", "CNY/m3", parameter("reservoir_cost"),
        "construction cost (one-off)", options=_BUILD)  # fmt: skip
@_price("PW3", "water", "水资源交易价格", "price of raw water", "CNY/m3", parameter("raw_water_price"),
        "water price", options=_WATER)  # fmt: skip
@_price("PU1", "water_use", "用水价格（按用途）", "price of water by use", "CNY/m3", parameter("water_use_price"),
        "market price", itemised=True)  # fmt: skip
@_price("PE1", "electricity", "电价", "price of electricity", "CNY/kWh", parameter("electricity_price"),
        "market price")  # fmt: skip
@_price("PS1", "silt", "清淤单价", "cost of dredging", "CNY/m3", parameter("dredging_cost"), "replacement cost",
        options={"silt_price_basis": "volume"})  # fmt: skip
@_price("PS2", "silt", "清淤单价（按质量）", "cost of dredging by mass", "CNY/t", parameter("dredging_cost_t"),
        "replacement cost", options={"silt_price_basis": "mass"})  # fmt: skip
@_price("PN1", "nutrients", "氮磷处理成本", "cost of removing N and P", "CNY/t", parameter("treatment_cost"),
        "treatment cost", itemised=True, options=_TREATED)  # fmt: skip
@_price("PA1", "air", "大气污染物治理成本", "cost of treating air", "CNY/t", parameter("treatment_cost"),
        "treatment cost", itemised=True, options=_TREATED)  # fmt: skip
@_price("PQ1", "effluent", "水污染物治理成本", "cost of treating water", "CNY/t", parameter("treatment_cost"),
        "treatment cost", itemised=True, options=_TREATED)  # fmt: skip
@_price("PF1", "fertiliser", "化肥价格", "price of fertiliser", "CNY/t", parameter("fertiliser_price"),
        "market price", itemised=True)  # fmt: skip
@_price("PC1", "carbon", "碳价（造林成本）", "price of carbon dioxide, afforestation", "CNY/t CO2",
        parameter("carbon_afforestation_cost"), "replacement cost",
        options={"carbon_price": "afforestation"})  # fmt: skip
@_price("PC2", "carbon", "碳价（全国碳市场）", "price of carbon dioxide, national market", "CNY/t CO2",
        parameter("carbon_ets_price"), "market price", options={"carbon_price": "ets"})  # fmt: skip
@_price("PC3", "carbon", "碳价（地方平台）", "price of carbon dioxide, local platform", "CNY/t CO2",
        parameter("carbon_platform_price"), "market price", options={"carbon_price": "platform"})  # fmt: skip
@_price("PO1", "oxygen", "氧气价格", "price of oxygen", "CNY/t O2", parameter("oxygen_price"), "market price")
@_price("PD1", "sand", "治沙成本", "cost of controlling sand", "CNY/m2", parameter("sand_control_cost"),
        "replacement cost")  # fmt: skip
@_price("PI1", "ions", "负氧离子单价", "price of an ion", "CNY/ion", parameter("ion_price"), "replacement cost")
@_price("PB2", "pests", "病虫害防治成本", "cost of pest control", "CNY/hm2", parameter("pest_control_cost"),
        "replacement cost", itemised=True)  # fmt: skip
@_price("PZ1", "noise", "隔音屏造价", "cost of a noise barrier", "CNY/km", parameter("noise_barrier_cost"),
        "replacement cost")  # fmt: skip
@_price("PT4", "premium", "景观溢价", "premium of the landscape", "CNY/m2", given("landscape_premium_cny_m2"),
        "hedonic price", itemised=True)  # fmt: skip
@_price("PT5", "recreation", "休闲时间价值", "value of an hour", "CNY/person h", given("recreation_value_cny_h"),
        "replacement cost", itemised=True)  # fmt: skip
@_price("PP2.crops", "crops", "农产品价格", "price of crops", "CNY/t", given("crops_price_cny_t"), "market price",
        itemised=True)  # fmt: skip
@_price("PP2.forestry", "forestry", "林产品价格", "price of forest products", "CNY/t", given("forestry_price_cny_t"),
        "market price", itemised=True)  # fmt: skip
@_price("PP2.livestock", "livestock", "畜产品价格", "price of livestock", "CNY/t", given("livestock_price_cny_t"),
        "market price", itemised=True)  # fmt: skip
@_price("PP2.fishery", "fishery", "水产品价格", "price of fish", "CNY/t", given("fishery_price_cny_t"), "market price",
        itemised=True)  # fmt: skip
@_price("PV1", "evaporation", "蒸散水价", "price of water evaporated", "CNY/m3", parameter("evaporation_price"),
        "as the study has it")  # fmt: skip
@_price("PM1", "as_valued", "已按现价计值", "already valued", "CNY/CNY", 1.0, "market price (as valued)")
def stated(price: ArrayLike) -> np.ndarray:
    """A price as its row states it."""
    return np.asarray(price, dtype=float)


@formula(
    "PW2",
    part="price.water",
    name_zh="水库单位库容年运行成本",
    name_en="annual cost of reservoir capacity",
    unit="CNY/m3",
    expression="p = C D_r + O",
    clause="national trial norm 2022",
    status="memory",
    options={"water_price": "annualised"},
    price_type="annualised cost",
    arguments={
        "build_cost": parameter("reservoir_cost"),
        "depreciation": parameter("reservoir_depreciation"),
        "operation": parameter("reservoir_operation_cost"),
    },
)
def annualised(build_cost: ArrayLike, depreciation: ArrayLike, operation: ArrayLike) -> np.ndarray:
    """Annual cost of a cubic metre of reservoir, CNY m-3 a-1: C D_r + O.

    Args:
        build_cost: C, construction cost, CNY m-3.
        depreciation: D_r, a-1.
        operation: O, operation and maintenance, CNY m-3 a-1.
    """
    return np.asarray(build_cost) * np.asarray(depreciation) + np.asarray(operation)


@formula(
    "PA2",
    part="price.air",
    name_zh="大气污染物环境保护税",
    name_en="environmental tax on air pollutants",
    unit="CNY/t",
    expression="p = 1000 rate / equivalent",
    clause="Environmental Protection Tax Law, annex 2",
    status="cross-checked",
    options={"pollutant_price": "tax"},
    price_type="tax rate",
    arguments={"rate": parameter("tax_rate_air"), "equivalent_kg": parameter("pollution_equivalent_kg")},
    itemised=True,
)
@formula(
    "PQ2",
    part="price.effluent",
    name_zh="水污染物环境保护税",
    name_en="environmental tax on water pollutants",
    unit="CNY/t",
    expression="p = 1000 rate / equivalent",
    clause="Environmental Protection Tax Law, annex 2",
    status="cross-checked",
    options={"pollutant_price": "tax"},
    price_type="tax rate",
    arguments={"rate": parameter("tax_rate_water"), "equivalent_kg": parameter("pollution_equivalent_kg")},
    itemised=True,
)
@formula(
    "PN2",
    part="price.nutrients",
    name_zh="氮磷环境保护税",
    name_en="environmental tax on N and P",
    unit="CNY/t",
    expression="p = 1000 rate / equivalent",
    clause="Environmental Protection Tax Law, annex 2",
    status="cross-checked",
    options={"pollutant_price": "tax"},
    price_type="tax rate",
    arguments={"rate": parameter("tax_rate_water"), "equivalent_kg": parameter("pollution_equivalent_kg")},
    itemised=True,
)
def tax_price(rate: ArrayLike, equivalent_kg: ArrayLike) -> np.ndarray:
    """Tax on a tonne of a pollutant, CNY: 1000 times the rate of an equivalent over its kilograms."""
    return 1000 * np.asarray(rate) / np.asarray(equivalent_kg)


def value(quantity: ArrayLike, price: ArrayLike) -> np.ndarray:
    """Value of a flow, CNY: quantity times price of its unit."""
    return np.asarray(quantity) * np.asarray(price)


def by_index(price: ArrayLike, index_target: ArrayLike, index_base: ArrayLike) -> np.ndarray:
    """A price moved to another year by a price index: P I_target / I_base (Gaotianyan 2017)."""
    return np.asarray(price) * np.asarray(index_target) / np.asarray(index_base)


def comparable_growth(q0: Sequence[float], q1: Sequence[float], fixed_price: Sequence[float]) -> float:
    """Growth at comparable prices: both years valued with the same prices (Laspeyres volume index less 1)."""
    price = np.asarray(fixed_price, dtype=float)
    return float(value(q1, price).sum() / value(q0, price).sum() - 1)


@formula(
    "PB1",
    part="price.species",
    name_zh="物种保育单价（按香农指数）",
    name_en="price of species conservation by Shannon index",
    unit="CNY/hm2",
    expression="p = step of the Shannon index",
    clause="GB/T 38582-2020",
    status="memory",
    price_type="as the norm sets it",
    arguments={"shannon": given("shannon_index")} | {f"s{n}": parameter(f"species_price_step:s{n}") for n in range(7)},
)
def species_price(shannon: ArrayLike, **steps: ArrayLike) -> np.ndarray:
    """Price of a hectare by the step of its Shannon index, CNY hm-2 a-1: s0 below 1, s1 from 1 to 2, ... s6 from 6."""
    step = shannon_step(shannon)
    shape = np.broadcast_shapes(step.shape, *(np.shape(x) for x in steps.values()))
    out = np.full(shape, np.nan)
    for n in range(len(steps)):
        out = np.where(step == n, steps[f"s{n}"], out)
    return out
