"""Cultural services (文化服务): tourism by travel cost, recreation, landscape premium, non-use."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import formula, given, parameter


@formula(
    "T1",
    part="tourism",
    name_zh="旅游人次",
    name_en="visits",
    unit="visits",
    expression="N",
    clause="Baiyangdian 2017 (doi 10.5846/stxb201410091984)",
    status="confirmed",
    options={"tourism": "travel_cost_cs"},
    arguments={"visits": given("visits")},
    itemised=True,
)
@formula(
    "T2",
    part="tourism",
    name_zh="旅游人次（按客源地）",
    name_en="visits by origin",
    unit="visits",
    expression="N_j",
    clause="DB33/T 2274-2020, guide of 2020",
    status="memory",
    options={"tourism": "expense"},
    arguments={"visits": given("visits")},
    itemised=True,
)
@formula(
    "T5",
    part="recreation",
    name_zh="休闲游憩时间",
    name_en="hours of recreation",
    unit="person h",
    expression="N T",
    clause="national trial norm 2022",
    status="memory",
    arguments={"visits": given("recreation_hours")},
    itemised=True,
)
@formula(
    "T4",
    part="landscape_premium",
    name_zh="景观增值受益面积",
    name_en="floor area that gains from the landscape",
    unit="m2",
    expression="A",
    clause="DB33/T 2274-2020, national trial norm 2022",
    status="memory",
    arguments={"visits": given("benefiting_floor_m2")},
    itemised=True,
)
@formula(
    "T6",
    part="non_use",
    name_zh="愿意支付的人月数",
    name_en="months paid for by those willing",
    unit="person months",
    expression="12 n",
    clause="Baiyangdian 2017 (doi 10.5846/stxb201410091984)",
    status="confirmed",
    arguments={"visits": given("payers_months")},
    itemised=True,
)
def counted(visits: ArrayLike) -> np.ndarray:
    """What a survey counts, a year: visits, person hours, m2 of floor, person months."""
    return np.asarray(visits, dtype=float)


@formula(
    "T3",
    part="tourism",
    name_zh="自然景观旅游收入",
    name_en="tourism income due to nature",
    unit="CNY",
    expression="V = income x share of nature",
    clause="Garze 2017 (doi 10.5846/stxb201607011362), share as observed there",
    status="confirmed",
    options={"tourism": "income"},
    arguments={"income_cny": given("tourism_income_cny"), "share": parameter("tourism_nature_share")},
)
def tourism_income(income_cny: ArrayLike, share: ArrayLike) -> np.ndarray:
    """Tourism income that is due to nature, CNY a-1: income times its share; purely man-made attractions are out."""
    return np.asarray(income_cny) * np.asarray(share)


@formula(
    "TV1",
    part="price.visit",
    name_zh="每人次旅行费用、时间成本与消费者剩余",
    name_en="expense, time and consumer surplus of a visit",
    unit="CNY/visit",
    expression="p = TE + TV + CS",
    clause="Baiyangdian 2017 (doi 10.5846/stxb201410091984)",
    status="confirmed",
    options={"tourism": "travel_cost_cs"},
    price_type="travel cost with consumer surplus",
    welfare=True,
    arguments={
        "expense": given("visit_expense_cny"),
        "time_value": given("visit_time_value_cny"),
        "surplus": given("visit_consumer_surplus_cny"),
    },
    itemised=True,
)
def cost_of_visit(expense: ArrayLike, time_value: ArrayLike, surplus: ArrayLike) -> np.ndarray:
    """What a visit is worth, CNY: expense, value of the time (30 % of the wage) and consumer surplus."""
    return np.asarray(expense) + np.asarray(time_value) + np.asarray(surplus)


@formula(
    "TV2",
    part="price.visit",
    name_zh="每人次旅行费用与时间成本",
    name_en="time and expense of a visit",
    unit="CNY/visit",
    expression="p_j = T_j W_j + C_j",
    clause="DB33/T 2274-2020, guide of 2020",
    status="memory",
    options={"tourism": "expense"},
    price_type="travel cost",
    arguments={
        "hours": given("visit_hours"),
        "wage_per_hour": given("visit_wage_cny_h"),
        "cost": given("visit_expense_cny"),
    },
    itemised=True,
)
def travel_cost(hours: ArrayLike, wage_per_hour: ArrayLike, cost: ArrayLike) -> np.ndarray:
    """What a visit from an origin costs, CNY: T W + C, hours, wage an hour and expenses on the way and there."""
    return np.asarray(hours) * np.asarray(wage_per_hour) + np.asarray(cost)


def travel_cost_value(groups: Sequence[Sequence[float]]) -> float:
    """Value of tourism, CNY: sum over origins of N (T W + C); groups of (visitors, hours, wage an hour, expense)."""
    n, hours, wage, cost = np.array(groups, dtype=float).T
    return float((counted(n) * travel_cost(hours, wage, cost)).sum())


@formula(
    "TV6",
    part="price.willingness",
    name_zh="每月支付意愿（按支付率）",
    name_en="willingness to pay a month, by the share that pays",
    unit="CNY/person month",
    expression="p = WTP rate",
    clause="Baiyangdian 2017 (doi 10.5846/stxb201410091984)",
    status="confirmed",
    price_type="willingness to pay",
    welfare=True,
    arguments={"wtp_per_month": given("wtp_cny_month"), "rate": given("payment_rate")},
    itemised=True,
)
def willingness(wtp_per_month: ArrayLike, rate: ArrayLike) -> np.ndarray:
    """Willingness to pay of a month, CNY, by the share of people who would pay."""
    return np.asarray(wtp_per_month) * np.asarray(rate)
