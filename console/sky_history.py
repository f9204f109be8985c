"""`sanyan sky history` and `sanyan sky rsei`: what years of satellite views say."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from domain.registry import Zones
from domain.texts import language, say

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]


def history(
    layers: Annotated[
        list[str] | None, typer.Option("--layer", help="Product of the rasters; several may be named. By default ndvi.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Anomalies of quarters and trends over years, as rasters; those of NDVI by zone too. 季节距平与多年趋势。"""
    from console import screens
    from console.cli import open_home, screen
    from processing import sky_history

    place = open_home(home)
    counts = sky_history.compute_history(place, now=datetime.now(UTC), layers=layers or [sky_history.LAYER])
    rows = _newest(place.lake.read("periods", where={"indicator": ["ecology.ndvi_trend"]}))
    columns = {"zone": "left", "year": "right", "slope": "right", "detail": "left"}
    towns = place.registry.townships
    cells = [(_zone(towns, r.subject), _year(r.time), _number(r.value, "+.4f"), r.detail) for r in rows.itertuples()]
    screen.print(screens.table("title.sky_history", columns, cells))
    screen.print(say("done.sky_history", n=counts.computed, rows=counts.new + counts.changed))


def rsei(
    home: HomeOption = None,
    refit: Annotated[bool, typer.Option("--refit", help="Fit the loadings anew over all years.")] = False,
) -> None:
    """Remote sensing ecological index of every year by one fit. 遥感生态指数（多年统一主成分）。"""
    from console import screens
    from console.cli import open_home, screen
    from processing import sky_rsei
    from processing.imagery.rsei import COMPONENTS
    from processing.imagery.tables import thresholds

    place = open_home(home)
    counts = sky_rsei.compute_rsei(place, now=datetime.now(UTC), refit=refit)
    loadings = sky_rsei.kept(place)
    if loadings is None:
        screen.print(say("none.rsei", n=int(thresholds()["rsei_years_min"])))
        return
    rows = place.lake.read("periods", where={"indicator": ["ecology.rsei"]})
    columns = {"zone": "left", "year": "right", "rsei": "right"}
    towns = place.registry.townships
    cells = [(_zone(towns, r.subject), _year(r.time), _number(r.value, ".3f")) for r in rows.itertuples()]
    screen.print(screens.table("title.rsei", columns, cells))
    weights = "  ".join(f"{name.upper()} {w:+.3f}" for name, w in zip(COMPONENTS, loadings.weights, strict=True))
    screen.print(say("rsei.fit", version=loadings.version, weights=weights, share=100 * loadings.share, n=loadings.n))
    if not loadings.plausible:
        screen.print(say("rsei.signs"))
    screen.print(say("done.rsei", n=counts.computed))


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("time").drop_duplicates("subject", keep="last").sort_values("subject")


def _zone(townships: Zones, subject: str) -> str:
    names = townships.names_zh if language() == "zh" else townships.names_en
    return dict(zip(townships.ids, names, strict=True)).get(subject, subject)


def _year(time: pd.Timestamp) -> str:
    return str(time.tz_convert("Asia/Shanghai").year)


def _number(value: float, form: str) -> str:
    return "-" if pd.isna(value) else format(value, form)
