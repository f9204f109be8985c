"""Packets: who sends what, when, in which units and codes."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds.messages import DAILY, HOURLY, MINUTE, REAL_TIME, devices, messages, rolled, stamp
from sample_feeds.scenario import load
from sample_feeds.signals import readings
from sample_feeds.simulate import COUNTY

CALM = load().model_copy(update={"events": ()})
REGISTRY = Registry.load(COUNTY)
DEVICES = {d.name: d for d in devices(REGISTRY)}
FIRST = int(CALM.start.timestamp()) // 3600 - 8  # local midnight
HOURS = np.arange(FIRST, FIRST + 72)


def sent(name, cn):
    device = DEVICES[name]
    return [m for m in messages(device, readings(device.station, CALM, 1, HOURS), 1) if m.cn == cn]


def test_every_station_with_a_device_number_has_a_logger():
    assert set(DEVICES) == {n for n, s in REGISTRY.by_id.items() if s["mn"]}


@pytest.mark.parametrize("name", DEVICES)
def test_hour_packets_cover_every_period_once_and_come_after_it(name):
    length = timedelta(hours=4 if DEVICES[name].station["cadence"] == "PT4H" else 1)
    packets = sent(name, HOURLY)
    starts = [datetime.strptime(m.data_time, "%Y%m%d%H%M%S").replace(tzinfo=LOCAL) for m in packets]
    assert all(b - a == length for a, b in pairwise(starts))
    assert len(starts) == timedelta(hours=72) / length
    assert starts[0].hour % (length / timedelta(hours=1)) == 0
    assert all(timedelta(0) < m.at - s - length < timedelta(minutes=10) for m, s in zip(packets, starts, strict=True))
    assert all(m.at == m.sent for m in packets)


@pytest.mark.parametrize("name", DEVICES)
def test_day_packets_begin_at_local_midnight(name):
    assert [m.data_time for m in sent(name, DAILY)] == ["20260818000000", "20260819000000", "20260820000000"]


def test_real_time_and_minute_data_every_ten_minutes():
    assert {n for n in DEVICES if sent(n, REAL_TIME)} == {"noise-1", "outlet-1", "stack-1"}
    assert {n for n in DEVICES if sent(n, MINUTE)} == {"air-1"}
    moments, means = sent("stack-1", REAL_TIME), sent("air-1", MINUTE)
    assert len(moments) == len(means) == 72 * 6
    # a moment is sent at once, a mean when its ten minutes are over
    assert (moments[7].data_time, stamp(moments[7].at)) == ("20260818011000", "20260818011004")
    assert (means[7].data_time, stamp(means[7].at)) == ("20260818011000", "20260818012004")


def test_codes_of_2005_are_the_short_ones():
    codes = {item.split("-")[0] for m in sent("outlet-1", HOURLY) for item in m.items}
    assert codes == {"B01", "001", "011", "060", "101", "065", "003"}
    assert {c.code for c in DEVICES["stack-1"].channels} >= {"a34013", "a21026", "a21002", "a19001"}


@pytest.mark.parametrize(
    ("name", "code", "low", "high", "decimals"),
    [
        ("air-1", "a01006", 98, 101, 3),  # kPa
        ("air-3", "a01006", 980, 1010, 2),  # hPa
        ("water-1", "w01016", 1, 10, 2),  # ug/L
        ("water-2", "w01016", 0.001, 0.01, 5),  # mg/L
        ("groundwater-1", "w20125", 0.03, 0.2, 4),  # mg/L
        ("groundwater-2", "w20125", 30, 200, 1),  # ug/L
        ("stack-1", "a00000", 30000, 60000, 0),  # m3/h
        ("air-1", "a21005", 0.2, 1.5, 3),  # mg/m3
    ],
)
def test_values_are_written_in_the_unit_of_the_device(name, code, low, high, decimals):
    texts = [t for m in sent(name, HOURLY) for i in m.items for t in re.findall(rf"{code}-Avg=([^,]+)", i)]
    assert len(texts) == len(sent(name, HOURLY))
    assert all(low < float(t) < high for t in texts)
    assert {len(t.partition(".")[2]) for t in texts} == {decimals}


def test_fields_of_the_kinds_of_device():
    def item(name, number):
        return re.sub(r"=[^,]*", "", sent(name, HOURLY)[0].items[number])

    assert item("air-1", 0) == "a21026-Avg,a21026-Flag"
    assert item("air-3", 0) == "a21026-Min,a21026-Avg,a21026-Max,a21026-Flag"
    assert item("noise-1", 0) == "Leq-Data"
    assert item("outlet-1", 0) == "B01-Cou,B01-Min,B01-Avg,B01-Max,B01-Flag"
    assert item("stack-1", 0) == "a34013-Min,a34013-Avg,a34013-Max,a34013-ZsAvg,a34013-Flag"
    assert item("stack-1", 3) == "a19001-Min,a19001-Avg,a19001-Max,a19001-Flag"


def test_stack_values_are_converted_to_nine_per_cent_oxygen():
    for message in sent("stack-1", HOURLY):
        value = {k: float(v) for k, v in re.findall(r"([\w-]+)=([\d.]+)", ",".join(message.items))}
        expected = value["a21026-Avg"] * 12 / (21 - value["a19001-Avg"])
        assert value["a21026-ZsAvg"] == pytest.approx(expected, rel=2e-3)


@given(arrays(np.float64, (3, 4), elements=st.floats(0.1, 100)))
def test_a_mean_over_normal_hours(values):
    flags = np.array([["N"] * 4, ["N", "N", "N", "C"], ["M"] * 4])
    mean, flag = rolled(values, flags)
    np.testing.assert_allclose(mean, [values[0].mean(), values[1, :3].mean(), values[2].mean()])
    assert flag.tolist() == ["N", "N", "M"]


def test_a_day_with_too_few_normal_hours_is_marked():
    flags = np.full((2, 24), "N")
    flags[1, :7] = "C"
    assert rolled(np.ones((2, 24)), flags)[1].tolist() == ["N", "D"]


def test_levels_are_meant_as_energies():
    assert rolled(np.array([[50.0, 60.0]]), np.full((1, 2), "N"), decibel=True)[0][0] == pytest.approx(57.404, abs=1e-3)


def test_stamps_are_times_of_lishui():
    assert stamp(datetime(2026, 8, 18, 0, 5, tzinfo=UTC)) == "20260818080500"
