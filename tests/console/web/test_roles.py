"""The role matrix: what each role may do, asked of the running application and not of the table alone."""

import itertools

import pytest

from console.web.roles import may, roles
from store.ledger import users
from tests.console.web.conftest import PHONE

#: permission -> viewer, operator, analyst, administrator; written here a second time on purpose.
MATRIX = {
    "see": (1, 1, 1, 1),
    "export": (0, 1, 1, 1),
    "handle": (0, 1, 0, 1),
    "silence": (0, 1, 0, 1),
    "replay": (0, 0, 1, 1),
    "raw": (0, 1, 1, 1),
    "personal": (0, 1, 0, 1),
    "account": (0, 0, 1, 1),
    "accounts": (0, 0, 0, 1),
}
ROLES = ("viewer", "operator", "analyst", "administrator")
#: What wants each permission: method, path, body.
ASKED = {
    "see": [("GET", "/api/v1/stations", None), ("GET", "/api/v1/incidents", None), ("GET", "/api/v1/alerts", None)],
    "export": [("GET", "/export/stations.csv", None), ("GET", "/export/incidents.xlsx", None)],
    "handle": [("POST", "/api/v1/incidents/nowhere/comment", {"why": "x"})],
    "raw": [("GET", "/api/v1/rejections/nowhere/payload", None)],
    "accounts": [("GET", "/export/accounts.csv", None), ("GET", "/export/access.csv", None)],
}


def test_the_table_says_what_the_matrix_says():
    assert tuple(roles()) == ROLES
    assert {p: tuple(int(may(r, p)) for r in ROLES) for p in MATRIX} == MATRIX
    assert set().union(*(r.permissions for r in roles().values())) == set(MATRIX)
    assert not may("nobody", "see")


@pytest.mark.parametrize(("permission", "role"), list(itertools.product(ASKED, ROLES)))
def test_the_application_does_what_the_matrix_says(as_role, permission, role):
    client = as_role(role)
    allowed = MATRIX[permission][ROLES.index(role)]
    for method, path, body in ASKED[permission]:
        answer = client.request(method, path, json=body, headers={"Origin": "http://testserver"})
        assert (answer.status_code != 403) == bool(allowed), (role, method, path, answer.status_code)
        if allowed:
            assert answer.status_code in (200, 404)


def test_a_view_of_a_payload_is_masked_and_logged(as_role, site):
    client = as_role("operator")
    (row,) = client.get("/api/v1/rejections").json()["items"]
    shown = client.get(f"/api/v1/rejections/{row['id']}/payload").json()["text"]
    assert PHONE not in shown
    assert "138****0000" in shown
    newest = users.read_access(site.home.ledger).iloc[0]
    assert (newest["who"], newest["what"], newest["subject"]) == ("operator", "raw", row["id"])
