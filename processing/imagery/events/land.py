"""Events on land: woodland cleared, bare soil or something dumped, a burn scar, a stand of pines in decline.

At 10 m a spoil heap, a cleared slope and a landslide look alike: what is found is a place to look at, never a verdict.
Thresholds are rows of domain/tables/imagery_thresholds.csv; docs/sky_events.md tells rules, sizes and confusions.
"""

from datetime import date, timedelta

import numpy as np

from processing.imagery.events.kinds import Change, Comparison, event
from processing.imagery.events.views import day_of


@event("clearing", group="ground", key="ndvi", shown=("ndvi", "bi"))
def clearing(seen: Comparison) -> Change:
    """Woodland that lost its leaves and shows bare soil since it was last seen.

    NDVI falls by at least -clearing_dndvi_max, NBR by -clearing_dnbr_max, and BI rises by at least clearing_dbi_min
    beyond what the season did to the same land cover, from closed vegetation to open ground (`_opened`) that is bare
    (clearing_bi_min). Start values of two-date change.
    """
    return _bared(seen, _opened(seen, "clearing"))


@event("dump", group="ground", key="ndvi", shown=("ndvi", "visible", "flat"))
def dump(seen: Comparison) -> Change:
    """Green land turned grey (rubble, waste, concrete), or grassland laid bare.

    NDVI is lost as for a clearing (`_opened`), and what is there now is without leaves (dump_ndvi_max, dump_bi_min) and
    grey: (SWIR1 - B) / (SWIR1 + B) at most dump_flat_max, where soil has 0.5 and more, and red over green at most
    dump_rgi_max, where soil is brown. How bright it is says nothing: rubble in the low sun is darker than soil. On the
    covers named for the kind `bare_soil` bare ground is enough. Own rule.
    """
    limits = seen.limits
    found = _opened(seen, "dump")
    with np.errstate(invalid="ignore"):
        grey = (
            found.changed
            & (seen.now.index("ndvi") <= limits["dump_ndvi_max"])
            & (seen.now.index("flat") <= limits["dump_flat_max"])
            & (seen.now.index("rgi") <= limits["dump_rgi_max"])
            & (seen.now.index("bi") >= limits["dump_bi_min"])
        )
    if seen.ground.cover is None:
        return Change(grey, found.comparable, found.strength)
    bare = _bared(seen, found)
    return Change(
        grey | (bare.changed & seen.ground.allowed("bare_soil")),
        found.comparable,
        np.where(grey, found.strength, bare.strength),
    )


@event("burn", group="ground", key="nbr", shown=("nbr", "ndvi"))
def burn(seen: Comparison) -> Change:
    """A burn scar: the normalized burn ratio fell, the near infrared is dark, the short-wave infrared is not.

    dNBR at least burn_dnbr_min beyond the season (0.27: moderate severity of Key and Benson 2006, FIREMON, LA-1), NBR
    now at most burn_nbr_max, and char (`_charred`). Shadow darkens all bands; char is as bright in SWIR2 as a wood
    (burn_swir22_ratio_min).
    """
    limits = seen.limits
    now = seen.now
    with np.errstate(invalid="ignore"):
        dnbr, dndvi = -seen.beyond_season("nbr"), seen.beyond_season("ndvi")
        comparable = np.isfinite(dnbr) & np.isfinite(dndvi) & seen.recent() & seen.ground.allowed("burn")
        changed = (
            comparable
            & (dnbr >= limits["burn_dnbr_min"])
            & (dndvi <= limits["burn_dndvi_max"])
            & (now.index("nbr") <= limits["burn_nbr_max"])
            & _charred(seen)
            & (now.index("ndvi") >= limits["clearing_ndvi_min"])
            & (now.index("swir22") >= limits["burn_swir22_ratio_min"] * seen.before.index("swir22"))
            & _not_usual(seen, "nbr", limits["burn_dnbr_min"])
        )
    return Change(changed, comparable, dnbr / limits["burn_dnbr_min"])


