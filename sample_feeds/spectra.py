"""Reflectance of the surfaces of the invented land (tables/spectra.csv): rounded values typical of them, no survey."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from domain.catalogue import read_table
from sample_feeds.grids import Codes, Field

SPECTRA = Path(__file__).with_name("tables") / "spectra.csv"
FINE = ("B02", "B03", "B04", "B08")  # the 10 m bands
COARSE = ("B05", "B8A", "B11", "B12")  # the 20 m bands
#: Surfaces beyond the land-cover codes.
DUMP, BURNT, EXPOSED = 900, 901, 902
_NAMES = {DUMP: "dump", BURNT: "burnt", EXPOSED: "exposed bed"}


@cache
def spectra() -> pd.DataFrame:
    """Reflectance by surface (index: land-cover code as text, or a name) and band, with scl and green.

    Raises:
        CatalogueError: spectra.csv is not as it must be.
    """
    columns = ["surface", "name_en", "scl", "green", *FINE[:3], "B05", "B08", "B8A", "B11", "B12"]
    table = read_table(SPECTRA, columns=columns, key=["surface"]).set_index("surface")
    return table.drop(columns=["name_en", "line"]).astype(float)


def by_surface(column: str, codes: Codes) -> Field:
    """A column of the table for land-cover codes and the codes above."""
    names = [_NAMES.get(int(code), str(code)) for code in codes]
    return spectra().loc[names, column].to_numpy(dtype=np.float32)


def of(surface: str, band: str) -> float:
    """Reflectance of one surface in one band."""
    return float(spectra().loc[surface, band])
