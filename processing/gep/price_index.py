"""Moving money from the prices of one year to those of another: P_t = P_0 CPI_t / CPI_0 (Gaotianyan 2017).

The index is a chain of links (`price_index_link`, last year = 100: the national table, and before it what the district
reported on the form `economy`), or two levels of one base (`price_index`) where a paper prints them.
"""

from dataclasses import dataclass

import numpy as np

from processing.gep.values import Row, Values

LEVEL, LINK = "price_index", "price_index_link"


@dataclass(frozen=True, slots=True)
class Moved:
    """What money is multiplied by, NaN when the index has gaps; the rows it rests on; the years that have no index."""

    ratio: float
    rows: tuple[Row, ...] = ()
    lacking: tuple[int, ...] = ()


def moved(values: Values, origin: int, target: int) -> Moved:
    """From the prices of `origin` to those of `target`, whichever is earlier."""
    if origin == target:
        return Moved(1.0)
    levels = values.by_year(LEVEL)
    if origin in levels and target in levels:
        return Moved(levels[target].value / levels[origin].value, (levels[origin], levels[target]))
    years = range(min(origin, target) + 1, max(origin, target) + 1)
    links = values.by_year(LINK)
    lacking = tuple(year for year in years if year not in links)
    if lacking:
        return Moved(float("nan"), (), lacking)
    rows = tuple(links[year] for year in years)
    forward = float(np.prod([row.value / 100 for row in rows]))
    return Moved(forward if target > origin else 1 / forward, rows)
