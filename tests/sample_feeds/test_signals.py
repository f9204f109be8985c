"""What is at the stations: calm without events, clearly over the limit with them, faults that stay faults."""

from datetime import timedelta

import numpy as np
import pytest

from domain.catalogue import parameters
from domain.registry import Registry
from sample_feeds.scenario import DeviceFault, Episode, load
from sample_feeds.signals import envelope, kind_of, nature, readings, signals
from sample_feeds.simulate import COUNTY
from sample_feeds.weather import local_hour

SCENARIO = load()
CALM = SCENARIO.model_copy(update={"events": ()})
STATIONS = {n: s for n, s in Registry.load(COUNTY).by_id.items() if s["mn"]}
FIRST = int(SCENARIO.start.timestamp()) // 3600
DEMO = np.arange(FIRST - 8, FIRST - 8 + 24 * 15)  # whole Lishui days
SUMMER = np.arange(FIRST - 8 - 24 * 40, FIRST - 8 + 24 * 40)
#: Highest and lowest hours that are still well clear of every rule: GB 3095-2026 level 1 and HJ 633-2026 IAQI 100 of
#: an hour, GB 3838-2002 (II for water-1 and water-5, III elsewhere; lake TP), GB 18918 1A, GB 13271 special.
CEILINGS = {
    "air": {"PM2.5": 55, "PM10": 95, "SO2": 50, "NO2": 80, "CO": 2, "O3": 155},
    "water": {"NH3N": 0.75, "CODMn": 5, "pH": 8.5},
    "groundwater": {"NH3N": 0.3, "NO3N": 15, "Fe": 0.25, "Mn": 0.09, "TDS": 800, "hardness": 400, "F": 0.9},
    "outlet": {"COD": 42, "NH3N": 3, "TP": 0.4, "TN": 13, "SS": 8.5, "pH": 8.5},
    "stack": {"stack_PM": 20, "stack_SO2": 150, "stack_NOx": 160, "stack_O2": 12},
}
FLOORS = {"water": {"DO": 6.3, "pH": 6.5}, "outlet": {"pH": 6.3}, "stack": {"stack_O2": 7}}
STRICTER = {
    "water-1": {"NH3N": 0.4, "CODMn": 3.5, "TP": 0.085},
    "water-5": {"NH3N": 0.4, "CODMn": 3.5, "TP": 0.085},
    "water-6": {"TP": 0.04, "TN": 0.9},
    "air-6": {"O3": 110, "PM2.5": 30, "PM10": 45},
}
NOISE_LIMITS = {"noise-1": (55, 45), "noise-2": (60, 50), "noise-3": (65, 55), "noise-4": (70, 55)}


def energy_mean(levels):
    return 10 * np.log10(np.mean(10 ** (levels / 10)))


@pytest.mark.parametrize("name", STATIONS)
@pytest.mark.parametrize("seed", [SCENARIO.seed, 1])
def test_without_events_nothing_comes_near_a_limit(name, seed):
    kind = kind_of(STATIONS[name])
    calm = nature(STATIONS[name], CALM, seed, SUMMER)
    for parameter, ceiling in {**CEILINGS.get(kind, {}), **STRICTER.get(name, {})}.items():
        assert calm[parameter].max() < ceiling, parameter
    for parameter, floor in FLOORS.get(kind, {}).items():
        assert calm[parameter].min() > floor, parameter
    assert all((v > 0).all() for p, v in calm.items() if p not in {"air_temp", "wind_dir"})


@pytest.mark.parametrize("name", NOISE_LIMITS)
def test_calm_days_and_nights_are_three_decibels_below_their_limits(name):
    level = nature(STATIONS[name], CALM, SCENARIO.seed, DEMO)["LAeq"].reshape(-1, 24)
    at = local_hour(DEMO[:24])
    night = (at < 6) | (at >= 22)
    day_limit, night_limit = NOISE_LIMITS[name]
    assert max(energy_mean(d[~night]) for d in level) < day_limit - 3
    assert max(energy_mean(d[night]) for d in level) < night_limit - 3


def test_percentile_levels_and_particles_keep_their_order():
    noise = nature(STATIONS["noise-1"], SCENARIO, 3, SUMMER)
    assert (noise["LA90"] < noise["LA50"]).all()
    assert (noise["LA50"] < noise["LA10"]).all()
    assert (noise["LA10"] < noise["LAmax"]).all()
    air = nature(STATIONS["air-1"], SCENARIO, 3, DEMO)
    assert (air["PM10"] > air["PM2.5"]).all()
    water = nature(STATIONS["water-2"], SCENARIO, 3, DEMO)
    assert (water["TN"] > water["NH3N"]).all()


@pytest.mark.parametrize("name", STATIONS)
def test_no_instrument_sticks_by_itself(name):
    """Written with the decimals of its device, no value of any parameter stays equal six times running."""
    length = 4 if STATIONS[name]["cadence"] == "PT4H" else 1
    for parameter, row in signals(kind_of(STATIONS[name])).iterrows():
        hourly = nature(STATIONS[name], CALM, SCENARIO.seed, SUMMER)[parameter]
        written = np.round(hourly.reshape(-1, length).mean(axis=1), row["decimals"])
        changes = np.flatnonzero(np.diff(written) != 0)
        assert np.diff(changes, prepend=-1, append=len(written) - 1).max() < 6, parameter


