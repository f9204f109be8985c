"""Publishing: every row offered is acknowledged, listed as refused, or delayed; none is lost."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pandas as pd
import pytest

from domain.records import TABLES
from store.home import Home
from store.influx import Published, Target, indicator_lines, observation_lines, offer, publish
from store.ledger.refusals import read_refusals
from tests.store.conftest import NOW, observations

AUG = "2026-08-20T00:00Z"


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


class Server:
    """An InfluxDB write endpoint that refuses what `bad` says and can be away."""

    def __init__(self, bad=lambda line: False, status=204):
        self.lines, self.bad, self.status = [], bad, status
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                lines = body.split("\n")
                code = 400 if any(map(outer.bad, lines)) else outer.status
                if code == 204:
                    outer.lines += lines
                text = b"" if code == 204 else json.dumps({"code": "invalid", "message": "no"}).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, daemon=True).start()
        self.target = Target(f"http://127.0.0.1:{self.http.server_port}")

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


def put(home, frame):
    home.lake.upsert("observations", frame, now=NOW, why="test")


def test_without_a_url_nothing_is_published_and_nothing_complains(home, monkeypatch, capsys):
    monkeypatch.delenv("SANYAN_INFLUX_URL", raising=False)
    put(home, observations({("air-1", AUG): 35.0}))
    assert publish(home, Target.from_environment(), now=NOW) == Published()
    assert capsys.readouterr() == ("", "")


def test_lines_are_built_with_tags_escaped_and_missing_values_without_a_value():
    frame = observations({("air 1,x=y", AUG): 35.25, ("air-2", AUG): float("nan")})
    lines = observation_lines(frame, TABLES["quality"].frame())
    assert lines == [
        (
            "observations,medium=air,station_id=air\\ 1\\,x\\=y,parameter=PM2.5,period=PT1H,unit=ug/m3"
            " value=35.25,flag=2i 1787184000000000"
        ),
        "observations,medium=air,station_id=air-2,parameter=PM2.5,period=PT1H,unit=ug/m3 flag=2i 1787184000000000",
    ]


def test_the_flag_of_quality_control_goes_before_the_doors():
    frame = observations({("air-1", AUG): 35.0})
    quality = TABLES["quality"].frame(frame.assign(flag=4, tests="spike", level="auto-checked"))
    assert "flag=4i" in observation_lines(frame, quality)[0]


def test_only_what_changed_is_published_again(home, server):
    put(home, observations({("air-1", AUG): 35.0, ("air-1", "2026-08-25T00:00Z"): 1.0}))
    assert publish(home, server.target, now=NOW) == Published(2, 2)
    assert publish(home, server.target, now=NOW) == Published()
    put(home, observations({("air-1", AUG): 36.0}))
    assert publish(home, server.target, now=NOW).offered == 1
    again = publish(home, server.target, now=NOW, start=pd.Timestamp(AUG), end=pd.Timestamp("2026-08-26T00:00Z"))
    assert again == Published(2, 2)


def test_refused_rows_are_listed_and_the_rest_is_stored(home, server):
    server.bad = lambda line: "air-2" in line
    put(home, observations({(f"air-{i}", AUG): float(i) for i in range(7)}))
    done = publish(home, server.target, now=NOW)
    assert (done.offered, done.acknowledged, done.refused, done.delayed) == (7, 6, 1, 0)
    listed = read_refusals(home.ledger)
    assert "air-2" in listed["line"][0]
    assert listed["reason"][0].startswith("400")
    assert len(set(server.lines)) == 6


@pytest.mark.parametrize("status", [500, 503, 429, 401])
def test_a_server_in_trouble_delays_and_never_loses(home, server, status):
    put(home, observations({("air-1", AUG): 35.0}))
    server.status = status
    delayed = publish(home, server.target, now=NOW)
    assert (delayed.acknowledged, delayed.delayed) == (0, 1)
    server.status = 204
    assert publish(home, server.target, now=NOW) == Published(1, 1)


def test_an_unreachable_server_delays_and_never_loses(home, server):
    put(home, observations({("air-1", AUG): 35.0}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    away = publish(home, Target(nowhere, timeout_ms=500), now=NOW)
    assert away.delayed == 1
    assert away.reason
    assert publish(home, server.target, now=NOW).acknowledged == 1


def test_counts_always_add_up():
    def send(lines):
        raise OSError("gone")

    done = offer([f"m v={i} 1" for i in range(12)], send, lambda refused: None)
    assert done.offered == done.acknowledged + done.refused + done.delayed == 12


def indicators():
    return TABLES["indicators"].frame(
        [
            {
                "indicator": "air.aqi",
                "medium": "air",
                "subject": "air-1",
                "time": pd.Timestamp(AUG),
                "period": "PT1H",
                "value": 51.0,
                "unit": "1",
                "grade": "良",
                "n_valid": 6,
                "n_expected": 6,
                "flag": 1,
                "detail": "PM2.5",
                "edition": "HJ 633-2026",
            }
        ]
    )


def test_indicators_carry_their_edition(home):
    assert indicator_lines(indicators())[0].startswith(
        "indicators,medium=air,indicator=air.aqi,subject=air-1,period=PT1H,edition=HJ\\ 633-2026 value=51.0"
    )


@pytest.fixture(scope="module")
def victoria(tmp_path_factory):
    program = shutil.which("victoria-metrics")
    if program is None:
        pytest.skip("victoria-metrics is not installed (Debian package victoria-metrics): the network test did not run")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    data = tmp_path_factory.mktemp("vm")
    process = subprocess.Popen(
        [program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={data}", "-retentionPeriod=10y"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1).read()
            break
        except OSError:
            time.sleep(0.1)
    yield url
    process.kill()
    process.wait()


def test_a_real_server_gives_back_what_was_published(home, victoria):
    frame = observations(
        {(f"station-{i}", f"2026-08-20T{h:02d}:00Z"): round(i + h / 100, 2) for i in range(20) for h in range(24)}
    )
    put(home, frame)
    home.lake.upsert("indicators", indicators(), now=NOW, why="test")
    done = publish(home, Target(victoria), now=NOW)
    assert done == Published(481, 481)
    urllib.request.urlopen(f"{victoria}/internal/force_flush", timeout=5).read()
    query = f"{victoria}/api/v1/export?match[]=observations_value&start=2026-08-19T00:00:00Z&end=2026-08-22T00:00:00Z"
    series = [json.loads(line) for line in urllib.request.urlopen(query, timeout=10).read().splitlines()]
    back = {
        (s["metric"]["station_id"], t): v for s in series for t, v in zip(s["timestamps"], s["values"], strict=True)
    }
    millis = frame["time"].astype("int64") // 1000
    sent = dict(zip(zip(frame["station_id"], millis, strict=True), frame["value"], strict=True))
    assert back == sent


def test_a_real_influxdb_acknowledges(home):
    url = os.environ.get("SANYAN_TEST_INFLUX_URL")
    if not url:
        pytest.skip("SANYAN_TEST_INFLUX_URL names no InfluxDB 2 server: this test did not run")
    put(home, observations({("air-1", AUG): 35.0}))
    target = Target(
        url,
        os.environ.get("SANYAN_TEST_INFLUX_TOKEN", ""),
        os.environ.get("SANYAN_TEST_INFLUX_ORG", "sanyan"),
        os.environ.get("SANYAN_TEST_INFLUX_BUCKET", "sanyan"),
    )
    assert publish(home, target, now=NOW) == Published(1, 1)
