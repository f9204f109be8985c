"""Laws of everything registered: what an indicator must say of itself and what it must survive."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from domain.catalogue import parameters
from domain.records import TABLES
from domain.registry import MEDIA
from domain.times import PERIODS
from processing.aggregate import Observed
from processing.indicators.groundwater import items
from processing.indicators.soil_fertility import ITEMS
from processing.registered import Registered, registered
from processing.screening import screen
from tests.processing.observed import series, stations

ALL = registered()
OURS = {name: r for name, r in ALL.items() if r.meta.takes == "observations"}
EXAMPLES = {
    "air": {"SO2": 8, "NO2": 30, "CO": 0.7, "O3": 150, "PM10": 70, "PM2.5": 40},
    "water": {p: 0.02 for r in OURS.values() if r.meta.medium == "water" for p in r.meta.parameters}
    | {"pH": 7.6, "DO": 7.2, "CODMn": 3.1, "NH3N": 0.4, "TP": 0.08, "water_temp": 18},
    "groundwater": {"pH": 7.0} | {p: 0.3 for p in items() if p != "pH"},
    "soil": {"soil_pH": 5.8, "soil_Cd": 0.35, "soil_Zn": 120}
    | {f"soil_{i}": 5 for i in ("Hg", "As", "Pb", "Cr", "Cu", "Ni", "HCHs", "DDTs", "BaP", *ITEMS)},
    "noise": {"LAeq": 52, "LAmax": 66},
    "radiation": {"gamma_rate": 92, "rain": 0},
    "source": {"COD": 45, "NH3N": 3, "pH": 7.2, "flow": 180, "stack_SO2": 120, "stack_O2": 10},
}
PERIOD = {"soil": "P1D", "groundwater": "PT4H"}
PLACES = {
    "water": {"kind": "river", "target": "III"},
    "source": {"kind": "outlet", "target": "GB 18918-2002/一级A"},
    "noise": {"zone": "2", "kind": "ambient"},
    "soil": {"zone": "paddy"},
    "radiation": {"gamma_mean": "85", "gamma_sd": "4"},
    "air": {"zone": "2", "township": "331102001"},
}


def places(medium: str) -> pd.DataFrame:
    known = PLACES.get(medium, {})
    both = [stations(station_id=f"{medium}-{n}", medium=medium, **({"township": "331102001"} | known)) for n in (1, 2)]
    if medium == "source":
        both[1]["target"] = "GB 13271-2014/燃煤"
    if medium == "noise":
        both[1]["kind"] = "roadside"
    if medium == "soil":
        both[1][["kind", "zone"]] = "construction", "2"
    return pd.concat(both, ignore_index=True)


def example(medium: str, *, hollow: bool = False) -> pd.DataFrame:
    """Two stations, three days, values that move; every second one missing when hollow."""
    n = {"soil": 3}.get(medium, 72)
    move = 1 + np.sin(np.arange(n)) / 10
    parts = []
    for station in (f"{medium}-1", f"{medium}-2"):
        for parameter, level in EXAMPLES[medium].items():
            values = np.round(level * move, 3)
            if hollow:
                values[::2] = np.nan
            parts.append(series(station, parameter, values, period=PERIOD.get(medium, "PT1H"), medium=medium))
    return pd.concat(parts, ignore_index=True)


def media_of(entry: Registered) -> list[str]:
    compared = [m for m in EXAMPLES if PERIOD.get(m) != "P1D"]  # the health of a station needs hours
    return [entry.meta.medium] if entry.meta.medium in MEDIA else compared


def nothing(medium: str) -> pd.DataFrame:
    return example(medium, hollow=True).assign(value=np.nan, flag=np.int32(9))


CASES_OF = {
    "whole": example,
    "shuffled": lambda medium: example(medium).sample(frac=1, random_state=7).reset_index(drop=True),
    "hollow": lambda medium: example(medium, hollow=True),
    "nothing": nothing,
    "empty": lambda medium: example(medium).iloc[:0],
}


@cache
def observations_of(case: str, medium: str) -> pd.DataFrame:
    observations = CASES_OF[case](medium)
    checked = screen(observations, medium)
    return observations.assign(flag=checked.flag, tests=checked.tests)


@cache
def results_of(function: Callable[..., pd.DataFrame], case: str, medium: str) -> pd.DataFrame:
    return function(Observed(observations_of(case, medium)), places(medium))


def computed(entry: Registered, case: str, medium: str) -> pd.DataFrame:
    out = results_of(entry.function, case, medium)
    return out[out["indicator"] == entry.meta.id].reset_index(drop=True)


def in_order(frame: pd.DataFrame) -> str:
    return frame.sort_values(list(TABLES["indicators"].key)).to_csv(index=False)


CASES = [
    pytest.param(entry, medium, id=f"{name}-{medium}") for name, entry in OURS.items() for medium in media_of(entry)
]


def test_something_is_registered():
    assert {"air.aqi", "water.class", "soil.risk", "noise.ln", "source.day_ratio", "quality.failed_share"} <= set(OURS)


@pytest.mark.parametrize("name", ALL)
def test_an_indicator_says_what_it_is(name):
    meta, function = ALL[name].meta, ALL[name].function
    known = {*parameters()["unit"], "1", "1/a", "ha", "%", "umol/m2"}
    assert meta.unit in known
    assert meta.medium
    assert meta.id == name
    assert set(meta.periods) <= set(PERIODS)
    for text in (meta.name_zh, meta.name_en, meta.formula, meta.completeness, meta.standard, meta.source, meta.subject):
        assert text.strip()
    assert function.__doc__
    assert len(function.__doc__.split()) > 5
    assert meta.confidence in ("confirmed", "partly confirmed", "unconfirmed", "own definition")


@pytest.mark.parametrize("name", OURS)
def test_its_parameters_are_known(name):
    assert set(OURS[name].meta.parameters) <= set(parameters().index)


@pytest.mark.parametrize(("entry", "medium"), CASES)
def test_rows_have_the_form_of_the_table_and_say_what_was_registered(entry, medium):
    rows = computed(entry, "whole", medium)
    assert rows["value"].notna().any()
    TABLES["indicators"].frame(rows)
    assert list(rows.columns) == TABLES["indicators"].columns
    assert set(rows["period"]) <= set(entry.meta.periods)
    assert set(rows["unit"]) == {entry.meta.unit}
    assert set(rows["medium"]) == {medium}
    assert not rows.duplicated(list(TABLES["indicators"].key)).any()
    assert (rows["n_valid"] <= rows["n_expected"]).all()
    assert (rows["flag"].eq(9) == rows["value"].isna()).all()
    assert (rows["edition"].str.len() > 0).all()


@pytest.mark.parametrize(("entry", "medium"), CASES)
def test_order_of_rows_does_not_matter(entry, medium):
    assert in_order(computed(entry, "shuffled", medium)) == in_order(computed(entry, "whole", medium))


@pytest.mark.parametrize(("entry", "medium"), CASES)
def test_missing_values_break_nothing(entry, medium):
    computed(entry, "hollow", medium)
    rows = computed(entry, "nothing", medium)
    if entry.meta.medium != "quality":
        assert rows["value"].isna().all()
        assert (rows["detail"].str.len() > 0).all()
    assert len(computed(entry, "empty", medium)) == 0