def test_a_window_shows_the_same_as_a_wider_one():
    for station in STATIONS.values():
        wide, narrow = (readings(station, SCENARIO, 5, hours) for hours in (DEMO, DEMO[50:130]))
        for parameter, values in narrow.values.items():
            np.testing.assert_array_equal(values, wide.values[parameter][50:130])
            np.testing.assert_array_equal(narrow.flags[parameter], wide.flags[parameter][50:130])


def test_seeds_and_stations_differ():
    one, two = (nature(STATIONS["air-1"], CALM, seed, DEMO)["PM2.5"] for seed in (1, 2))
    other = nature(STATIONS["air-2"], CALM, 1, DEMO)["PM2.5"]
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.9
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("event", list(SCENARIO.of(Episode)), ids=lambda e: e.id)
def test_episodes_change_their_parameters_within_their_time_alone(event):
    only = SCENARIO.model_copy(update={"events": (event,)})
    for name in event.subjects:
        start, end = (m.timestamp() / 3600 for m in event.span(name))
        inside = (start < DEMO + 1) & (end > DEMO)
        with_, without = (nature(STATIONS[name], s, SCENARIO.seed, DEMO) for s in (only, CALM))
        for parameter in event.levels:
            assert (with_[parameter][~inside] == without[parameter][~inside]).all()
            assert np.abs(with_[parameter][inside] - without[parameter][inside]).max() > 0


def test_episodes_cross_their_limits_clearly():
    at = {name: nature(station, SCENARIO, SCENARIO.seed, DEMO) for name, station in STATIONS.items()}
    for name in ("air-1", "air-2", "air-3"):
        assert (at[name]["PM2.5"] > 150).sum() >= 24  # AQI above 200 for a day
        assert (at[name]["PM10"] > 250).sum() >= 24  # AQI above 150
    for name in ("air-4", "air-5", "air-6"):
        ozone = at[name]["O3"]
        assert 175 < np.convolve(ozone, np.ones(8) / 8, "valid").max() < 215
        assert ozone.max() < 280  # AQI of the hour below 150
    assert at["water-1"]["NH3N"].max() < 0.5
    for name in ("water-2", "water-3", "water-4"):
        four_hours = at[name]["NH3N"].reshape(-1, 4).mean(axis=1)
        assert (four_hours > 1.3).sum() >= 6
        assert at[name]["NH3N"].max() < 9
    level = at["noise-2"]["LAeq"]
    (night,) = (e for e in SCENARIO.of(Episode) if e.kind == "night_noise")
    during = envelope(night, "noise-2", DEMO) > 0
    assert during.sum() == 8
    assert level[during].min() > 52
    days = {p: at["outlet-1"][p].reshape(-1, 24).mean(axis=1) for p in ("COD", "NH3N", "TN", "TP")}
    for parameter, limit in {"COD": 50, "NH3N": 5, "TN": 15, "TP": 0.5}.items():
        assert (days[parameter] > limit).sum() == 1, parameter
        assert np.sort(days[parameter])[-2] < 0.9 * limit, parameter


def test_envelope_rises_stays_and_falls():
    (event,) = (e for e in SCENARIO.of(Episode) if e.id == "pm-episode")
    strength = envelope(event, "air-1", DEMO)
    start = int((event.start - SCENARIO.start) / timedelta(hours=1)) + 8
    assert strength[start - 1] == 0
    np.testing.assert_allclose(strength[start : start + 7], [0.5 / 6, 1.5 / 6, 2.5 / 6, 3.5 / 6, 4.5 / 6, 5.5 / 6, 1])
    assert strength.max() == 1
    assert strength[start + 38] == 0


def test_faults_of_instruments():
    def during(kind):
        (event,) = (e for e in SCENARIO.of(DeviceFault) if e.kind == kind and e.id != "cod-calibration")
        name = event.subjects[0]
        read = readings(STATIONS[name], SCENARIO, SCENARIO.seed, DEMO)
        hours = slice(*(int((t - SCENARIO.start) / timedelta(hours=1)) + 8 for t in (event.start, event.end)))
        true = nature(STATIONS[name], SCENARIO, SCENARIO.seed, DEMO)
        return event, read, true, hours

    event, read, _, hours = during("flat_line")
    assert set(read.values["DO"][hours]) == {event.value}
    assert set(read.flags["DO"]) == {"N"}
    event, read, _, hours = during("spike")
    assert read.values["PM2.5"][hours].tolist() == [985]
    assert np.sort(read.values["PM2.5"])[-2] < 60
    event, read, true, hours = during("drift")
    gain = read.values["EC"][hours] / true["EC"][hours] - 1
    assert (np.diff(gain) > 0).all()
    assert 0.05 < gain[-1] <= event.value
    event, read, _, hours = during("calibration")
    assert set(read.flags["NO2"][hours]) == {"C"}
    assert (read.flags["NO2"] == "C").sum() == 2
    assert set(read.flags["O3"]) == {"N"}
    _, read, true, hours = during("maintenance")
    assert all(set(f[hours]) == {"M"} for f in read.flags.values())
    np.testing.assert_array_equal(read.values["pH"], true["pH"])
    _, read, _, hours = during("stopped")
    assert set(read.values["stack_SO2"][hours]) == {0}
    assert all(set(f[hours]) == {"F"} for f in read.flags.values())


def test_signals_are_known_parameters_of_their_medium():
    for name, station in STATIONS.items():
        for parameter in signals(kind_of(station)).index:
            assert station["medium"] in parameters().loc[parameter, "media"], (name, parameter)
