"""Events on water bodies: a bloom, and water that became land."""

import numpy as np

from processing.imagery import water
from processing.imagery.events.kinds import Change, Comparison, event
from processing.imagery.events.views import DARKEST


@event("bloom", group="water", key="ndci", shown=("ndci", "fai"), since="latest")
def bloom(seen: Comparison) -> Change:
    """Water that carries algae: chlorophyll (NDCI) and something floating (FAI) both above their thresholds.

    NDCI is taken of what is left of red and red edge without SWIR2: water gives nothing back there, so it is haze, thin
    cloud or glint, which would hide the ratio (as Wang and Shi 2007 doi:10.1364/oe.15.015722 correct turbid water).
    Over inner water only (shore_buffer_m), and where it is water still: algae lie on it, so SWIR1 stays below NIR
    (bloom_ndmi_min), which it does not over a bank that was filled and grows over. The state of one day, no change: a
    bloom that lasts is one candidate.
    Sources: Mishra and Mishra 2012 doi:10.1016/j.rse.2011.10.016; Hu 2009 doi:10.1016/j.rse.2009.05.012.
    """
    limits = seen.limits
    inner = water.inner_water(
        seen.ground.waters, resolution=seen.ground.resolution, shore_buffer_m=limits["shore_buffer_m"]
    )
    ndci, fai = _ndci_without_air(seen), seen.now.index("fai")
    comparable = (inner > 0) & np.isfinite(ndci) & np.isfinite(fai)
    with np.errstate(invalid="ignore"):
        strength = np.minimum(ndci / limits["bloom_ndci_min"], fai / limits["bloom_fai_min"])
        wet = seen.now.index("ndmi") >= limits["bloom_ndmi_min"]
        clear = seen.now.index("blue") <= limits["haze_blue_max"]
    return Change(comparable & clear & wet & water.bloom(ndci, fai, limits), comparable, strength)


def _ndci_without_air(seen: Comparison) -> np.ndarray:
    """NDCI of red and red edge less SWIR2 (see `bloom`); 0 where nothing is left of them."""
    red, edge = (seen.now.bands[band] - seen.now.bands["swir22"] for band in ("red", "rededge1"))
    red, edge = np.maximum(red, DARKEST), np.maximum(edge, DARKEST)
    return np.asarray((edge - red) / (edge + red))


@event("water_loss", group="water", key="mndwi", shown=("mndwi", "ndvi"), since="latest")
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
