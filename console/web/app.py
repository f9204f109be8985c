"""The whole of one console: gate, door, API, exports and pages, in one ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from console.web import downloads, gep, pictures, sign_in
from console.web.api.app import build as build_api
from console.web.county import BaseMap
from console.web.gate import Gate
from console.web.problems import answer, install
from console.web.site import Site
from console.web.watch import Watch

ASSETS = Path(__file__).parent / "assets"


def _no_such_api(rest: str) -> Response:
    """What is asked beside the API, as the API would say it."""
    return answer(404, f"there is no /api/{rest}")


def build(site: Site, *, pages: bool = True) -> FastAPI:
    """The application.

    Args:
        site: what is served.
        pages: with the pages for people; only one console in a process can have them.
    """
    base = BaseMap(site)
    watch = Watch(site, base)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(watch.run())
        yield
        looking.cancel()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan if pages else None)
    install(app)
    app.mount("/api/v1", build_api(site, base))
    app.add_api_route("/api/{rest:path}", _no_such_api, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    app.mount("/assets", StaticFiles(directory=ASSETS))
    app.include_router(sign_in.router(site))
    app.include_router(downloads.router(site))
    app.include_router(pictures.router(site))
    app.include_router(gep.router(site))

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> PlainTextResponse:
        """That the process answers, for a load balancer."""
        return PlainTextResponse("ok")

    if pages:
        from console.web.pages import register

        register(app, site, watch)
    app.add_middleware(Gate, site=site)
    return app
