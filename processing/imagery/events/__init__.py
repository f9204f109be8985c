"""Events seen from above as candidate polygons: one function for each kind, and `detect`, which asks them all."""

from processing.imagery.events import land, water
from processing.imagery.events.detect import Found, Patch, cleared, detect, judged, lit, minimum_ha, patches, stated_ha
from processing.imagery.events.kinds import KINDS, Change, Comparison, Kind, Shared, event
from processing.imagery.events.views import (
    BANDS,
    ClearView,
    Ground,
    References,
    day_number,
    day_of,
    reach_m,
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
    "Patch",
    "References",
    "Shared",
    "cleared",
    "day_number",
    "day_of",
    "detect",
    "event",
    "judged",
    "land",
    "lit",
    "minimum_ha",
    "patches",
    "reach_m",
    "reference_days",
    "stated_ha",
    "water",
]
