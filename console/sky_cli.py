"""`sanyan sky`: statistics by zone, cubes, calibrations, PM2.5 from AOD, anomalies and trends, RSEI."""

import typer

from console import sky_fit, sky_history, sky_zones

app = typer.Typer(
    no_args_is_help=True,
    help="The sky eye: zones, cubes, calibrations, years. 天眼：分区统计、立方体、标定、距平、趋势、生态指数。",
)
app.command()(sky_fit.fit)
app.command()(sky_fit.pm25)
app.command()(sky_fit.fvc)
app.command()(sky_history.history)
app.command()(sky_history.rsei)
app.command()(sky_zones.zones)
app.command()(sky_zones.cube)
