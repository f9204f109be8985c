"""The door: a one-time link, a password, a lock after failures, and no way to learn who has an account."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from console.web import passwords
from console.web.app import build
from console.web.passwords import fits, hashed, weakness
from console.web.sign_in import inside
from console.web.site import Site
from store.home import Home
from store.ledger import users
from store.ledger.users import User
from tests.console.web.conftest import HOST, HOSTILE, NOW

GOOD = "correct horse battery"
FROM_HERE = {"Origin": HOST}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    """Argon2 with little work: what is tested is the door, not the lock's steel."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def moment():
    return [NOW]


@pytest.fixture
def house(tmp_path, county, moment):
    home = Home.open(tmp_path, county)
    users.add_user(home.ledger, User("zhang", "张示例", "operator"), now=NOW)
    site = Site(home, lambda: moment[0])
    return site, TestClient(build(site, pages=False), base_url=HOST, follow_redirects=False, headers=FROM_HERE)


def set_password(site, client):
    link = users.open_link(site.home.ledger, "zhang", now=NOW)
    return client.post(f"/link/{link}", data={"password": GOOD, "again": GOOD}), link


def sign_in(client, password=GOOD, login="zhang", path="/sign-in"):
    return client.post(path, data={"login": login, "password": password})


def test_the_whole_way_in_and_out(house):
    site, client = house
    assert sign_in(client, "").status_code == 403, "an account without a password lets nobody in"
    answer, link = set_password(site, client)
    assert answer.headers["location"] == "/sign-in"
    assert client.get(f"/link/{link}").status_code == 410, "a link is used once"
    answer = sign_in(client, path="/sign-in?next=%2Fincidents%2FI1%3Fa%3D1")
    assert answer.headers["location"] == "/incidents/I1?a=1"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/api/v1/me").json()["login"] == "zhang"
    assert client.post("/sign-out").headers["location"] == "/sign-in"
    assert client.get("/api/v1/me").status_code == 401
    assert users.read_access(site.home.ledger)["what"].tolist()[:3] == ["sign_out", "sign_in", "password"]


def test_failures_lock_and_time_unlocks(house, moment):
    site, client = house
    set_password(site, client)
    wrong = [sign_in(client, "wrong wrong wrong") for _ in range(users.FAILURES)]
    locked = sign_in(client)
    assert {a.status_code for a in [*wrong, locked]} == {403}
    assert "locked" in users.read_access(site.home.ledger)["what"].tolist()
    moment[0] = NOW + users.LOCKED_FOR + timedelta(seconds=1)
    assert sign_in(client).status_code == 303


def test_nobody_learns_who_has_an_account(house):
    site, client = house
    set_password(site, client)
    known, unknown = sign_in(client, "wrong wrong wrong"), sign_in(client, "wrong wrong wrong", "nobody")
    assert known.text == unknown.text
    users.disable(site.home.ledger, "zhang", now=NOW)
    assert sign_in(client).text == known.text


def test_hostile_input_stays_text(house):
    _, client = house
    for text in HOSTILE:
        assert sign_in(client, text, text).status_code == 403
        page = client.get("/sign-in", params={"next": text, "lang": text}).text
        assert "<script" not in page
        assert "<svg" not in page
        assert page.count("<b ") == 0
        assert client.get(f"/link/{quote(text, safe='')}").status_code in (303, 404, 410)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb", ""])
def test_the_way_on_stays_inside(path):
    assert inside(path) == "/"


def test_both_languages(house):
    _, client = house
    assert "登录" in client.get("/sign-in").text
    assert "Sign in" in client.get("/sign-in?lang=en").text


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "zhang zhang 1", "x" * 129])
def test_weak_passwords_are_refused(house, password):
    site, client = house
    link = users.open_link(site.home.ledger, "zhang", now=NOW)
    assert weakness(password, "zhang")
    assert client.post(f"/link/{link}", data={"password": password, "again": password}).status_code == 403
    assert users.owner_of_link(site.home.ledger, link, now=NOW) == "zhang", "the link is still good"


def test_argon2_and_nothing_else():
    stored = hashed(GOOD)
    assert stored.startswith("$argon2id$")
    assert fits(GOOD, stored)
    assert not fits("other", stored)
    assert not fits("", "")
    assert not fits(GOOD, GOOD)
