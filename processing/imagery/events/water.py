"""Events on water bodies: a bloom, and water that became land."""

import numpy as np

from processing.imagery import water
from processing.imagery.events.kinds import Change, Comparison, event


@event("bloom", group="water", key="ndci", shown=("ndci", "fai"))
def bloom(seen: Comparison) -> Change:
    """Water that carries algae: chlorophyll (NDCI) and something floating (FAI) both above their thresholds.

    Over inner water only (shore_buffer_m). The state of one day, no change: a bloom that lasts is one candidate.
    Sources: Mishra and Mishra 2012 doi:10.1016/j.rse.2011.10.016; Hu 2009 doi:10.1016/j.rse.2009.05.012.
    """
    limits = seen.limits
    inner = water.inner_water(
        seen.ground.waters, resolution=seen.ground.resolution, shore_buffer_m=limits["shore_buffer_m"]
    )
    ndci, fai = seen.now.index("ndci"), seen.now.index("fai")
    comparable = (inner > 0) & np.isfinite(ndci) & np.isfinite(fai)
    with np.errstate(invalid="ignore"):
        strength = np.minimum(ndci / limits["bloom_ndci_min"], fai / limits["bloom_fai_min"])
        clear = seen.now.index("blue") <= limits["haze_blue_max"]
    return Change(comparable & clear & water.bloom(ndci, fai, limits), comparable, strength)


@event("water_loss", group="water", key="mndwi", shown=("mndwi", "ndvi"))
def water_loss(seen: Comparison) -> Change:
    """Water that became land: filled, built over, fallen dry in one place.

    MNDWI was at least water_loss_before_min at the latest clear view and in the same season a year earlier, and is at
    most water_loss_now_max. A reservoir that is drawn down falls dry along its whole shore, so where more than
    drawdown_share_max of a body's cells at the same distance from the shore went dry together nothing is said; a pond
    drained to the bottom is left to the indicator of water extent. Without a view of the same season there is nothing
    to say: a first year cannot know what falls dry every winter.
    """
    limits = seen.limits
    latest, usual, now = (v.index("mndwi") for v in (seen.references.latest, seen.references.season, seen.now))
    with np.errstate(invalid="ignore"):
        comparable = (seen.ground.waters > 0) & np.isfinite(now) & seen.recent() & np.isfinite(usual)
        was = comparable & (np.minimum(latest, usual) >= limits["water_loss_before_min"])
        dry = was & (now <= limits["water_loss_now_max"])
        kept = dry & (seen.now.index("blue") <= limits["haze_blue_max"])
        strength = 1 + (limits["water_loss_now_max"] - now) / limits["water_loss_before_min"]
    return Change(kept & ~_drawn_down(seen, usual >= limits["water_loss_before_min"], now), comparable, strength)


def _drawn_down(seen: Comparison, was: np.ndarray, now: np.ndarray) -> np.ndarray:
    """True in those rings of a water body (bands of distance to the shore) of which too large a share is dry."""
    limits = seen.limits
    ring = np.minimum(seen.ground.shore_m() // limits["drawdown_ring_m"], limits["drawdown_rings"] - 1).astype(int)
    label = seen.ground.waters * int(limits["drawdown_rings"]) + ring
    with np.errstate(invalid="ignore"):
        wet, dry = was & np.isfinite(now), was & (now <= limits["water_loss_now_max"])
    n = (len(seen.ground.water_ids) + 1) * int(limits["drawdown_rings"])

    def made() -> np.ndarray:
        own = label[seen.own]
        return np.stack([np.bincount(own[cells[seen.own]], minlength=n) for cells in (dry, wet)])

    n_dry, n_wet = seen.counted("rings", made)
    share = n_dry / np.maximum(n_wet, 1)
    return np.asarray((share > limits["drawdown_share_max"])[label])
