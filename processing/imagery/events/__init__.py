"""Events seen from above as candidate polygons: one function for each kind, and `detect`, which asks them all."""

from processing.imagery.events import land, water
from processing.imagery.events.detect import Found, detect, minimum_ha, stated_ha
from processing.imagery.events.kinds import KINDS, Change, Comparison, Kind, event
from processing.imagery.events.views import (
    BANDS,
    ClearView,
    Ground,
    References,
    day_number,
    day_of,
    reference_days,
)

__all__ = [
    "BANDS",
    "KINDS",
    "Change",
    "ClearView",
    "Comparison",
    "Found",
    "Ground",
    "Kind",
    "References",
    "day_number",
    "day_of",
    "detect",
    "event",
    "land",
    "minimum_ha",
    "reference_days",
    "stated_ha",
    "water",
]
