"""Accounts for people of the console: the reports that were written, and the account of a polygon somebody drew."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from console.web.site import Site
from domain.texts import say
from processing.gep.account import Account
from processing.gep.annual import OnParcel, gep_account, known_profiles, on_parcel
from processing.gep.polygon import read
from processing.gep.report.names import item, unit
from processing.gep.values import read as table

#: The files of a report that are given out: by name, never by a path somebody wrote.
_FILES = re.compile(r"report_(zh|en)\.(pdf|docx|xlsx|html)", re.ASCII)
_KINDS = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_DRAWS = 100


@dataclass(frozen=True)
class Report:
    """One report as it lies in the files."""

    year: int
    profile: str
    published: bool
    total_cny: float
    complete: bool
    author: str
    approver: str
    names: tuple[str, ...]


def reports(site: Site) -> list[Report]:
    """Every report with a package, the newest year first, published ones before drafts."""
    root = site.home.files.path("gep")
    found = []
    for manifest in sorted(root.glob("*/*/**/package/manifest.json")):
        folder = manifest.parent.parent
        told = json.loads(manifest.read_text(encoding="utf-8"))
        names = tuple(p.name for p in sorted(folder.iterdir()) if _FILES.fullmatch(p.name))
        found.append(
            Report(
                year=int(told["year"]),
                profile=str(told["profile"]),
                published=folder.name == "published",
                total_cny=float(told["total_cny"]),
                complete=bool(told["complete"]),
                author=str(told["author"]),
                approver=str(told["approver"]),
                names=names,
            )
        )
    return sorted(found, key=lambda r: (-r.year, not r.published, r.profile))


def file_of(site: Site, year: int, profile: str, name: str, *, published: bool) -> Path | None:
    """A file of a report; None when there is none."""
    known = next((r for r in reports(site) if (r.year, r.profile, r.published) == (year, profile, published)), None)
    if known is None or name not in known.names:
        return None
    return site.home.files.path(f"gep/{year}/{profile}/" + ("published/" if published else "") + name)


def router(site: Site) -> APIRouter:
    """The route of the reports' files."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/reports/{year}/{profile}/{state}/{name}")
    def report_file(request: Request, year: int, profile: str, state: str, name: str) -> Response:
        """A file of a report."""
        if not site.allows(request.state.user, "export"):
            return PlainTextResponse(say("web.refused"), 403)
        place = file_of(site, year, profile, name, published=state == "published")
        if place is None:
            return PlainTextResponse("no such report", 404)
        site.log(request.state.user, "export", f"{year}/{profile}/{state}/{name}")
        inline = place.suffix in (".pdf", ".html")
        told = {
            "content-disposition": f'{"inline" if inline else "attachment"}; filename="gep_{year}_{profile}_{name}"'
        }
        return FileResponse(place, media_type=_KINDS[place.suffix[1:]], headers=told)

    return routes


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know of a polygon."""

    geojson: str
    year: int
    profile: str
    origin: str = ""  # ecosystem that is to change, "" for the account as it is
    target: str = ""
    share: float = 1.0


class Accounts:
    """District accounts, made once for a state of the lake."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._made: dict[tuple[Any, ...], Account] = {}
        self._one = Lock()

    def years(self) -> list[int]:
        """Years that have inputs, the newest first."""
        found = self.site.home.lake.read("gep_inputs", columns=["year"])["year"]
        return sorted({int(y) for y in found.unique()}, reverse=True)

    def profiles(self) -> dict[str, str]:
        """The norms that an account can be made by, by the id of their profile; those of studies are left out."""
        known = known_profiles(self.site.home).values()
        return {p.id: p.text.norm if p.text.kind == "norm" else p.id for p in known if p.text.kind != "study"}

    def of(self, year: int, profile: str) -> Account:
        """The account of the district."""
        lake = self.site.home.lake
        key = (year, profile, lake.version("gep_inputs"), lake.version("statistics"))
        with self._one:
            if key not in self._made:
                made = gep_account(
                    self.site.home, year=year, profile=profile, now=self.site.now(), draws=_DRAWS, write=False
                )
                self._made = {**{k: v for k, v in self._made.items() if k[2:] == key[2:]}, key: made[0]}
            return self._made[key]

    def tell(self, asked: Asked) -> OnParcel:
        """The account of a polygon, or what a planned change gains or loses.

        Raises:
            PipelineError: no polygon, or one that cannot be computed, with what to do.
        """
        home = self.site.home
        shape = read(asked.geojson, tuple(home.registry.county["bbox"]))
        made = self.of(asked.year, asked.profile)
        return on_parcel(home, made, shape, origin=asked.origin, target=asked.target, share=asked.share)


def ecosystems(lang: str) -> dict[str, str]:
    """The finest ecosystems by id, that land can be or become."""
    frame = table("gep_ecosystems")
    frame = frame[frame["landcover"] != ""]
    return dict(zip(frame["ecosystem"], frame[f"name_{lang}"], strict=True))


def rows_of(told: OnParcel, lang: str) -> pd.DataFrame:
    """The answer as a table: part, quantity, unit, value, low, high (10^4 CNY), the largest effect first."""
    names = {f.part: f.line.quantity.meta for f in told.account.flows}
    rows = told.found.rows[told.found.rows["quantity"] != 0]
    rows = rows.sort_values("value_cny", key=lambda c: -c.abs())
    return pd.DataFrame(
        {
            "part": [
                f"{getattr(names[p], f'name_{lang}')} {item(i, lang)}".strip()
                for p, i in zip(rows["part"], rows["item"], strict=True)
            ],
            "quantity": rows["quantity"],
            "unit": [unit(u, lang) for u in rows["unit"]],
            "value": rows["value_cny"] / 1e4,
            "low": rows["low"] / 1e4,
            "high": rows["high"] / 1e4,
        }
    )
