"""A small registry, contexts and packets for the HJ 212 tests; frames are written by the simulator's own encoder."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from domain.registry import STATION_COLUMNS, Registry, Zones
from ingest.decoded import Context
from sample_feeds.hj212_frames import frame

#: Shanghai 2026-08-20 10:00, the capture hour of the tests.
AT = datetime(2026, 8, 20, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)

AIR, WATER, WELL, NOISE, OUTLET, STACK = (f"33110200000000000000000{i}" for i in range(6))
_STATIONS = (
    ("air", "air", AIR, "2017", "PT1H"),
    ("water", "water", WATER, "2025", "PT4H"),
    ("well", "groundwater", WELL, "", "PT4H"),
    ("noise", "noise", NOISE, "2017", "PT1H"),
    ("outlet", "source", OUTLET, "2005", "PT1H"),
    ("stack", "source", STACK, "2017", "PT1H"),
)
_CHANNELS = (
    ("air", "PM25", "PM2.5", "mg/m3"),
    ("air", "a01006", "pressure", "hPa"),
    ("air", "a05024", "O3", "ppb"),
    ("water", "w01016", "chla", "ug/L"),
)


def registry(
    stations: Sequence[tuple[str, ...]] = _STATIONS, channels: Sequence[tuple[str, ...]] = _CHANNELS
) -> Registry:
    rows = [
        dict.fromkeys(STATION_COLUMNS, "")
        | dict(zip(("station_id", "medium", "mn", "edition", "cadence"), station, strict=True))
        | {"line": line}
        for line, station in enumerate(stations, 2)
    ]
    nowhere = Zones((), (), (), (), ())
    return Registry(
        root=Path("county"),
        county={},
        stations=pd.DataFrame(rows, columns=[*STATION_COLUMNS, "line"]),
        channels=pd.DataFrame(
            [(*channel, line) for line, channel in enumerate(channels, 2)],
            columns=["station_id", "code", "parameter", "unit", "line"],
        ),
        townships=nowhere,
        waters=nowhere,
    )


REGISTRY = registry()


def context(at: datetime = AT, *, known: Registry = REGISTRY, **options: Any) -> Context:
    return Context("ground", at, at + HOUR, known, "raw/ab/abcd.hj212", "10.hj212", options)


def packet(
    items: str,
    *,
    mn: str = AIR,
    st: str = "22",
    cn: int = 2061,
    qn: str | None = "20260820100300000",
    flag: str = ";Flag=4",
    time: str = "20260820090000",
) -> bytes:
    """A frame of data with this content of CP behind DataTime."""
    head = f"QN={qn};" if qn else ""
    return frame(f"{head}ST={st};CN={cn};PW=123456;MN={mn}{flag};CP=&&DataTime={time};{items}&&".encode())
