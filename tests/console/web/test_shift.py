"""An operator's shift in Debian's Chromium: a red incident appears and sounds, is acknowledged, dispatched, verified by
the report that comes back, and closed; in both languages, on a wall screen and on a phone; nothing is asked of others.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.incidents.run import join
from console.web.passwords import hashed
from domain.records import TABLES, Alert
from store.home import Home
from store.ledger import alerts as book
from store.ledger import users
from store.ledger.incidents import count_incidents, read_case, read_incidents
from store.ledger.users import User
from tests.console.web.conftest import HOSTILE, NOW, fill

BROWSER = shutil.which("chromium")
PASSWORD = "correct horse battery"
SCREENS = {"zh": (1920, 1080), "en": (390, 844)}

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="Debian's chromium is not on PATH: apt-get install chromium"),
    pytest.mark.timeout(240),
]


class Server:
    """`sanyan console serve` in a process of its own."""

    def __init__(self, home: Home, county: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.home = home
        environment = os.environ | {"SANYAN_REGISTRY": str(county), "SANYAN_LANG": "en", "PYTHONUNBUFFERED": "1"}
        command = [
            sys.executable,
            "-c",
            "from console.cli import main; main()",
            "console",
            "serve",
            "--home",
            str(home.root),
        ]
        command += ["--port", str(self.port), "--until", NOW.isoformat()]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said: list[str] = []
        self.reader = threading.Thread(target=self._listen, daemon=True)
        self.reader.start()
        self._wait()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.said.append(line)

    def _wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError("the console did not come up:\n" + "".join(self.said))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
        self.reader.join(timeout=5)


@pytest.fixture(scope="module")
def server(tmp_path_factory, county):
    home = Home.open(tmp_path_factory.mktemp("shift"), county)
    fill(home)
    running = Server(home, county)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium(server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser
        browser.close()


class Screen:
    """One browser window that writes down whatever it asks of others, and whatever goes wrong in it."""

    def __init__(self, chromium, server, lang: str) -> None:
        width, height = SCREENS[lang]
        self.context = chromium.new_context(viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.lang, self.server = lang, server
        self.outside: list[str] = []
        self.wrong: list[str] = []
        own = (server.url, server.url.replace("http", "ws"), "data:", "blob:" + server.url)
        self.page.on("request", lambda r: None if r.url.startswith(own) else self.outside.append(r.url))
        self.page.on("websocket", lambda w: None if w.url.startswith(own) else self.outside.append(w.url))
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("response", lambda r: self.wrong.append(f"{r.status} {r.url}") if r.status >= 500 else None)

    def go(self, path: str) -> None:
        self.page.goto(self.server.url + path)

    def sign_in(self, login: str) -> None:
        self.go(f"/sign-in?lang={self.lang}")
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector(".sy-map[data-ready=yes]", timeout=40_000)

    def no_cut(self) -> None:
        wider = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{self.page.url} is {wider} px wider than the screen"

    def keep(self, name: str) -> None:
        """Keep a picture for people to look at, outside the project, when SANYAN_SCREENSHOTS names a folder."""
        folder = os.environ.get("SANYAN_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}-{self.lang}.png", full_page=True)

    def clean(self) -> None:
        assert self.outside == []
        assert self.wrong == []
        assert self.page.evaluate("window.struck === undefined"), "a text was run as a program"


@pytest.fixture
def screen(chromium, server):
    opened = []

    def on(lang: str) -> Screen:
        opened.append(Screen(chromium, server, lang))
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


@pytest.mark.parametrize(("lang", "station"), [("zh", "stack-1"), ("en", "outlet-1")])
def test_a_shift(server, screen, lang, station):
    home = server.home
    login = f"operator-{lang}"
    users.add_user(home.ledger, User(login, "张示例", "operator", lang), now=NOW)
    users.use_link(home.ledger, users.open_link(home.ledger, login, now=NOW), hashed(PASSWORD), now=NOW)
    shown = screen(lang)
    shown.sign_in(login)
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
    login = f"boss-{lang}"
    users.add_user(home.ledger, User(login, HOSTILE[0], "administrator", lang), now=NOW)
    users.use_link(home.ledger, users.open_link(home.ledger, login, now=NOW), hashed(PASSWORD), now=NOW)
    shown = screen(lang)
    shown.sign_in(login)
    for path in PAGES:
        shown.go(path)
        shown.page.wait_for_selector(".nicegui-content", timeout=20_000)
        shown.page.wait_for_timeout(400)
        shown.keep(re.sub(r"\W+", "-", path))
        shown.no_cut()
        shown.clean()
    shown.clean()
