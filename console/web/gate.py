"""The gate in front of everything: who is asking, from where, and what a browser may do with the answer.

Nothing but the sign-in, the one-time links and the program code of the pages is given to strangers. A browser shows its
session by a cookie that scripts cannot read; a request that changes something, and every web socket, must come from a
page of this very address (OWASP Cross-Site Request Forgery Prevention: origin check beside SameSite). Programs show a
bearer token (RFC 6750) and need no cookie.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.problems import answer
from console.web.site import Site
from store.ledger.users import User

#: Code, style and pictures of the pages; there are no data in them.
_CODE = ("/_nicegui/", "/assets/")
_OPEN = ("/sign-in", "/link/", "/favicon.ico", "/healthz", *_CODE)
_SAFE = ("GET", "HEAD", "OPTIONS")

#: Vue compiles templates in the browser and NiceGUI writes styles inline; all of it may come from this address only.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Gate:
    """ASGI middleware; puts the user into `request.state.user`."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        user = await run_in_threadpool(self._user, scope["path"], headers)
        refusal = _refusal(scope, headers, user)
        if refusal is None:
            scope.setdefault("state", {})["user"] = user
            await _patient(self.app, scope, receive, self._guarded(scope, send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, self._guarded(scope, send))

    def _user(self, path: str, headers: Headers) -> User | None:
        if path.startswith(_CODE):
            return None
        kind, _, secret = headers.get("authorization", "").partition(" ")
        if path.startswith("/api/") and kind:
            return self.site.who(secret.strip(), token=True) if kind.lower() == "bearer" else None
        secret = cookie_parser(headers.get("cookie", "")).get(self.site.cookie, "")
        return self.site.who(secret) if secret else None

    def _guarded(self, scope: Scope, send: Send) -> Send:
        told = dict(_HEADERS)
        if not scope["path"].startswith(_CODE):
            told["cache-control"] = "no-store"
        if self.site.secure:
            told["strict-transport-security"] = "max-age=31536000"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in told.items():
                    if name != "cache-control" or "etag" not in headers:
                        headers[name] = value
            await send(message)

        return guarded


async def _patient(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run an application; that a browser went away before the answer is no error."""
    gone = False

    async def listening() -> Message:
        nonlocal gone
        message = await receive()
        gone = gone or message["type"] == "http.disconnect"
        return message

    try:
        await app(scope, listening, send)
    except RuntimeError:
        if not gone:
            raise


def _refusal(scope: Scope, headers: Headers, user: User | None) -> Response | None:
    """Why a request does not pass, as the answer to it; None when it does."""
    path = scope["path"]
    if not _from_here(scope, headers):
        return answer(403, "the request comes from a page of another address")
    if user is not None or path.startswith(_OPEN):
        return None
    if path.startswith("/api/"):
        return answer(401, "sign in, or send a bearer token", headers={"WWW-Authenticate": "Bearer"})
    if scope["type"] == "http" and scope["method"] in _SAFE and not path.startswith("/_nicegui"):
        query = scope.get("query_string", b"").decode("latin-1")
        asked = quote(path + (f"?{query}" if query else ""), safe="")
        return RedirectResponse(f"/sign-in?next={asked}", 303)
    return PlainTextResponse("sign in first", 401)


def _from_here(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether no page of another address can have sent this."""
    origin = headers.get("origin", "")
    if origin:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    changes = scope["type"] == "http" and scope["method"] not in _SAFE
    if not changes or headers.get("authorization", ""):
        return True  # a page of another address cannot send the token of a program
    return headers.get("sec-fetch-site", "") == "same-origin"
