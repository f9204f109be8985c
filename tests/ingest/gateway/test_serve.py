"""The gateway over real sockets: what is answered is on disk, and nothing that came is lost."""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import CatalogueError, StoreError
from domain.registry import Registry
from ingest.gateway.health import gateways
from ingest.gateway.serve import Gateway
from ingest.gateway.settings import Listen
from ingest.run import ingest_new
from store.home import SAMPLE_COUNTY, Home
from tests.ingest.gateway.given import (
    MN,
    QN,
    STRANGER,
    answered,
    beside,
    files,
    gateway,
    kept,
    packet,
    settings,
    state,
)


async def talk(port, *parts, expect=1, timeout=10.0, close=True):
    """Send parts one after the other and read `expect` answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    out = []
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.02)
    async with asyncio.timeout(timeout):
        while len(out) < expect:
            out.append(await reader.readuntil(b"\r\n"))
    if not close:
        return reader, writer, out
    writer.close()
    await writer.wait_closed()
    return out


async def silent(port, *parts, wait=0.3):
    """Send parts; what is answered within a moment, until the gateway closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    got = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait):
            got = await reader.read(4096)
    writer.close()
    return got


def test_a_packet_is_answered_and_then_in_the_lake(tmp_path):
    home = Home.open(tmp_path / "home")

    async def go():
        async with gateway(tmp_path, home=home) as (one, port):
            assert await talk(port, packet()) == [answered()]
            assert await silent(port, packet(flag=4)) == b""
            await asyncio.sleep(0.3)
            now = one.clock()
            # DataTime is of August: old, but not too old for the feed
            counts = ingest_new(home, "ground_hj212", now=now, root=str(tmp_path / "feeds"))
            assert (counts.records, counts.new) == (2, 1)
            assert ingest_new(home, "ground_hj212", now=now, root=str(tmp_path / "feeds")).new == 0

    asyncio.run(go())
    assert kept(tmp_path) == packet() + packet(flag=4)
    assert home.lake.read("observations")["value"].tolist() == [12.0]
    assert home.coverage.read().empty


def test_the_answer_comes_after_the_disk(tmp_path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (real(handle), synced.append(str(Path(f"/proc/self/fd/{handle}").readlink())))
    )

    async def go():
        async with gateway(tmp_path) as (_, port):
            synced.clear()
            await talk(port, packet())
            assert any(name.endswith(".hj212.part") for name in synced)

    asyncio.run(go())


def test_slow_split_and_noisy_lines(tmp_path):
    one, two = packet(), packet("20260820100300001")

    async def go():
        async with gateway(tmp_path) as (_, port):
            assert await talk(port, *(one[i : i + 9] for i in range(0, len(one), 9))) == [answered()]
            assert await talk(port, b"\x00AT+OK\r\n" + one + two[:40], two[40:], expect=2) == [
                answered(),
                answered("20260820100300001"),
            ]
            assert await silent(port, one[:50]) == b""  # breaks off: kept as it is, never answered

    asyncio.run(go())
    stream = kept(tmp_path)
    assert stream.count(one) == 2
    assert stream.count(two) == 1
    assert b"\x00AT+OK" in stream
    assert stream.endswith(one[:50])


def test_devices_at_once_never_mix(tmp_path):
    numbers = [f"{20260820100300000 + n}" for n in range(40)]

    async def device(port, mn):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for qn in numbers:
            told = packet(qn, mn=mn)
            writer.write(told[:33])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(told[33:])
            assert await reader.readuntil(b"\r\n") == answered(qn, mn=mn)
        writer.close()

    names = [f"{MN[:-1]}{n}" for n in range(1, 9)]

    async def go():
        async with gateway(tmp_path) as (_, port):
            await asyncio.gather(*(device(port, mn) for mn in names))

    asyncio.run(go())
    stream = kept(tmp_path)
    wanted = sorted(packet(qn, mn=mn) for mn in names for qn in numbers)
    assert sorted(x + b"\r\n" for x in stream.split(b"\r\n") if x) == wanted
    lines = beside(tmp_path)
    assert sorted(x["bytes"] for x in lines) == wanted
    assert all(x["mn"].encode() in x["bytes"] for x in lines)
    assert len({x["connection"] for x in lines}) == len(names)


def test_a_bad_check_value_is_kept_counted_and_not_answered(tmp_path):
    bad = packet()[:-6] + b"0000\r\n"
    home = Home.open(tmp_path / "home")

    async def go():
        async with gateway(tmp_path, home=home) as (one, port):
            assert await silent(port, bad) == b""
            await asyncio.sleep(0.2)
            return ingest_new(home, "ground_hj212", now=one.clock(), root=str(tmp_path / "feeds"))

    assert asyncio.run(go()).rejected == {"bad_crc": 1}
    assert state(home.root)["counts"]["noise"] == 1


def test_a_stranger_is_kept_answered_and_reported(tmp_path):
    home = Home.open(tmp_path / "home")

    async def go():
        async with gateway(tmp_path, home=home) as (one, port):
            assert await talk(port, packet(mn=STRANGER)) == [answered(mn=STRANGER)]
            await asyncio.sleep(0.2)
            return ingest_new(home, "ground_hj212", now=one.clock(), root=str(tmp_path / "feeds"))

    assert asyncio.run(go()).rejected == {"unknown_station": 1}
    assert state(home.root)["devices"][STRANGER]["known"] is False


