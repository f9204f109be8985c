"""The API as one application: its description, its routes, its errors."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from console.web import problems
from console.web.api import cap, events, feeds, incidents, maps, series, stations
from console.web.api.asking import Asker
from console.web.county import BaseMap
from console.web.roles import roles
from console.web.site import COOKIE, Site

VERSION = "1"

_DESCRIPTION = """Sign in at the console, or send `Authorization: Bearer` with a token made by `sanyan console token`.
Times are RFC 3339; one without a zone is taken as Asia/Shanghai. Errors are problem details (RFC 9457)."""


class Me(BaseModel):
    """Who asks."""

    login: str
    name: str
    role: str
    permissions: list[str]


class _Api(FastAPI):
    """An application whose document says that every operation wants a session or a token."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made when it is first asked for."""
        if self.openapi_schema is None:
            made = super().openapi()
            made.setdefault("components", {})["securitySchemes"] = {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "token": {"type": "http", "scheme": "bearer"},
            }
            made["security"] = [{"session": []}, {"token": []}]
            made["servers"] = [{"url": "/api/v1"}]
            self.openapi_schema = made
        return self.openapi_schema


def build(site: Site, base: BaseMap) -> FastAPI:
    """The API of a site; the gate stands before it."""
    api = _Api(
        title="Sanyan",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,  # both pages would load scripts from elsewhere
        redoc_url=None,
        responses=problems.ANSWERS,
        redirect_slashes=False,
    )
    problems.install(api)

    @api.get("/me", response_model=Me, tags=["account"])
    def me(user: Asker) -> Any:
        """The account that asks and what it may do."""
        return Me(login=user.login, name=user.name, role=user.role, permissions=sorted(roles()[user.role].permissions))

    for router in (
        stations.router(site),
        series.router(site),
        events.router(site),
        incidents.router(site),
        maps.router(site, base),
        cap.router(site),
        feeds.router(site),
    ):
        api.include_router(router)
    return api
