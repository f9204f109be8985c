"""A warm start: imported by the scheduler, whose forked workers then have everything loaded and tried once.

Without it each task spends most of its time importing pandas and its friends, loading compiled kernels and reading our
tables. In `airflow_local_settings.py`:

    import sys
    if "scheduler" in sys.argv:
        import dags.warm

The lake is not touched: delta-rs keeps threads of its own, which a fork does not take along.
"""

from contextlib import suppress
from importlib import import_module
from typing import Any

from domain.errors import PipelineError

for _name in (
    "alerts.incidents.run",
    "alerts.notifiers.cap",
    "alerts.notifiers.government_dingtalk",
    "alerts.notifiers.webhook",
    "alerts.run",
    "ingest.decoders.grid_report",
    "ingest.decoders.grid_sheet",
    "ingest.decoders.hj212",
    "ingest.decoders.lab_sheet",
    "ingest.decoders.stac_item",
    "ingest.run",
    "processing.gep.run",
    "processing.human",
    "processing.period_run",
    "processing.run",
    "processing.sky",
    "store.influx",
):
    import_module(_name)


def exercise() -> int:
    """Some packets through decoder, tests, indicators and rules, nothing kept; returns how many indicators they gave.

    What is loaded or compiled when first used is then there: kernels, tables of the law, texts.

    Raises:
        CatalogueError: the deployment's registry, feeds or rules are not as they must be.
    """
    from datetime import UTC, datetime, timedelta

    from alerts.rules import for_registry
    from domain.texts import catalogue
    from ingest.decoded import Context
    from ingest.decoders import hj212
    from ingest.feeds import for_registry as feeds_of
    from processing.corroboration import Around, corroborate
    from processing.registered import registered
    from processing.run import results
    from processing.screening import screen
    from store.home import Home

    registry = Home.open().registry
    catalogue()
    for_registry(registry.root)
    feeds_of(registry.root)
    at = datetime(2026, 8, 20, tzinfo=UTC)
    n = 0
    for medium, packet in _packets(registry.stations).items():
        context = Context("warm", at, at + timedelta(days=1), registry, "", "warm")
        rows = hj212.decode(packet, context).observations
        first = screen(rows, medium)
        second = corroborate(rows, medium, first.flag, first.tests, Around(registry.stations, Around.nothing().bands))
        level = rows["source_flag"].astype("category")
        flagged = rows.assign(flag=second.flag, tests=second.tests, level=level)
        wanted = [r for r in registered().values() if r.meta.takes == "observations" and r.meta.medium == medium]
        n += len(results(flagged, registry.stations, wanted)) if len(rows) else 0
    return n


def _packets(stations: Any) -> dict[str, bytes]:
    """Three hours of a few usual values of one station of each medium, as frames."""
    from ingest.decoders.hj212.crc import framed

    out = {}
    for medium, (st, codes) in _VALUES.items():
        numbers = stations.loc[(stations["medium"] == medium) & (stations["mn"] != ""), "mn"]
        frames = b""
        for hour in range(3) if len(numbers) else ():
            items = ";".join(f"{code}-Avg={value + hour},{code}-Flag=N" for code, value in codes.items())
            head = f"QN=202608200{hour}0500000;ST={st};CN=2061;PW=1;MN={numbers.iloc[0]};Flag=4"
            frames += framed(f"{head};CP=&&DataTime=202608200{hour}0000;{items}&&".encode())
        out[medium] = frames
    return out


#: System code (HJ 212-2017 table 5), and some factors with a value.
_VALUES = {
    "air": (22, {"a34004": 30.0, "a34002": 50.0, "a21026": 8.0, "a21004": 20.0, "a21005": 0.6, "a05024": 60.0}),
    "water": (21, {"w01001": 7.5, "w01009": 7.3, "w21003": 0.2, "w21011": 0.05, "w01019": 2.0}),
    "noise": (23, {"LA": 50.0}),
    "source": (32, {"w01018": 30.0, "w21003": 2.0}),
}
with suppress(PipelineError):  # the tasks will say what is wrong with the registry; the scheduler lives
    exercise()
