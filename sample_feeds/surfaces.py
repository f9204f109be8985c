"""The reflectance of the ground on one date, before air, clouds and sensor."""

from functools import cached_property

import numpy as np

from sample_feeds import nature
from sample_feeds.acquisition import Sight, Tile
from sample_feeds.grids import Codes, Field
from sample_feeds.landscape import LAKE, RIVER, Landscape
from sample_feeds.spectra import by_surface, of

#: What full vigour adds to reflectance of vegetation, as a share of it; -0.08 in other bands.
_VIGOUR = {"B03": 0.02, "B04": -0.12, "B05": -0.03, "B08": 0.10, "B8A": 0.10}


class Surfaces:
    """The ground under the pixels of a tile."""

    def __init__(self, land: Landscape, seen: Sight, where: Tile) -> None:
        self._land, self._seen, self._where = land, seen, where
        self._codes, inverse = np.unique(where.of(seen.surface), return_inverse=True)
        self._index = inverse.reshape(where.grid.shape)
        self._vigour = where.of(land.vigour) * by_surface("green", self._codes)[self._index]
        lit = land.light if seen.mood is None else seen.mood.brightness
        self._factor = where.of(land.brightness * lit)
        self._wet = np.isin(self._codes, (LAKE, RIVER))[self._index]
        self._factor[self._wet] = 1
        self._algae = where.of(seen.algae)

    def reflectance(self, band: str) -> Field:
        """Reflectance of the tile's pixels in a band."""
        scale = self._factor * (1 + _VIGOUR.get(band, -0.08) * self._vigour)
        if self._seen.mood is None:
            ground = by_surface(band, self._codes)[self._index] * self._factor
            ground = ground * (1 + _VIGOUR.get(band, -0.08) * self._vigour)
            return np.asarray(ground + self._algae * (of("bloom", band) - ground))
        where, mood, seen = self._where, self._seen.mood, self._seen
        ground = self._dressed(band, self._codes, self._index) * scale
        if self._changed is not None:
            codes, index, left, tone = self._changed
            ground = ground * tone * (1 - left) + self._dressed(band, codes, index) * scale * left
        if seen.sick is not None:
            ground = ground + where.of(seen.sick) * (of("dead pine", band) * self._factor - ground)
        ground = nature.watered(band, self._wet, ground, where.of(mood.silt), where.of(mood.algae), mood.glint)
        ground = ground + self._algae * (of("bloom", band) - ground)
        return nature.moved(ground.astype(np.float32), mood.shift)

    def _dressed(self, band: str, codes: Codes, index: np.ndarray) -> Field:
        return nature.seasoned(band, codes, index, by_surface(band, codes)[index], self._dormant)

    @cached_property
    def _dormant(self) -> Field:
        mood = self._seen.mood
        return np.zeros(self._where.grid.shape, np.float32) if mood is None else self._where.of(mood.dormant)

    @cached_property
    def _changed(self) -> tuple[Codes, np.ndarray, Field, Field] | None:
        """What stood there before (codes and their index), the share of it that is left, and the tone of the new."""
        seen, where = self._seen, self._where
        if seen.residue is None or seen.tone is None:
            return None
        codes, inverse = np.unique(where.of(self._land.cover), return_inverse=True)
        return codes, inverse.reshape(where.grid.shape), where.of(seen.residue), where.of(seen.tone)
