"""An operator's shift among hostile text: whatever people wrote stays a text on every page and in every step.

The shift on the demo's county is in test_shift_demo.py.
"""

import re
from datetime import timedelta

import pytest

from alerts.incidents.run import join
from domain.records import TABLES, Alert
from store.home import Home
from store.ledger import alerts as book
from store.ledger.incidents import count_incidents, read_case, read_incidents
from tests.console.web.browser import BROWSER, PASSWORD, PHONE, WALL, Screen, Server, browsing, signed_up
from tests.console.web.conftest import HOSTILE, NOW, fill

SCREENS = {"zh": WALL, "en": PHONE}

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="Debian's chromium is not on PATH: apt-get install chromium"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory, county):
    home = Home.open(tmp_path_factory.mktemp("shift"), county)
    fill(home)
    running = Server(home, county, NOW)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium():
    with browsing("--autoplay-policy=no-user-gesture-required") as browser:
        yield browser


@pytest.fixture
def screen(chromium, server):
    opened = []

    def on(lang: str) -> Screen:
        opened.append(Screen(chromium, server, lang, SCREENS[lang]))
        return opened[-1]

    yield on
    for n, one in enumerate(opened):
        one.keep(f"last-{n}")
        one.context.close()


def test_the_first_start_prints_a_link_that_works_once(server, screen):
    link = next(m.group() for line in server.said if (m := re.search(r"http://\S+/link/\S+", line)))
    shown = screen("zh")
    shown.page.goto(link)
    shown.page.fill("input[name=password]", PASSWORD)
    shown.page.fill("input[name=again]", PASSWORD)
    shown.page.click("button[type=submit]")
    assert shown.page.url.endswith("/sign-in")
    shown.sign_in("admin")
    shown.page.goto(link)
    assert shown.page.locator("input").count() == 0
    shown.clean()


def alarm(home: Home, station: str) -> None:
    """A red alarm, as an evaluation would have written it, and the join that makes an incident of it."""
    row = home.registry.by_id[station]
    new = Alert(
        fingerprint=f"red-{station}",
        rule="source.day",
        subject=station,
        labels={"township": row["township"], "medium": row["medium"], "eye": "ground"},
        status="firing",
        starts_at=NOW - timedelta(hours=2),
        fired_at=NOW - timedelta(hours=1),
        value=3.2,
        threshold=1,
        unit="1",
        severity="red",
        summary_zh=f"{row['name_zh']}日均值超过排放限值，最高为限值的3.2倍。",
        summary_en=f"{row['name_en']}: daily mean 3.2 times the limit.",
    )
    seen = book.committed(home.ledger)
    with home.ledger.begin() as connection:
        assert book.claim(connection, home.ledger, seen)
        book.insert(connection, [new])
    join(home, now=NOW, channels=())


def answered(home: Home, incident: str) -> None:
    """The grid worker's answer comes in with the feed, and the next join takes it in."""
    task = read_case(home.ledger, incident).tasks.iloc[-1]
    report = {
        "id": task["id"],
        "source": "sanyan",
        "grid_code": task["grid_code"],
        "township": task["township"],
        "observed_at": NOW,
        "received_at": NOW,
        "lon": 119.9,
        "lat": 28.4,
        "category": "W",
        "urgency": 1,
        "text": HOSTILE[1],
        "photos": "[]",
        "status": "verified",
        "verdict": "属实",
        "duplicate_of": "",
        "incident": incident,
        "flag": 2,
        "feed": "grid_platform",
    }
    home.lake.upsert("reports", TABLES["reports"].frame([report]), now=NOW, why="verdict")
    join(home, now=NOW, channels=())


@pytest.mark.parametrize(
    ("lang", "station"), [("zh", "stack-1"), pytest.param("en", "outlet-1", marks=pytest.mark.slow)]
)
def test_a_shift(server, screen, lang, station):
    home = server.home
    shown = screen(lang)
    shown.sign_in(signed_up(home, f"operator-{lang}", "operator", lang, now=NOW))
    page = shown.page
    before = page.locator(".sy-row").count()
    shown.no_cut()
    shown.keep("shift-before")

    # It appears by itself, and sounds.
    alarm(home, station)
    page.wait_for_function(f"document.querySelectorAll('.sy-row').length > {before}", timeout=30_000)
    page.wait_for_function("Number(document.body.dataset.alarms) >= 1", timeout=10_000)
    shown.keep("shift-red")
    red = read_incidents(home.ledger, now=NOW, severity="red", handling="open").iloc[0]["id"]

    # Filters are in the address and survive a reload; a key opens the incident.
    shown.go("/incidents?severity=red")
    page.wait_for_selector(".sy-row")
    reds = count_incidents(home.ledger, severity="red")
    assert page.locator(".sy-row").count() == reds < before + 1
    page.reload()
    page.wait_for_selector(".sy-row")
    assert page.locator(".sy-row").count() == reds
    shown.no_cut()
    page.wait_for_timeout(700)
    page.keyboard.press("j")
    page.wait_for_selector(".sy-row.sy-chosen")
    # What was chosen stays chosen when another comes in above it.
    alarm(home, {"zh": "air-1", "en": "air-2"}[lang])
    page.wait_for_function(f"document.querySelectorAll('.sy-row').length > {reds}", timeout=30_000)
    assert page.locator(".sy-row.sy-chosen").get_attribute("href").endswith(f"/incidents/{red}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/incidents/{red}")

    # Acknowledge, dispatch, verified by what comes back, close.
    words = {"zh": ("已确认", "已派单", "已核实", "已办结"), "en": ("acknowledged", "dispatched", "verified", "closed")}

    def at(n: int) -> None:
        page.wait_for_selector(f".sy-steps .sy-now:has-text('{words[lang][n]}')", timeout=20_000)
        shown.no_cut()

    act = {"zh": ("确认", "派单", "办结", "确定"), "en": ("Acknowledge", "Dispatch", "Close", "OK")}[lang]
    page.get_by_role("button", name=act[0], exact=True).click()
    at(0)
    page.get_by_role("button", name=act[1], exact=True).click()
    page.locator(".q-dialog textarea").fill(HOSTILE[0])
    page.get_by_role("button", name=act[3], exact=True).click()
    at(1)
    answered(home, red)
    at(2)
    page.get_by_role("button", name=act[2], exact=True).first.click()
    page.locator(".q-dialog textarea").fill("已整改 " + HOSTILE[1])
    page.get_by_role("button", name=act[3], exact=True).click()
    at(3)
    case = read_case(home.ledger, red)
    assert case.incident["handling"] == "closed"
    assert {"acknowledge", "dispatch", "verify", "close"} <= set(case.timeline["action"])
    shown.clean()


PAGES = (
    "/?wall=1",
    "/incidents?past=1&words=%3Cscript%3E",
    "/incidents/I1",
    "/stations",
    "/stations/air-1",
    "/stations/nowhere",
    "/feeds",
    "/rules",
    "/silences",
    "/handover",
    "/accounts",
    "/interface",
)


@pytest.mark.slow
@pytest.mark.parametrize("lang", list(SCREENS))
def test_hostile_text_stays_text_on_every_page(server, screen, lang):
    home = server.home
    shown = screen(lang)
    shown.sign_in(signed_up(home, f"boss-{lang}", "administrator", lang, name=HOSTILE[0], now=NOW))
    for path in PAGES:
        shown.go(path)
        shown.page.wait_for_selector(".nicegui-content", timeout=20_000)
        shown.page.wait_for_timeout(400)
        shown.keep(re.sub(r"\W+", "-", path))
        shown.no_cut()
        shown.clean()
    shown.clean()
