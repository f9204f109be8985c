"""The gate: strangers get nothing, other pages change nothing, answers say what a browser may do with them."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from console.web.app import build
from console.web.site import Site
from store.ledger import users
from tests.console.web.conftest import HOST, NOW

PAGES = ("/", "/incidents", "/incidents/I1", "/stations/air-1", "/feeds", "/accounts", "/nowhere")
DOORS = ("/export/stations.csv", "/picture?name=candidates/a.png", "/crop/before/2026-08-24.png?lon=1&lat=1")


def operations(app) -> list[str]:
    api = next(r.app for r in app.routes if getattr(r, "path", "") == "/api/v1")
    return [f"/api/v1{path}" for path in api.openapi()["paths"]] + ["/api/v1/openapi.json", "/api/v1/nowhere"]


def test_a_stranger_gets_no_data_from_any_operation(app, stranger):
    for path in operations(app):
        answer = stranger.get(path.replace("{", "").replace("}", ""))
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", [*PAGES, *DOORS])
def test_a_stranger_is_shown_the_door(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2F")


def test_a_stranger_cannot_open_a_socket(stranger):
    with (
        pytest.raises(WebSocketDisconnect),
        stranger.websocket_connect("/_nicegui_ws/socket.io/?EIO=4&transport=websocket"),
    ):
        pass


@pytest.mark.parametrize("secret", ["", "x", "sanyan_" + "a" * 43, "../", "a" * 5000])
def test_a_wrong_token_is_nobody(stranger, secret):
    assert stranger.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_a_token_opens_the_api_and_no_page(stranger, site):
    token = users.open_token(site.home.ledger, "viewer", "test", now=NOW, lasts=timedelta(days=1))
    headers = {"Authorization": f"Bearer {token}"}
    assert stranger.get("/api/v1/me", headers=headers).json()["role"] == "viewer"
    assert stranger.get("/export/stations.csv", headers=headers).status_code == 303
    basic = {"Authorization": f"Basic {token}"}
    assert stranger.get("/api/v1/me", headers=basic).status_code == 401


def test_a_token_beside_a_session_counts_alone(as_role):
    answer = as_role("administrator").get("/api/v1/me", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Origin": HOST}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({}, False),
    ],
)
def test_only_a_page_of_this_address_can_change_something(as_role, headers, passes):
    answer = as_role("viewer").post("/sign-out", headers=headers)
    assert answer.status_code == (303 if passes else 403)


def test_a_socket_from_another_page_is_refused(as_role):
    with (
        pytest.raises(WebSocketDisconnect),
        as_role("viewer").websocket_connect(
            "/_nicegui_ws/socket.io/?EIO=4&transport=websocket", headers={"Origin": "http://evil.example"}
        ),
    ):
        pass


def test_every_answer_says_what_a_browser_may_do(as_role, stranger):
    for answer in (stranger.get("/sign-in"), as_role("viewer").get("/api/v1/stations"), stranger.get("/")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "http" not in policy, "no other address is named"
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_behind_https_the_cookie_is_bound_to_the_host(home):
    secure = TestClient(build(Site(home, lambda: NOW, secure=True), pages=False), base_url="https://testserver")
    assert "max-age" in secure.get("/sign-in").headers["strict-transport-security"]
    assert Site(home, lambda: NOW, secure=True).cookie.startswith("__Host-")


def test_a_session_that_ended_is_nobody(app, home):
    fresh = Site(home, lambda: NOW)
    secret = users.open_session(home.ledger, "viewer", now=NOW, lasts=timedelta(hours=1))
    assert fresh.who(secret) is not None
    users.end_session(home.ledger, secret, now=NOW)
    fresh.forget()
    assert fresh.who(secret) is None
    later = Site(home, lambda: NOW + timedelta(hours=2))
    other = users.open_session(home.ledger, "viewer", now=NOW, lasts=timedelta(hours=1))
    assert later.who(other) is None
