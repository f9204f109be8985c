"""The API: pages, spans, errors as problems, text that stays text; and whatever schemathesis can think of."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

from console.web.app import build
from console.web.site import Site
from store.ledger import users
from tests.console.web.conftest import HOSTILE, NOW

PROBLEM = "application/problem+json"


@pytest.fixture
def client(as_role):
    return as_role("administrator")


def test_pages_of_stations_put_together_are_all_stations(client, site):
    pages = [client.get(f"/api/v1/stations?size=10&page={n}").json() for n in range(1, 6)]
    ids = [row["station_id"] for page in pages for row in page["items"]]
    assert ids == site.home.registry.stations["station_id"].tolist()
    assert {p["total"] for p in pages} == {len(ids)}
    assert "mn" not in pages[0]["items"][0], "device numbers stay inside"


def test_stations_can_be_looked_for(client):
    found = client.get("/api/v1/stations", params={"medium": "water", "words": "BIHU"}).json()["items"]
    assert [r["station_id"] for r in found] == ["water-2"]
    assert client.get("/api/v1/stations?medium=fire").status_code == 422
    assert client.get("/api/v1/stations", params={"words": "["}).json()["total"] == 0


def test_the_newest_values_and_their_tag(client):
    answer = client.get("/api/v1/latest")
    (row,) = answer.json()["stations"]["air-1"]
    assert (row["parameter"], row["value"], row["time"]) == ("PM2.5", 20.0, "2026-08-31T23:00:00Z")
    assert client.get("/api/v1/latest", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.get("/api/v1/latest?station=air-2").json()["stations"] == {}


def test_observations_have_the_flag_of_quality_control(client):
    found = client.get("/api/v1/observations?station=air-1&from=2026-08-31T00:00Z&to=2026-09-01T00:00Z").json()
    assert found["total"] == 21
    assert [r["value"] for r in found["items"] if r["flag"] == 4] == [25.0]
    assert found["items"][0]["time"].startswith("2026-08-31T00:00")


def test_a_time_without_a_zone_is_that_of_shanghai(client):
    found = client.get("/api/v1/observations?station=air-1&from=2026-09-01T07:00&to=2026-09-01T08:00").json()
    assert [r["time"][:16] for r in found["items"]] == ["2026-08-31T23:00"]


@pytest.mark.parametrize(
    "path",
    [
        "/observations",
        "/observations?station=air-1&from=2026-09-01T00:00Z&to=2026-08-01T00:00Z",
        "/observations?station=air-1&from=2020-01-01T00:00Z",
        "/observations?station=air-1&from=9999-12-31T23:59Z",
        "/observations?station=air-1&from=0001-01-01T00:00Z",
        "/observations?station=air-1&from=soon",
        "/alerts?page=0",
        "/alerts?size=1001",
        "/alerts?status=on_fire",
        "/indicators?from=2000-01-01T00:00Z&to=2026-01-01T00:00Z",
    ],
)
def test_what_is_asked_wrongly_is_a_problem(client, path):
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["status"] == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/stations/nowhere", 404),
        ("/observations?station=nowhere", 404),
        ("/incidents/nowhere", 404),
        ("/geojson/nowhere", 404),
        ("/alerts/nowhere/transitions", 404),
        ("/basemap.png", 404),
    ],
)
def test_what_is_not_there_is_a_problem(client, path, status):
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert client.delete(f"/api/v1{path}", headers={"Origin": "http://testserver"}).headers["content-type"] == PROBLEM


def test_hostile_text_arrives_as_text(client):
    reports = client.get("/api/v1/reports").json()["items"]
    assert {r["text"] for r in reports} == set(HOSTILE)
    (alert,) = client.get("/api/v1/alerts").json()["items"]
    assert alert["summary_zh"] == HOSTILE[0]
    for text in HOSTILE:
        for path in ("/stations", "/reports", "/incidents"):
            found = client.get(f"/api/v1{path}", params={"words": text, "township": text}).json()
            assert found["items"] == []
        assert client.get("/api/v1/alerts", params={"rule": text}).json()["total"] == 0
    assert client.get("/api/v1/me").status_code == 200, "the table of users is still there"


@pytest.mark.parametrize("layer", ["townships", "waters", "stations", "reports", "candidates", "incidents"])
def test_layers_are_geojson(client, layer):
    answer = client.get(f"/api/v1/geojson/{layer}")
    assert answer.headers["content-type"] == "application/geo+json"
    made = answer.json()
    assert made["type"] == "FeatureCollection"
    assert all(f["type"] == "Feature" and f["geometry"] and f["properties"]["id"] == f["id"] for f in made["features"])
    again = client.get(f"/api/v1/geojson/{layer}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_station_has_the_state_it_is_in(client):
    features = {f["id"]: f["properties"] for f in client.get("/api/v1/geojson/stations").json()["features"]}
    polluted, nothing = features["air-1"], features["air-2"]
    assert (polluted["word_zh"], polluted["colour"], polluted["alert"]) == ("中度污染", "#FF0000", "orange")
    assert not polluted["silent"]
    assert nothing["silent"]
    assert nothing["alert"] == ""


def test_the_closed_loop_through_the_api(as_role, site):
    client = as_role("operator")
    here = {"Origin": "http://testserver"}

    def take(step, **body):
        return client.post(f"/api/v1/incidents/I1/{step}", json=body, headers=here)

    assert take("close", why="x").status_code == 400, "nobody has looked at it"
    first = take("acknowledge", version=1)
    assert first.json() == {"version": 2}
    assert take("comment", why=HOSTILE[0], version=1).status_code == 409, "somebody acted since"
    assert take("verify", outcome="found").status_code == 400, "a reason is needed"
    assert take("verify", outcome="maybe", why="x").status_code == 422
    assert take("verify", outcome="found", why=HOSTILE[0]).status_code == 200
    assert take("close", why="已处置").status_code == 200
    told = client.get("/api/v1/incidents/I1").json()
    assert told["incident"]["handling"] == "closed"
    assert [r["action"] for r in told["timeline"]] == ["acknowledge", "verify", "close"]
    assert {r["who"] for r in told["timeline"]} == {"operator"}
    assert take("reopen", why="again").status_code == 200


def test_the_feeds_of_incidents_are_atom(client):
    answer = client.get("/api/v1/feeds/incidents.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_cap_messages_are_a_feed_and_files(client, site):
    folder = site.home.root / "cap" / "f1-20260831T210000"
    folder.mkdir(parents=True, exist_ok=True)
    said = (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>x-1</identifier>'
        "<sent>2026-09-01T08:00:00+08:00</sent><msgType>Alert</msgType><info><headline>&lt;script&gt;</headline></info></alert>"
    )
    (folder / "0001-alert.xml").write_text(said, encoding="utf-8")
    feed = client.get("/api/v1/feeds/cap.atom")
    assert "x-1" in feed.text
    assert "<script" not in feed.text
    path = feed.text.partition('href="')[2].partition('"')[0]
    answer = client.get(path)
    assert answer.headers["content-type"] == "application/cap+xml"
    assert answer.text == said
    for name in ("..%2Fledger.sqlite", "0002.xml", "%2e%2e"):
        assert client.get(f"/api/v1/cap/f1-20260831T210000/{name}").status_code == 404


def test_health_of_feeds_and_what_was_refused(client):
    feeds = {r["feed"]: r for r in client.get("/api/v1/feeds").json()}
    assert feeds["ground_hj212"]["failed"] == 3
    assert feeds["ground_hj212"]["n_rejected"] == 1
    (row,) = client.get("/api/v1/rejections", params={"reason": "bad_crc"}).json()["items"]
    assert row["detail"] == HOSTILE[1]
    assert client.get("/api/v1/coverage?feed=ground_hj212").json()["total"] == 24


def test_the_document_tells_of_sign_in_and_of_problems(client):
    document = client.get("/api/v1/openapi.json").json()
    assert document["security"] == [{"session": []}, {"token": []}]
    assert "cdn" not in json.dumps(document)
    for path in ("/api/v1/docs", "/api/v1/redoc", "/docs"):
        assert "cdn" not in client.get(path).text


# --- schemathesis -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema(home):
    app = build(Site(home, lambda: NOW, is_live=False), pages=False)
    token = users.open_token(home.ledger, "administrator", "schemathesis", now=NOW, lasts=users.LINK_FOR)
    headers = {"Authorization": f"Bearer {token}"}
    loaded = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=headers)
    loaded.config.update(headers=headers)
    return loaded


def test_no_operation_fails_whatever_is_asked(schema):
    checks = schemathesis.specs.openapi.checks
    wanted = [
        schemathesis.checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    asked = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        asked.add(operation.path)

        @settings(max_examples=12, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(checks=wanted)

        ask()
    assert len(asked) > 20


def test_a_program_needs_no_cookie(app, home):
    token = users.open_token(home.ledger, "operator", "t", now=NOW, lasts=users.LINK_FOR)
    client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
    answer = client.post("/api/v1/incidents/I1/comment", json={"why": "from a program"})
    assert answer.status_code == 200
