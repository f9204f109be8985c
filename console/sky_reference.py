"""The reference of the sky eye's products, written from their tables: docs/sky_products.md."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from processing.imagery.burn import severity_classes
from processing.imagery.products import product_table
from processing.sky_fit import calibrations

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sky_products.md"

_HEAD = """# Products of the sky eye

Written by `make docs` from `imagery_products.csv`, `imagery_coefficients.csv`, `imagery_calibrations.csv` and
`imagery_severity.csv`; do not edit. A test fails when this page is stale.

R, G, B, RE1, N, S1, S2 are surface reflectances (1) of red, green, blue, the first red edge, near infrared and the two
short-wave infrared bands; bands go by their STAC common names, so one formula serves every sensor that has them.

Marks: **absolute** means the same everywhere; **relative** compares places and days of one sensor and is no
concentration; **calibrated** exists only by a line to ground stations. Relative water values become calibrated when
`sanyan sky fit --keep` finds a line that predicts what it has not seen; every value says which it is, with the fit.
"""

_RULES = """## Rules for all of them

* A ratio has a meaning only between reflectances that are not negative and not both zero; elsewhere it is missing, not
  +-50 (noise over dark water). spyndex divides on: there the two differ on purpose, and the tests say so. Water extent
  compares without dividing, so that water with slightly negative short-wave infrared stays water.
* Missing in, missing out. Nothing is filled.
* Everything is computed cell by cell, or summed in whole numbers: any chunks, any order, any number of workers give the
  same bytes.
* Turbidity switches on rho = pi Rrs of the red band, 0.05 to 0.07, and the near infrared has coefficients of its own; a
  public code that uses 665 nm in both branches is wrong by the paper.
* The models of turbid water take noise around zero as it is (down to `rho_min`): dropping its negative half would make
  clear water look turbid.
* Chlorophyll-a below the turning point of its parabola stays at the lowest value: less chlorophyll never reads as more.
* Only inner water counts for water quality: cells wholly inside the mapped body and at least `shore_buffer_m` off its
  shore, at least `water_cells_min` of them. Main rivers of 100 to 400 m have few such cells, streams none: withheld.
* L2A from Sen2Cor is made for land. Over water it is weak (adjacency, glint): read changes, not decimals.

## Months, seasons, years

* **Composite** by Shanghai month, calendar quarter or year: the median of each band, or all bands of the greenest view
  (`max_ndvi`), or of the view nearest to the median (`medoid`). `n_obs` counts the clear views behind a cell.
* **Trend**: Mann-Kendall with ties corrected, and Sen slope per year; with seasons, only equal seasons are compared. No
  trend below `trend_years_min` values. By zone in `ecology.ndvi_trend`, by cell in `products/trend/<layer>.tif`
  (`sanyan sky history --layer evi`: any layer that is a file of each day).
* **Anomaly** against the same quarter of all earlier years: difference, percent, standard score; none below
  `anomaly_years_min` years. Later years never change it (`sanyan sky history`).
* **FVC**: soil and full cover are the 5 % and 95 % NDVI of the county's land over all years, so that years compare.
  `sanyan sky fvc` finds them in the quarterly composites and shows them by ecosystem and quarter; `--keep` (of a whole
  year at least) puts them with their version in `calibrations/fvc.json`, and all FVC is made anew. Before that the
  start values of `imagery_thresholds.csv` count. The files of FVC say in their tags which it was.
* **RSEI**: Landsat scenes of the growing season, components scaled by fixed bounds, water left out, **one** PCA over
  all years (at least `rsei_years_min`), NDVI positive; the loadings lie with their version in `rsei/loadings.json` and
  later years use them as they are (`sanyan sky rsei`; `--refit` fits anew, and then all years change together).

## PM2.5 from AOD

PM2.5 = a + b x, x = AOD (1 - RH) / PBLH where a mixing height is known, AOD (1 - RH) where it is not. `sanyan sky fit`
takes AOD scenes (MCD19A2, Himawari), hourly PM2.5 and humidity of the stations, pairs them within `match_hours`, and
prints n, R2 and RMSE, inside and with every station left out in turn. Fewer than `pm25_pairs_min` pairs or
`pm25_stations_min` stations: withheld. With a kept line `sanyan sky pm25` writes a map and a mean a township for each
day (`ecology.pm25`). Cloud hides more than half of the days here, so a map is of clear days.
"""

_PRODUCT_COLUMNS = ["id", "name", "formula", "unit", "over", "bands", "mark", "confidence", "source", "limits"]
_COEFFICIENT_COLUMNS = ["product", "sensor", "symbol", "value", "unit", "source", "confidence"]


def page() -> str:
    """The whole page as Markdown."""
    parts = [
        _HEAD,
        "## Products\n",
        _table(_products(), _PRODUCT_COLUMNS),
        _RULES,
        "## Coefficients\n",
        _table(_coefficients(), _COEFFICIENT_COLUMNS, right=("value",)),
        "## Lines to the stations\n",
        _table(_lines(), ["product", "parameter", "medium", "left out in turn", "thresholds", "source"]),
        "## Burn severity by dNBR\n",
        _table(_severity(), ["code", "from", "below", "class", "source", "confidence"], right=("from", "below")),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _products() -> Iterable[Mapping[str, str]]:
    for name, row in product_table().iterrows():
        told = {key: row[key] for key in ("formula", "unit", "over", "mark", "confidence", "source")}
        names = {"id": f"`{name}`", "name": f"{row['name_zh']} · {row['name_en']}", "bands": " ".join(row["bands"])}
        yield {**told, **names, "limits": row["use_limits"]}


def _coefficients() -> Iterable[Mapping[str, str]]:
    frame = read_table(TABLES_DIR / "imagery_coefficients.csv", columns=_COEFFICIENT_COLUMNS)
    return [{str(k): str(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _lines() -> Iterable[Mapping[str, str]]:
    for name, row in calibrations().iterrows():
        limits = f"{row['pairs_min']}, {row['stations_min']}, fit_r2_min"
        told = {"product": str(name), "left out in turn": row["leave_out"], "thresholds": limits}
        yield {**told, **{key: row[key] for key in ("parameter", "medium", "source")}}


def _severity() -> Iterable[Mapping[str, str]]:
    for code, row in severity_classes().iterrows():
        names = f"{row['name_zh']} · {row['name_en']}"
        told = {"source": row["source"], "confidence": row["confidence"]}
        yield {"code": str(code), "from": _end(row["low"]), "below": _end(row["high"]), "class": names, **told}


def _end(value: float) -> str:
    return "" if pd.isna(value) or abs(value) == float("inf") else f"{value:g}"


def _table(rows: Iterable[Mapping[str, str]], columns: list[str], right: tuple[str, ...] = ()) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "|".join("---:" if c in right else "---" for c in columns) + "|"]
    lines += [
        "| " + " | ".join(" ".join(str(row[c]).split()).replace("|", "\\|") for c in columns) + " |" for row in rows
    ]
    return "\n".join(lines)
