"""What a gateway is told, and whom it lets in."""

from datetime import timedelta

import pytest

from domain.errors import CatalogueError
from ingest.gateway.replies import Head
from ingest.gateway.settings import FILE, PORT, Admission, Settings, for_registry
from tests.ingest.given import registry


def told(tmp_path, text):
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    return for_registry(tmp_path)


def test_without_a_file_one_port_of_loopback_is_open(tmp_path):
    assert for_registry(tmp_path) == Settings()
    assert [(x.host, x.port) for x in Settings().listen] == [("127.0.0.1", PORT)]


def test_everything_that_can_be_told(tmp_path):
    found = told(
        tmp_path,
        """\
listen: [{host: 0.0.0.0, port: 9212}, {host: 0.0.0.0, port: 9213, certificate: cert.pem, key: key.pem}]
networks: [10.0.0.0/8, "fd00::/8"]
devices: registered
passwords: {"*": GATE_PW, "331102000000000000000001": OTHER_PW}
idle: PT1H
rotate: PT2S
mqtt: {host: broker.example.invalid, topics: [hj212/+/up], user: gateway, password_env: MQTT_PW, tls: true}
airflow: {url: "http://127.0.0.1:8080", user: gateway, password_env: AIRFLOW_PW}
""",
    )
    assert found.idle == timedelta(hours=1)
    assert found.mqtt.port == 1883


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen: [{port: 70000}]", "gateway.yaml:1: listen.0.port"),
        ("feed: x\nporst: 1", "gateway.yaml:2: porst: unknown key"),
        ("listen: [{certificate: a.pem}]", "certificate and key go together"),
        ("networks: [10.0.0.0/99]", "networks.0"),
        ("rotate: PT1H", "rotate"),
        ("airflow: {url: 'file:///etc'}", "airflow.url"),
        ("mqtt: {host: a, topics: []}", "mqtt.topics"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, said):
    with pytest.raises(CatalogueError, match=said):
        told(tmp_path, text)


def test_every_password_that_is_not_set_is_named(monkeypatch):
    for name in ("NO_A", "NO_B"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CatalogueError, match=r"(?s)NO_A.*NO_B"):
        Admission.of(Settings(passwords={"1": "NO_A", "2": "NO_B"}), registry())


@pytest.mark.parametrize(
    ("address", "may"),
    [("10.1.2.3", True), ("192.168.0.1", False), ("::ffff:10.0.0.1", True), ("fd00::1%eth0", True), ("", False)],
)
def test_networks(address, may):
    found = Admission(Settings(networks=["10.0.0.0/8", "fd00::/8"]).networks)
    assert found.lets_connect(address) is may
    assert Admission().lets_connect(address)


def test_devices_and_passwords():
    known = Admission.of(Settings(devices="registered"), registry())
    assert known.objection(Head(mn="331102000000000000000001")) == ""
    assert known.objection(Head(mn="nobody")) == "stranger"
    few = Admission.of(Settings(devices=["A", "B"]), registry())
    assert [few.objection(Head(mn=m)) for m in "ABC"] == ["", "", "stranger"]
    secret = Admission(passwords={"A": "1", "*": "2"})
    assert [secret.objection(Head(mn=m, pw="2")) for m in "AB"] == ["password", ""]
    assert "2" not in repr(secret)
