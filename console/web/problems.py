"""Errors of the API as problem details (RFC 9457), without anything of the inside."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from domain.errors import PipelineError, StoreConflict

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, Any]] = []


#: What every operation may answer besides its own, for the OpenAPI document.
ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {}}}
    for status in (400, 401, 403, 404, 409, 422)
}


def answer(
    status: int,
    detail: str = "",
    *,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as an answer."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or [])
    return JSONResponse(told.model_dump(), status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Make an application answer every error this way."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StoreConflict, _conflict)
    app.add_exception_handler(PipelineError, _refused)


def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return answer(error.status_code, str(error.detail), headers=error.headers)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [{"at": [str(p) for p in e["loc"]], "what": str(e["msg"])} for e in error.errors()]
    return answer(422, "the request is not as the OpenAPI document says", errors=found)


def _conflict(_request: Request, error: Exception) -> JSONResponse:
    return answer(409, str(error))


def _refused(_request: Request, error: Exception) -> JSONResponse:
    return answer(400, str(error))
