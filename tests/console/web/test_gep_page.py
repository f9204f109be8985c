"""The page of accounts: who may compute, what a polygon gives, what a wrong one is told, which files are given out."""

import json
from datetime import timedelta

import pytest
from shapely.geometry import box, mapping
from starlette.testclient import TestClient

from console.web.app import build
from console.web.gep import Accounts, Asked, reports, rows_of
from console.web.site import Site
from domain.errors import PipelineError
from processing.gep.report.run import report
from processing.imagery.grid import WGS84, moved
from store.ledger import users
from store.ledger.users import User
from tests.console.web.conftest import HOST, NOW
from tests.processing.gep.test_annual import YEAR, stocked
from tests.processing.skyland import GRID
from tests.processing.test_gep_inputs import cover_map

PROFILE = "db33-2020"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = stocked(tmp_path_factory.mktemp("gep"))
    cover_map(place)
    return Site(place, lambda: NOW)


def plot(cells=20):
    """A square in a corner of the small county as GeoJSON."""
    side = cells * GRID.resolution
    local = box(GRID.left, GRID.top - side, GRID.left + side, GRID.top)
    return json.dumps(mapping(moved(local, GRID.crs, WGS84)))


def test_a_polygon_has_an_account_and_a_change_a_loss(site):
    accounts = Accounts(site)
    assert YEAR in accounts.years()
    assert PROFILE in accounts.profiles()
    assert "garze-2010" not in accounts.profiles()
    as_is = accounts.tell(Asked(plot(), YEAR, PROFILE))
    assert as_is.ha > 0
    assert as_is.found.value_cny > 0
    origin = max(as_is.areas, key=lambda k: as_is.areas[k])
    lost = accounts.tell(Asked(plot(), YEAR, PROFILE, origin, "residential"))
    half = accounts.tell(Asked(plot(), YEAR, PROFILE, origin, "residential", 0.5))
    assert lost.found.value_cny < 0
    assert half.found.value_cny == pytest.approx(lost.found.value_cny / 2)
    rows = rows_of(as_is, "zh")
    assert rows["value"].dropna().abs().is_monotonic_decreasing
    assert len(accounts._made) == 1


def test_a_wrong_polygon_is_told(site):
    for text in ("", "{}", json.dumps(mapping(box(0, 0, 1, 1)))):
        with pytest.raises(PipelineError):
            Accounts(site).tell(Asked(text, YEAR, PROFILE))


def test_files_of_reports_are_given_by_name_to_those_who_may(site):
    assert reports(site) == []
    report(site.home, year=YEAR, profile=PROFILE, author="张示例", now=NOW, draws=0, formats=("html", "package"))
    (one,) = reports(site)
    assert (one.year, one.profile, one.published, one.names) == (YEAR, PROFILE, False, ("report_zh.html",))
    with TestClient(build(site, pages=False), base_url=HOST) as client:
        for login, role, code in (("viewer", "viewer", 403), ("analyst", "analyst", 200)):
            users.add_user(site.home.ledger, User(login, "张示例", role), now=NOW)
            client.cookies.set(
                site.cookie, users.open_session(site.home.ledger, login, now=NOW, lasts=timedelta(hours=1))
            )
            place = f"/reports/{YEAR}/{PROFILE}/draft"
            assert client.get(f"{place}/report_zh.html").status_code == code
            for odd in ("report_zh.exe", "..%2Fpackage%2Fmanifest.json", "manifest.json", "report_en.html"):
                assert client.get(f"{place}/{odd}").status_code in (403, 404)
