"""What one acquisition is made of: what there is to be seen over the county, and the pixels of a tile."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sample_feeds.grids import Codes, Field, Grid, Mask
from sample_feeds.nature import Mood


@dataclass(frozen=True)
class Sight:
    """One acquisition over the county grid: surfaces, algae, cloud and shadow.

    `residue`: share of what stood there before that is left on changed ground; `sick`: share of dead crowns; `tone`:
    factor on the brightness of changed ground. These three and `mood` are only there in a county with seasons.
    """

    surface: Codes  # land-cover codes and those of sample_feeds/spectra.py
    algae: Field  # 0..1, share of dense bloom
    cloud: Field  # 0..1, 0 is clear
    shadow: Mask
    residue: Field | None = None
    sick: Field | None = None
    tone: Field | None = None
    mood: Mood | None = None


@dataclass(frozen=True)
class Tile:
    """The pixels of one MGRS tile: its grid, the county pixel under each, and where the swath has data."""

    grid: Grid
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    seen: Mask

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values of the county grid at the pixels of the tile (nearest)."""
        return np.asarray(values[self.rows, self.columns])
