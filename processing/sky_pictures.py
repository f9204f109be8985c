"""Before and after of the candidates first seen on a day: one picture each, named in the candidate."""

from typing import Any

from processing.charts_candidate import CandidateContent, draw_candidate
from processing.imagery.events import KINDS
from processing.sky_day import Seen
from store.home import Home


def picture_name(candidate_id: str) -> str:
    """The name of the picture of a candidate in the files of the home."""
    return f"candidates/{candidate_id}.png"


def pictured(home: Home, seen: Seen, features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The candidates of a day with pictures of those first seen on it, drawn in Chinese and named in `picture`.

    At most pictures_max are drawn, the surest first: a flood of candidates (no land-cover map at harvest) is a mistake
    and not a thousand tasks.
    """
    today = seen.view.day.isoformat()
    new = [f for f in features if f["properties"]["first_seen"] == today]
    new.sort(key=lambda f: (-f["properties"]["confidence"], f["properties"]["id"]))
    drawn: dict[str, str] = {}
    for feature in new[: int(seen.view.limits["pictures_max"])]:
        said = feature["properties"]
        before = seen.found.seen.reference(KINDS[said["kind"]].since)
        content = CandidateContent(
            feature, before, seen.found.seen.now, seen.view.day, seen.view.grid,
            seen.view.townships, seen.view.waters, bool(home.registry.county["simulated"]),
        )  # fmt: skip
        drawn[said["id"]] = picture_name(said["id"])
        home.files.write_bytes(drawn[said["id"]], draw_candidate(content, "zh"))
    return [
        {
            **f,
            "properties": {**f["properties"], "picture": drawn.get(f["properties"]["id"], f["properties"]["picture"])},
        }
        for f in features
    ]
