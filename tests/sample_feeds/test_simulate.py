"""The orchestrator, and the small sample kept with the code."""

import zipfile
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from sample_feeds.scenario import load
from sample_feeds.simulate import SAMPLE, simulate, write_sample

SCENARIO = load()
#: Coarse enough that the sky costs little here.
COARSE = SCENARIO.model_copy(update={"sky": SCENARIO.sky.model_copy(update={"resolution_m": 300})})


def digests(folder):
    return {p.relative_to(folder).as_posix(): digest(p) for p in folder.rglob("*") if p.is_file()}


def digest(path):
    """Of a spreadsheet the unpacked content: another zlib packs the same content into other bytes."""
    if path.suffix != ".xlsx":
        return sha256(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(path) as packed:
        return {name: sha256(packed.read(name)).hexdigest() for name in packed.namelist()}


def test_same_seed_same_bytes_of_all_three_eyes(tmp_path):
    told = []
    for name in ("one", "two"):
        counts = simulate(
            tmp_path / name,
            start=SCENARIO.start,
            end=SCENARIO.start + timedelta(hours=3),
            seed=4,
            scenario=COARSE,
            progress=lambda part, share: told.append((part, share)),
        )
    assert counts.packets > 60
    assert counts.scenes > 0
    assert counts.human_files > 0
    assert {part for part, _ in told} == {"ground", "human", "sky"}
    one, two = digests(tmp_path / "one"), digests(tmp_path / "two")
    assert one == two
    assert {name.split("/")[0] for name in one} == {"ground", "human", "sky", "truth.csv"}


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (SCENARIO.start, SCENARIO.start, "nothing to simulate"),
        (SCENARIO.end, SCENARIO.start, "nothing to simulate"),
        (SCENARIO.start + timedelta(minutes=5), SCENARIO.end, "whole hours"),
        (datetime(2026, 8, 18), SCENARIO.end, "no time zone"),  # noqa: DTZ001, what is tested
    ],
)
def test_windows_that_are_none(tmp_path, start, end, told):
    with pytest.raises(ValueError, match=told):
        simulate(tmp_path, start=start, end=end, seed=1, scenario=SCENARIO)


def test_the_committed_sample_is_what_its_function_writes(tmp_path):
    write_sample(tmp_path)
    assert digests(tmp_path) == digests(SAMPLE)


def test_the_committed_sample_is_small():
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < 300_000
