"""The result of laying our values beside the officially published ones: counts, shares and every difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.times import LOCAL

EQUAL = "equal"
NONE_EITHER = "none on either side"
OFFICIAL_NONE = "official gives none"
OFFICIAL_NONE_PM = "official gives none: both particles missing"
OURS_NONE = "we give none: no usable value"

#: Categories in which one side or both say nothing, so that there is nothing to compare.
SILENT = (NONE_EITHER, OFFICIAL_NONE, OFFICIAL_NONE_PM, OURS_NONE)


@dataclass(frozen=True, slots=True)
class Verification:
    """The comparison of one data set."""

    title: str
    profile: str  # the rule by which ours was computed
    rows: pd.DataFrame  # station_id, time, ours, official, category, values (and what else was compared)
    same: tuple[str, ...] = (EQUAL,)  # categories in which both sides say the same

    @property
    def counts(self) -> pd.Series:
        """Rows by category, most frequent first."""
        return self.rows["category"].value_counts()

    def n(self, *categories: str) -> int:
        """Rows in these categories."""
        return int(self.rows["category"].isin(categories).sum())

    @property
    def comparable(self) -> int:
        """Rows on which both sides speak."""
        return len(self.rows) - self.n(*SILENT)

    @property
    def equal(self) -> int:
        """Rows on which both sides say the same."""
        return self.n(*self.same)

    @property
    def share(self) -> float:
        """Equal rows among the comparable ones; NaN when there are none."""
        return self.equal / self.comparable if self.comparable else float("nan")

    @property
    def differences(self) -> pd.DataFrame:
        """The rows on which they say something else, by station and time."""
        rows = self.rows[~self.rows["category"].isin((*self.same, *SILENT))]
        return rows.sort_values(["station_id", "time"]).reset_index(drop=True)

    def markdown(self) -> str:
        """The comparison as Markdown tables, every difference included."""
        return markdown([self])


def markdown(found: Sequence[Verification]) -> str:
    """The comparisons as one Markdown table, below it every category with its rows, and every difference."""
    lines = [
        "| compared | profile | rows | both silent | one side silent | both speak | equal | share |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for v in found:
        silent = v.n(NONE_EITHER)
        one = v.n(*SILENT) - silent
        lines.append(
            f"| {v.title} | {v.profile} | {len(v.rows):,} | {silent:,} | {one:,} | {v.comparable:,} | {v.equal:,} "
            f"| {percent(v.share)} |"
        )
    lines += ["", "| compared | category | rows |", "|---|---|---:|"]
    lines += [f"| {v.title} | {category} | {count:,} |" for v in found for category, count in v.counts.items()]
    for v in found:
        if len(v.differences):
            lines += [
                "",
                "| station | Shanghai time | ours | official | values | reason |",
                "|---|---|---|---|---|---|",
            ]
            lines += ["| " + " | ".join(cells) + " |" for cells in told(v)]
    return "\n".join(lines) + "\n"


def told(found: Verification) -> list[tuple[str, ...]]:
    """Every difference for people: station, Shanghai time, ours, official, the values, the reason."""
    return [
        (
            str(row["station_id"]),
            f"{row['time'].tz_convert(LOCAL):%m-%d %H:%M}",
            f"{row['ours']:g}",
            f"{row['official']:g}",
            str(row["values"]),
            str(row["category"]),
        )
        for row in found.differences.to_dict("records")
    ]


def percent(share: float) -> str:
    """A share with two decimals of a percent; a dash when there is none."""
    return "-" if np.isnan(share) else f"{100 * share:.2f} %"


def first_of(cases: Mapping[str, np.ndarray], otherwise: str) -> np.ndarray:
    """The first case that holds for each row."""
    return np.select(list(cases.values()), list(cases), otherwise).astype(object)


def written(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The values of each row (n, k) as text, `DO 6.19, TP 0.037`; missing ones are left out."""
    return np.array(
        [", ".join(f"{p} {x:g}" for p, x in zip(names, row, strict=True) if not np.isnan(x)) for row in values],
        dtype=object,
    )
