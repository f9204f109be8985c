"""What tasks do beside calling one shell function."""

from datetime import UTC, datetime

from dags.steps import delivered_by
from domain.records import TABLES
from store.home import Home

NEW_YEAR, SPRING = datetime(2025, 12, 31, 16, tzinfo=UTC), datetime(2026, 3, 31, 16, tzinfo=UTC)


def test_a_report_is_never_older_than_what_it_is_made_from(tmp_path):
    home = Home.open(tmp_path / "home")
    assert delivered_by(home, 2025, NEW_YEAR) == NEW_YEAR
    figure = {
        "zone": "331102", "item": "cpi", "object": "", "value": 100.2, "unit": "", "form": "economy",
        "state": "reported", "department": "statistics", "document": "d", "cell": "raw/x#B7",
    }  # fmt: skip
    rows = [figure | {"year": 2024, "received_at": datetime(2027, 1, 1, tzinfo=UTC)}]
    rows += [figure | {"year": 2025, "item": item, "received_at": at} for item, at in (("a", NEW_YEAR), ("b", SPRING))]
    home.lake.upsert("statistics", TABLES["statistics"].frame(rows), now=SPRING, why="test")
    assert delivered_by(home, 2025, NEW_YEAR) == SPRING
    assert delivered_by(home, 2023, NEW_YEAR) == NEW_YEAR
