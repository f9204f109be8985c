"""What every operation shares: who asks, spans of time, pages of rows, and rows as JSON."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, get_type_hints

import pandas as pd
from fastapi import Depends, HTTPException, Query, Request
from pydantic import AfterValidator, BaseModel, create_model

from console.web.site import Site
from domain.times import LOCAL
from store.ledger.users import User

_FIRST, _LAST = 1970, 2200

Word = Annotated[str, Query(max_length=200)]


def _instant(moment: datetime) -> datetime:
    if not _FIRST <= moment.year < _LAST:
        raise ValueError(f"a moment from {_FIRST} to {_LAST} was expected")
    return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)).astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_instant)]
From = Annotated[
    Moment | None, Query(alias="from", description="First instant, RFC 3339; without a zone it is Shanghai time.")
]
To = Annotated[Moment | None, Query(alias="to", description="First instant after.")]


def asker(request: Request) -> User:
    """Who asks; the gate has let nobody else through.

    Raises:
        HTTPException: nobody is signed in.
    """
    user = getattr(request.state, "user", None)
    if user is None:
        raise HTTPException(401, "sign in, or send a bearer token", headers={"WWW-Authenticate": "Bearer"})
    return user


Asker = Annotated[User, Depends(asker)]


def permitted(site: Site, permission: str) -> Callable[[User], User]:
    """A dependency: the user, if his role has the permission."""

    def check(user: Asker) -> User:
        if not site.allows(user, permission):
            raise HTTPException(403, f"the role {user.role} may not do this: it lacks the permission {permission}")
        return user

    return check


class Paging:
    """Which page of how many rows."""

    def __init__(
        self,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        size: Annotated[int, Query(ge=1, le=1000, description="Rows a page.")] = 100,
    ) -> None:
        self.page, self.size = page, size

    @property
    def offset(self) -> int:
        """How many rows are before the page."""
        return (self.page - 1) * self.size

    def of(self, frame: pd.DataFrame) -> dict[str, Any]:
        """The page of a whole frame."""
        return self.told(frame.iloc[self.offset : self.offset + self.size], len(frame))

    def told(self, rows: pd.DataFrame, total: int) -> dict[str, Any]:
        """A page that was read as one."""
        return {"items": records(rows), "total": total, "page": self.page, "size": self.size}


Paged = Annotated[Paging, Depends(Paging)]


class Rows(BaseModel):
    """One page of rows."""

    total: int
    page: int
    size: int


def page_of(name: str, record: type, *, without: tuple[str, ...] = (), **more: Any) -> type[BaseModel]:
    """The model of a page of records: the record's fields (numbers may be null), and some more."""
    hints = get_type_hints(record)
    told: dict[str, Any] = {
        f.name: (hints[f.name] | None if hints[f.name] in (float, datetime) else hints[f.name], ...)
        for f in fields(record)
        if f.name not in without
    }
    row = create_model(name, **told | {k: (v, ...) for k, v in more.items()})
    return create_model(f"{name}Page", __base__=Rows, items=(list[row], ...))  # type: ignore[valid-type]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can say them: no NaN, instants aware."""
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def plain(value: Any) -> Any:
    """One cell as JSON can say it."""
    if isinstance(value, Mapping | list | tuple | str | bool | int):
        return value
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else value