def test_who_may_not_come_in_is_kept_aside_and_not_answered(tmp_path, monkeypatch):
    monkeypatch.setenv("GATE_PW", "secret")
    told = settings(devices="registered", passwords={MN: "GATE_PW"})
    good, wrong, strange = packet(pw="secret"), packet(pw="guess"), packet(mn=STRANGER)

    async def go():
        async with gateway(tmp_path, told) as (_, port):
            assert await talk(port, good) == [answered(pw="secret")]
            assert await silent(port, wrong + strange) == b""

    asyncio.run(go())
    assert kept(tmp_path) == good
    aside = list((tmp_path / "home/gateway/aside").rglob("*.hj212"))
    assert b"".join(p.read_bytes() for p in aside) == wrong + strange
    why = [json.loads(x)["why"] for p in aside for x in Path(f"{p}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert why == ["password", "stranger"]
    counts = state(tmp_path / "home")["counts"]
    assert (counts["aside_password"], counts["aside_stranger"], counts["answered"]) == (1, 1, 1)


def test_networks_and_limits_of_connections(tmp_path):
    async def refused(told):
        async with gateway(tmp_path, told) as (one, port):
            first = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.1)
            second = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(5):
                assert await second[0].read() == b""
            for _, writer in (first, second):
                writer.close()
            return dict(one.health.counts)

    assert asyncio.run(refused(settings(networks=["10.0.0.0/8"])))["refused_network"] == 2
    assert asyncio.run(refused(settings(connections=1)))["refused_full"] == 1
    assert asyncio.run(refused(settings(per_address=1)))["refused_full"] == 1


def test_a_silent_line_is_closed_and_a_half_frame_is_written_when_it_gets_no_further(tmp_path):
    async def go():
        async with gateway(tmp_path, settings(idle=0.4, quiet=0.1)) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(packet()[:60])
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(go())
    assert kept(tmp_path) == packet()[:60]
    log = next((tmp_path / "home/gateway").glob("connections-test-*.jsonl")).read_text(encoding="utf-8").splitlines()
    assert [json.loads(x)["what"] for x in log] == ["connected", "ended"]
    assert json.loads(log[-1])["why"] == "idle"


def test_stopping_takes_in_what_is_on_its_way(tmp_path):
    async def go():
        async with gateway(tmp_path, settings(rotate=60)) as (one, port):
            await talk(port, packet())
            reader, writer, _ = await talk(port, packet("20260820100300001"), close=False)
            writer.write(packet("20260820100300002", flag=4) + packet("20260820100300003", flag=4)[:70])
            await writer.drain()
            one.stop()
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(go())
    assert kept(tmp_path).endswith(packet("20260820100300002", flag=4) + packet("20260820100300003", flag=4)[:70])
    assert state(tmp_path / "home")["running"] is False


def test_a_full_disk_answers_nobody_and_says_so_until_it_is_well(tmp_path, monkeypatch):
    real, full = os.fsync, []

    def fsync(handle):
        if full:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)

    async def go():
        async with gateway(tmp_path) as (one, port):
            full.append(True)
            assert await silent(port, packet()) == b""
            assert "No space left" in one.health.trouble
            full.clear()
            assert await talk(port, packet()) == [answered()]
            assert one.health.trouble == ""

    asyncio.run(go())
    assert packet() in kept(tmp_path)


def test_files_close_at_once_after_a_pause_and_seldom_while_data_flow(tmp_path):
    async def go():
        async with gateway(tmp_path, settings(rotate=60)) as (_, port):
            await talk(port, packet())
            await asyncio.sleep(0.2)
            at_once = len(files(tmp_path))
            for n in range(1, 6):
                await talk(port, packet(f"{int(QN) + n}"))
            return at_once, len(files(tmp_path))

    assert asyncio.run(go()) == (1, 1)
    assert len(files(tmp_path)) == 2  # the rest when it stopped


def test_tls(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    told = settings(listen=[Listen(port=0, certificate=certificate, key=key).model_dump()])
    context = ssl.create_default_context(cafile=str(certificate))

    async def go():
        async with gateway(tmp_path, told) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            writer.write(packet())
            async with asyncio.timeout(10):
                assert await reader.readuntil(b"\r\n") == answered()
            writer.close()
            assert await silent(port, packet()) == b""  # in the clear

    asyncio.run(go())
    assert kept(tmp_path) == packet()


def test_two_of_one_name_and_wrong_feeds_are_refused(tmp_path):
    async def twice():
        async with gateway(tmp_path), gateway(tmp_path):
            pass

    with pytest.raises(StoreError, match="another gateway"):
        asyncio.run(twice())

    async def one_port():
        async with gateway(tmp_path / "a") as (_, port):
            taken = settings(listen=[Listen(port=port).model_dump()])
            async with gateway(tmp_path / "b", taken):
                pass

    with pytest.raises(CatalogueError, match=r"listen: 127\.0\.0\.1:\d+: .*in use"):
        asyncio.run(one_port())
    with pytest.raises(CatalogueError, match="no feed of HJ 212"):
        Gateway(Home.open(tmp_path), settings(feed="soil_lab"), root=str(tmp_path), name="x", clock=lambda: None)


def test_the_state_says_whether_a_gateway_lives(tmp_path):
    home = Home.open(tmp_path / "home")

    async def go():
        async with gateway(tmp_path, home=home) as (one, port):
            await talk(port, packet())
            one.health.write(one.clock())
            now = one.clock()
            (told,) = gateways(home, now)
            (later,) = gateways(home, now + timedelta(minutes=5))
            return told["state"], later["state"], told["lag_s"] < 5

    assert asyncio.run(go()) == ("running", "dead", True)
    told = state(home.root)
    assert told["devices"][MN]["frames"] == 1
    assert Registry.load(SAMPLE_COUNTY).by_mn[MN]
