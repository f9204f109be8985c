"""Debian's Chromium on a console in a process of its own, and what no page may do."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from console.web.passwords import hashed
from domain.texts import catalogue
from store.home import Home
from store.ledger import users
from store.ledger.users import User

BROWSER = shutil.which("chromium")
PASSWORD = "correct horse battery"
WALL, PHONE = (1920, 1080), (390, 844)
#: Counts the tones that begin while sound is really on.
_EAR = """
window.heard = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) {
  this.context.resume().then(() => { if (this.context.state === "running") window.heard += 1; });
  return start.apply(this, at);
};
"""
#: Elements whose own text is cut by themselves, by what they lie in, or by the edge of the screen.
_CUT = """
() => {
  const shut = (v) => v === "hidden" || v === "clip";
  const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const cut = (e) => {
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (shut(style.overflowX) && e.scrollWidth > e.clientWidth + 1) return true;
    if (shut(style.overflowY) && e.scrollHeight > e.clientHeight + 3) return true;
    for (let up = e.parentElement; up; up = up.parentElement) {
      const over = getComputedStyle(up).overflowX;
      if (over === "auto" || over === "scroll") return false;
      if (shut(over) && box.right > up.getBoundingClientRect().right + 1) return true;
    }
    return box.right > innerWidth + 1 || box.left < -1;
  };
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && own(e))
    .filter((e) => !e.closest(".leaflet-container, .q-drawer, .q-notification, [aria-hidden=true], textarea, option"))
    .filter(cut)
    .map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 60)}`);
}
"""


class Server:
    """`sanyan console serve` in a process of its own."""

    def __init__(self, home: Home, county: Path, now: datetime) -> None:
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
        command += ["--port", str(self.port), "--until", now.isoformat()]
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


class Screen:
    """One browser window that writes down whatever it asks of others, and whatever goes wrong in it."""

    def __init__(self, chromium: Any, server: Server, lang: str, size: tuple[int, int]) -> None:
        phone = size == PHONE
        self.context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, has_touch=phone, is_mobile=phone
        )
        self.context.add_init_script(_EAR)
        self.page = self.context.new_page()
        self.lang, self.server, self.name = lang, server, f"{size[0]}-{lang}"
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
        """Nothing is wider than the screen, cut, or the name of a text instead of the text."""
        wider = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{self.page.url} is {wider} px wider than the screen"
        assert self.page.evaluate(_CUT) == [], self.page.url
        words = set(re.findall(r"[a-z_]+(?:\.\w+)+", self.page.inner_text("body")))
        assert not words & catalogue().keys(), self.page.url

    def keep(self, name: str) -> None:
        """Keep a picture for people to look at, outside the project, when SANYAN_SCREENSHOTS names a folder."""
        folder = os.environ.get("SANYAN_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}-{self.name}.png", full_page=True)

    def clean(self) -> None:
        assert self.outside == []
        assert self.wrong == []
        assert self.page.evaluate("window.struck === undefined"), "a text was run as a program"


@contextmanager
def browsing(*extra: str) -> Iterator[Any]:
    """A browser without a window; by itself it allows no sound before somebody touched the page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *extra])
        yield browser
        browser.close()


def signed_up(home: Home, login: str, role: str, lang: str, *, name: str = "张示例", now: datetime) -> str:
    """An account that has chosen its password."""
    users.add_user(home.ledger, User(login, name, role, lang), now=now)
    users.use_link(home.ledger, users.open_link(home.ledger, login, now=now), hashed(PASSWORD), now=now)
    return login
