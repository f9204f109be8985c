"""The last door before the lake: what no decoder may let through, whatever the feed.

Decoders refuse what they see, with line and byte; here the frames themselves are held against the registry and the
catalogue, vectorised. Rows of one station and time that fail for one reason are one rejection.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd

from domain.catalogue import parameters
from domain.records import Flag, Reason, Rejection
from domain.registry import Registry
from domain.times import PERIODS
from ingest.decoded import Context, Decoded
from ingest.moments import EARLIEST

#: A device's clock may be this much ahead.
CLOCKS_DIFFER = timedelta(minutes=5)
#: What the door itself may say of a value.
_FLAGS = (Flag.NOT_EVALUATED, Flag.FAIL, Flag.MISSING)


def validate(decoded: Decoded, context: Context) -> Decoded:
    """The decoded records without those that cannot be: observations of an unknown station, parameter or period, with
    another unit than the parameter's, before 1980 or after their receipt, or with a value and a flag that contradict
    each other; reports and scenes after their receipt.
    """
    rows = decoded.observations
    wrong = _wrong(rows, context) if len(rows) else {}
    rejections: list[Rejection] = []
    good = np.ones(len(rows), dtype=bool)
    for reason, (bad, advice) in wrong.items():
        found = rows[good & bad]
        rejections += _rejections(found, reason, advice, context)
        good &= ~bad
    reports, late = _present(decoded.reports, "observed_at", "report", context)
    scenes, ahead = _present(decoded.scenes, "datetime", "scene", context)
    if good.all() and not late and not ahead:
        return decoded
    return replace(
        decoded,
        observations=rows[good].reset_index(drop=True),
        reports=reports,
        scenes=scenes,
        rejections=(*decoded.rejections, *rejections, *late, *ahead),
    )


def _wrong(rows: pd.DataFrame, context: Context) -> Mapping[Reason, tuple[np.ndarray, str]]:
    """For each reason which rows are wrong, and what to do about it; the first reason of a row counts."""
    table = parameters()
    media = _media(context.registry)
    units, allowed = table["unit"].to_dict(), table["media"].to_dict()
    stations = rows["station_id"].map(media).fillna("")
    latest = pd.Timestamp(context.until + CLOCKS_DIFFER)
    early = rows["time"] < pd.Timestamp(EARLIEST)
    known = rows["parameter"].isin(table.index)
    fits = pd.Series(
        [m in allowed.get(p, ()) for p, m in zip(rows["parameter"], rows["medium"], strict=True)], index=rows.index
    )
    contradiction = ~rows["flag"].isin([int(f) for f in _FLAGS]) | (
        rows["value"].isna() != (rows["flag"] == int(Flag.MISSING))
    )
    checks = {
        Reason.UNKNOWN_STATION: (stations != rows["medium"], "add it to stations.csv, with its medium"),
        Reason.UNKNOWN_CODE: (~known | ~fits, "add the parameter, or its medium, to domain/tables/parameters.csv"),
        Reason.WRONG_UNIT: (rows["unit"] != rows["parameter"].map(units), "values must come in the canonical unit"),
        Reason.FUTURE_TIME: (rows["time"] > latest, "check the clock of the device"),
        Reason.BAD_TIME: (early | rows["time"].isna() | ~rows["period"].isin(PERIODS), "check the clock of the device"),
        Reason.BAD_VALUE: (contradiction | np.isinf(rows["value"]), "check the device"),
    }
    return {reason: (np.asarray(bad, dtype=bool), advice) for reason, (bad, advice) in checks.items() if bad.any()}


def _media(registry: Registry) -> dict[str, str]:
    return {name: str(row["medium"]) for name, row in registry.by_id.items()}


def _rejections(rows: pd.DataFrame, reason: Reason, advice: str, context: Context) -> list[Rejection]:
    return [
        context.reject(
            reason,
            f"station {station} at {time.isoformat()} {period}: "
            + ", ".join(f"{p} {v:g} {u}" for p, v, u in zip(g["parameter"], g["value"], g["unit"], strict=True))
            + f"; {advice}",
        )
        for (station, time, period), g in rows.groupby(["station_id", "time", "period"], sort=True, dropna=False)
    ]


def _present(frame: pd.DataFrame, column: str, what: str, context: Context) -> tuple[pd.DataFrame, list[Rejection]]:
    """The rows not later than their receipt, and rejections of the others."""
    ahead = frame[column] > pd.Timestamp(context.until + CLOCKS_DIFFER)
    if not ahead.any():
        return frame, []
    rejections = [
        context.reject(
            Reason.FUTURE_TIME,
            f"{what} {name}: {time.isoformat()} lies after receipt before {context.until.isoformat()}; check the clock",
        )
        for name, time in zip(frame.loc[ahead, "id"], frame.loc[ahead, column], strict=True)
    ]
    return frame[~ahead].reset_index(drop=True), rejections