@event("pine_decline", group="canopy", key="ndmi", shown=("ndmi", "rgi", "ndvi"), since="summer")
def pine_decline(seen: Comparison) -> Change:
    """A stand of pines that dried and reddened between early summer and autumn, inside the pine mask.

    Between pine_first_doy and pine_last_doy only, against the view of early summer: NDMI falls by at least
    -pine_dndmi_max and red over green rises by at least pine_drgi_min beyond what all pines did (drought browns all of
    them), while a canopy remains (pine_ndvi_min). Dead crowns are 3 to 8 m: 10 m sees stands, not trees.
    Timing: "September to October versus June" (Remote Sens. 2021, 13, 2083 on deciduous false hits); values ours.
    """
    limits = seen.limits
    today = day_of(seen.day)
    first, last = (
        date(today.year, 1, 1) + timedelta(days=int(limits[key]) - 1) for key in ("pine_first_doy", "pine_last_doy")
    )
    pines = seen.ground.allowed("pine_decline") & (seen.ground.cover is not None and first <= today <= last)
    since = seen.references.summer.day
    with np.errstate(invalid="ignore"):
        dndmi, drgi = seen.beyond_season("ndmi", "summer"), seen.beyond_season("rgi", "summer")
        same_year = seen.day - since <= limits["pine_reference_max_days"]
        comparable = pines & np.isfinite(dndmi) & np.isfinite(drgi) & same_year
        strength = np.minimum(dndmi / limits["pine_dndmi_max"], drgi / limits["pine_drgi_min"])
        changed = (
            comparable
            & (strength >= 1)
            & (seen.now.index("ndvi") >= limits["pine_ndvi_min"])
            & (seen.change("ndvi", "summer") < 0)
            & (seen.now.index("visible") <= limits["pine_visible_max"])
            & (seen.beyond_season("blue", "summer") <= limits["pine_dblue_max"])
        )
    return Change(changed, comparable, strength)


def _opened(seen: Comparison, kind: str) -> Change:
    """Closed vegetation (clearing_ndvi_before_min) that turned into open ground, beyond the season; kept out are

    clouds and haze the mask missed, canopies that only browned or thinned (clearing_ndvi_max), shadows (red must have
    risen by clearing_dred_min), char, another season (view before too old, or as open a year earlier), and water. Haze
    and thin cloud lower NDVI much and NBR little, since they are weak in SWIR2; lost leaves lower both: NBR must fall
    by -clearing_dnbr_max (where no SWIR2 was taken, NDVI decides alone). Clouds also brighten NIR: beyond
    clearing_nir_ratio_max times the brightest of the views before, any of which may lie in shadow.
    """
    limits, now, before = seen.limits, seen.now, seen.before
    with np.errstate(invalid="ignore"):
        dndvi, dnbr = seen.beyond_season("ndvi"), seen.beyond_season("nbr")
        comparable = np.isfinite(dndvi) & seen.recent() & seen.ground.allowed(kind)
        strength = np.fmin(dndvi / limits["clearing_dndvi_max"], dnbr / limits["clearing_dnbr_max"])
        changed = (
            comparable
            & (strength >= 1)
            & (before.index("ndvi") >= limits["clearing_ndvi_before_min"])
            & (now.index("ndvi") >= limits["clearing_ndvi_min"])
            & (now.index("ndvi") <= limits["clearing_ndvi_max"])
            & ~_charred(seen)
            & (now.index("blue") <= limits["haze_blue_max"])
            & (now.index("nir") <= limits["clearing_nir_ratio_max"] * seen.references.brightest("nir"))
            & (seen.change("red") >= limits["clearing_dred_min"])
            & _not_usual(seen, "ndvi", -limits["clearing_dndvi_max"])
        )
    return Change(changed, comparable, strength)


def _bared(seen: Comparison, opened: Change) -> Change:
    """Of the opened ground that whose bare soil index rose by clearing_dbi_min, to clearing_bi_min at least."""
    with np.errstate(invalid="ignore"):
        dbi = seen.beyond_season("bi") / seen.limits["clearing_dbi_min"]
        changed = opened.changed & (dbi >= 1) & (seen.now.index("bi") >= seen.limits["clearing_bi_min"])
    return Change(changed, opened.comparable & np.isfinite(dbi), np.minimum(opened.strength, dbi))


def _charred(seen: Comparison) -> np.ndarray:
    """Dark in the visible and robbed of its near infrared: at least burn_nir_loss_min of it lost."""
    lost = 1 - seen.now.index("nir") / seen.before.index("nir")
    dark = seen.now.index("visible") <= seen.limits["burn_visible_max"]
    return np.asarray(dark & (lost >= seen.limits["burn_nir_loss_min"]))


def _not_usual(seen: Comparison, name: str, loss: float) -> np.ndarray:
    """False where the same season a year earlier lacked as much: the loss since then is below season_loss_share."""
    lost = -seen.change(name, "season")
    return ~(lost < loss * seen.limits["season_loss_share"])
