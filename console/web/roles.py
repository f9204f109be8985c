"""Roles and what each may do: two tables, read strictly."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError

_ROLE_COLUMNS = ("role", "rank", "name_zh", "name_en", "session_hours", "source")


@dataclass(frozen=True, slots=True)
class Role:
    """One role: its names, how long a session lasts, and its permissions."""

    id: str
    names: dict[str, str]
    lasts: timedelta
    permissions: frozenset[str]


@cache
def roles() -> dict[str, Role]:
    """Every role by id, mildest first.

    Raises:
        CatalogueError: a cell that is neither yes nor no.
    """
    table = read_table(TABLES_DIR / "console_roles.csv", columns=_ROLE_COLUMNS, key=["role"])
    ids = table["role"].tolist()
    rights = read_table(
        TABLES_DIR / "console_permissions.csv",
        columns=["permission", *ids, "name_zh", "name_en"],
        key=["permission"],
    )
    problems = [
        f"console_permissions.csv:{row['line']}: {role} is {row[role]!r}; write yes or no"
        for row in rights.to_dict("records")
        for role in ids
        if row[role] not in ("yes", "no")
    ]
    if problems:
        raise CatalogueError(problems)
    return {
        row["role"]: Role(
            row["role"],
            {"zh": row["name_zh"], "en": row["name_en"]},
            timedelta(hours=float(row["session_hours"])),
            frozenset(rights.loc[rights[row["role"]] == "yes", "permission"]),
        )
        for row in table.to_dict("records")
    }


def may(role: str, permission: str) -> bool:
    """Whether a role has a permission; an unknown role has none."""
    known = roles().get(role)
    return known is not None and permission in known.permissions
