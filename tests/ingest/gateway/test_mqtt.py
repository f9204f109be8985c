"""Frames as messages of a real broker: told to the broker when they are on disk, and sent again when they are not."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from domain.errors import CatalogueError
from ingest.gateway.mqtt import Subscription
from ingest.gateway.settings import Mqtt
from tests.ingest.gateway.given import MN, answered, beside, gateway, kept, packet, settings

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
TOPIC = f"hj212/{MN}/up"


@pytest.fixture
def broker(tmp_path):
    """A mosquitto of the test's own; yields its port."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (Debian: mosquitto)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="utf-8")
    with subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
        process.terminate()


def publish(port, *payloads):
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for payload in payloads:
        client.publish(TOPIC, payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


async def until(true, timeout=15.0):
    async with asyncio.timeout(timeout):
        while not true():
            await asyncio.sleep(0.02)


def over(port, **more):
    return settings(mqtt={"host": "127.0.0.1", "port": port, **more})


def test_messages_are_kept_with_their_topic_and_answered_on_theirs(tmp_path, broker):
    answers = []
    device = paho.Client(CallbackAPIVersion.VERSION2)
    device.on_message = lambda _c, _d, message: answers.append((message.topic, message.payload))
    device.connect("127.0.0.1", broker)
    device.subscribe("hj212/+/down", 1)
    device.loop_start()

    async def go():
        async with gateway(tmp_path, over(broker, reply="hj212/{mn}/down")) as (one, _):
            await until(lambda: one.health.mqtt == "connected")
            await asyncio.to_thread(publish, broker, packet(), b"hello", packet(flag=4), packet(mn="a/b"))
            await until(lambda: one.health.counts["messages"] == 4 and answers)

    asyncio.run(go())
    device.disconnect()
    device.loop_stop()
    assert kept(tmp_path) == packet() + b"hello" + packet(flag=4) + packet(mn="a/b")
    assert {x["peer"] for x in beside(tmp_path)} == {TOPIC}
    assert answers == [(f"hj212/{MN}/down", answered())]  # an MN that is no part of a topic is not answered


def test_what_a_full_disk_did_not_take_comes_again(tmp_path, broker, monkeypatch):
    real, full = os.fsync, [True]

    def fsync(handle):
        if full:
            raise OSError(28, "No space left on device")
        real(handle)

    async def go():
        async with gateway(tmp_path, over(broker)) as (one, _):
            await until(lambda: one.health.mqtt == "connected")
            monkeypatch.setattr(os, "fsync", fsync)
            await asyncio.to_thread(publish, broker, packet())
            await until(lambda: "No space" in one.health.trouble)
            full.clear()
        async with gateway(tmp_path, over(broker)) as (one, _):  # the broker has kept it under our name
            await until(lambda: one.health.counts["frames"] == 1)

    asyncio.run(go())
    assert packet() in kept(tmp_path)


def test_what_came_while_the_gateway_was_away_comes(tmp_path, broker):
    async def go():
        async with gateway(tmp_path, over(broker)) as (one, _):
            await until(lambda: one.health.mqtt == "connected")
        await asyncio.to_thread(publish, broker, packet())
        async with gateway(tmp_path, over(broker)) as (one, _):
            await until(lambda: one.health.counts["frames"] == 1)
            state = json.loads((tmp_path / "home/gateway/test.json").read_text(encoding="utf-8"))
            assert state["running"] is True

    asyncio.run(go())
    assert kept(tmp_path) == packet()


def test_a_broker_that_is_not_there_is_said_and_the_ports_work(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]

    async def go():
        async with gateway(tmp_path, over(nobody)) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(packet())
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), 10) == answered()
            writer.close()

    asyncio.run(go())


def test_a_password_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(CatalogueError, match="NO_SUCH"):
        Subscription(Mqtt(host="h", user="u", password_env="NO_SUCH"), lambda *_: None, lambda _: None)
