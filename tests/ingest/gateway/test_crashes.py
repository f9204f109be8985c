"""Killed at random: what was answered is there, whole, and visible to the feed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ingest.decoders.hj212.frames import ACCEPTED, spans
from tests.ingest.gateway.crashes import DEVICES
from tests.ingest.gateway.given import beside, files, kept

PROJECT = Path(__file__).parents[3]
LONG = (pytest.mark.slow, pytest.mark.timeout(1800))


@pytest.mark.parametrize("kills", [pytest.param(3, id="3 times"), pytest.param(100, id="100 times", marks=LONG)])
def test_what_was_answered_survives_a_kill(tmp_path, kills):
    command = [sys.executable, "-m", "tests.ingest.gateway.crashes", str(tmp_path), str(kills), "11"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["killed"] == kills
    assert len(told["answered"]) >= DEVICES
    stream = kept(tmp_path)
    found = spans(np.frombuffer(stream, dtype=np.uint8))
    good = [stream[a:b] for a, b, k in zip(found.start, found.stop, found.kind, strict=True) if k == ACCEPTED]
    numbers = {frame.split(b"QN=")[1][:17].decode() for frame in good}
    assert {str(n) for n in told["answered"]} <= numbers
    assert list((tmp_path / "feeds/ground/hj212/.gateway/test").glob("*.part*")) == []
    assert sum(len(x["bytes"]) for x in beside(tmp_path)) <= len(stream)
    assert len(files(tmp_path)) > 1
