"""`sanyan sky zones` and `sanyan sky cube`: statistics of a scene by zone, and many days in one file."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import PipelineError
from domain.texts import language, say

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]


def zones(
    item: Annotated[str, typer.Argument(help="Id of a Sentinel-2 scene in the lake.")],
    layer: Annotated[str, typer.Option(help="Product: ndvi, kndvi, evi, ndwi, mndwi ...")] = "ndvi",
    by: Annotated[
        str, typer.Option("--by", help="townships, waters, protected, control_units, quarters, or a GeoJSON file.")
    ] = "townships",
    rule: Annotated[str, typer.Option(help="centre or fraction.")] = "centre",
    scheduler: Annotated[str, typer.Option(help="Address of a dask scheduler, for example tcp://host:8786.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the table here as CSV too.")] = None,
    home: HomeOption = None,
) -> None:
    """Statistics of one scene by zone, at its own resolution. 单景影像分区统计。"""
    from console import screens
    from console.cli import open_home, screen
    from processing import sky_scene
    from processing.imagery import workers
    from processing.imagery.cells import RULES
    from processing.sky_products import zones_csv

    chosen = next((r for r in RULES if r == rule), None)
    if chosen is None:
        raise PipelineError(say("sky.rule", rule=rule))
    place = open_home(home)
    if scheduler:
        from distributed import Client

        with Client(scheduler) as client:
            found = sky_scene.scene_zones(place, item, layer, by, rule=chosen, mapper=workers.cluster(client))
    else:
        found = sky_scene.scene_zones(place, item, layer, by, rule=chosen)
    name = "name_zh" if language() == "zh" else "name_en"
    rows = [
        (r["zone"], r[name], *(f"{r[c]:.4f}" for c in ("mean", "std", "min", "max")), f"{r['share']:.1%}",
         f"{r['valid_ha']:,.1f}")
        for r in found.table.to_dict("records")
    ]  # fmt: skip
    columns = {
        "zone": "left", "name": "left", "mean": "right", "std": "right", "min": "right", "max": "right",
        "clear_share": "right", "clear_ha": "right",
    }  # fmt: skip
    screen.print(screens.table("title.sky_zones", columns, rows))
    rule_said = say("sky.rule_centre") if chosen == "centre" else say("sky.rule_fraction")
    screen.print(
        say("sky.zones_note", layer=layer, rule=rule_said, metres=f"{found.grid.resolution:g}", note=found.note)
    )
    for statement in found.statements:
        screen.print(f"  {statement}", style="yellow", highlight=False)
    if out is not None:
        out.write_bytes(zones_csv(found.table))
        screen.print(say("sky.written", path=out))


def cube(
    first: Annotated[str, typer.Argument(help="First day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Argument(help="Last day, YYYY-MM-DD.")],
    layers: Annotated[list[str] | None, typer.Option("--layer", help="Product; several may be named.")] = None,
    zarr: Annotated[bool, typer.Option("--zarr", help="A Zarr folder instead of NetCDF.")] = False,
    home: HomeOption = None,
) -> None:
    """The days of a period in one file (NetCDF or Zarr after CF). 时段数据立方体。"""
    from console.cli import open_home, screen
    from processing.sky_cube import write_cube

    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise PipelineError(say("error.period", text=f"{first} .. {last}")) from None
    path = write_cube(open_home(home), layers or ["ndvi"], *days, "zarr" if zarr else "netcdf")
    screen.print(say("sky.written", path=path))
