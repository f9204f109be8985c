"""`sanyan sky fit`, `pm25` and `fvc`: what is fitted to this county, shown and kept."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import PipelineError
from domain.texts import language, say

if TYPE_CHECKING:
    from processing.imagery.calibration import Fit

#: Before any scene.
_EARLIEST = datetime(1972, 1, 1, tzinfo=UTC)


HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
FromOption = Annotated[str | None, typer.Option("--from", help="First instant; by default everything.")]
ToOption = Annotated[str | None, typer.Option("--to", help="First instant after.")]


def fit(
    home: HomeOption = None,
    start: FromOption = None,
    end: ToOption = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the usable lines for the values to come.")] = False,
) -> None:
    """Fit water products and PM2.5 from AOD to the stations and print how well it holds. 卫星产品与地面站标定。"""
    from console import screens
    from console.cli import instant, open_home, screen
    from processing import sky_fit

    place = open_home(home)
    first, after = instant(start, _EARLIEST), instant(end, datetime.now(UTC))
    found = sky_fit.fit_sky(place, start=first, end=after)
    columns = {
        "product": "left", "pairs": "right", "stations_n": "right", "line": "left",
        "fit_inside": "right", "fit_outside": "right", "verdict": "left",
    }  # fmt: skip
    names = {fit.product: _name(fit.product) for fit in (c.fit for c in found)}
    screen.print(screens.table("title.sky_fit", columns, [(names[c.fit.product], *_row(c.fit)) for c in found]))
    for one in found:
        if one.left_out:
            why = "; ".join(say(f"lost.{reason}", n=n) for reason, n in one.left_out.items())
            screen.print(say("fit.lost", product=names[one.fit.product], n=sum(one.left_out.values()), why=why))
    screen.print(say("fit.note"))
    if keep:
        sky_fit.keep(place, found)
        screen.print(say("fit.written", n=sum(c.fit.kept for c in found), path=sky_fit.KEPT))


def pm25(home: HomeOption = None, start: FromOption = None, end: ToOption = None) -> None:
    """PM2.5 of every day with AOD by the line that was kept. 由已保存的标定式计算卫星 PM2.5。"""
    from console.cli import instant, open_home, screen
    from processing import sky_fit, sky_pm25

    place, now = open_home(home), datetime.now(UTC)
    if "pm25" not in sky_fit.kept(place):
        screen.print(say("none.pm25_line"))
        return
    counts = sky_pm25.compute_pm25(place, now=now, start=instant(start, _EARLIEST), end=instant(end, now))
    screen.print(say("done.pm25", n=counts.computed, rows=counts.new + counts.changed))


def fvc(
    home: HomeOption = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the ends of the county: all FVC is made anew.")] = False,
) -> None:
    """NDVI of bare soil and full cover by ecosystem and season, 5 % and 95 %. 植被覆盖度端元。"""
    from console import screens
    from console.cli import open_home, screen
    from processing import sky_fvc
    from processing.gep.values import read

    place = open_home(home)
    found = sky_fvc.fit_fvc(place)
    if found is None:
        screen.print(say("none.fvc"))
        return
    columns = {"ecosystem": "left", "season": "left", "soil": "right", "vegetation": "right", "cells": "right"}
    table = read("gep_ecosystems")
    names = dict(zip(table["ecosystem"], table[f"name_{language()}"], strict=True))
    rows = [
        (
            names.get(e.ecosystem, e.ecosystem) if e.ecosystem else say("fvc.land"),
            e.season or say("fvc.year"),
            f"{e.soil:.3f}",
            f"{e.vegetation:.3f}",
            f"{e.n:,}",
        )
        for e in found.ends
    ]
    screen.print(screens.table("title.sky_fvc", columns, rows))
    screen.print(say("fvc.found", first=found.quarters[0], last=found.quarters[-1], n=len(found.quarters)))
    if keep and len(found.quarters) < sky_fvc.QUARTERS_MIN:
        raise PipelineError(say("fvc.few", n=len(found.quarters), need=sky_fvc.QUARTERS_MIN))
    if keep:
        sky_fvc.keep(place, found)
        screen.print(say("fvc.kept", path=sky_fvc.KEPT))
    screen.print(say("fvc.used", basis=sky_fvc.basis(place)))


def _name(product: str) -> str:
    from processing.imagery.products import product_table

    return str(product_table().loc[product, f"name_{language()}"])


def _row(fit: "Fit") -> tuple[str, ...]:
    """Pairs, stations, the line, its fit inside and on what it has not seen, and whether it is used."""
    line = "-" if math.isnan(fit.slope) else f"{fit.parameter} = {fit.slope:.3g} × {fit.predictor} {fit.intercept:+.3g}"
    inside, outside = ("-" if math.isnan(r2) else f"{r2:.2f} / {rmse:.3g} {fit.unit}" for r2, rmse in _figures(fit))
    return str(fit.n), str(fit.n_stations), line, inside, outside, say(f"fit.{fit.reason or 'kept'}")


def _figures(fit: "Fit") -> tuple[tuple[float, float], tuple[float, float]]:
    return (fit.r2, fit.rmse), (fit.out_r2, fit.out_rmse)
