"""Signing in and out, and the one-time links: plain forms, no script."""

from asyncio import Semaphore
from html import escape
from string import Template
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from console.web.passwords import LONGEST, SHORTEST, fits, hashed, weakness
from console.web.roles import roles
from console.web.site import Site
from domain.texts import LANGUAGES, say
from store.ledger import users

LANGUAGE_COOKIE = "sanyan_language"

#: Argon2 takes 64 MiB and a core for a moment: so many at once and no more.
_AT_ONCE = 2

_PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/assets/console.css"></head>
<body class="sy-door"><main><form method="post" action="$action">
<p class="sy-brand"><b>$brand</b><span>$county</span></p><h1>$title</h1>
$said
$fields
<button type="submit">$button</button>
<p class="sy-door-lang">$languages</p></form></main></body></html>""")


def language_of(request: Request) -> str:
    """Chosen by `?lang=`, else by the cookie; Chinese by default."""
    for chosen in (request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, "")):
        if chosen in LANGUAGES:
            return chosen
    return "zh"


def inside(path: str) -> str:
    """A path of this address to go on to; the map for anything else."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path
    return path if plain else "/"


def router(site: Site) -> APIRouter:
    """The routes of the door."""
    routes = APIRouter(include_in_schema=False)
    hashing = Semaphore(_AT_ONCE)

    @routes.get("/sign-in")
    def sign_in_page(request: Request) -> HTMLResponse:
        return _sign_in(site, request)

    @routes.post("/sign-in")
    async def sign_in(
        request: Request, login: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
    ) -> Response:
        async with hashing:
            secret = await run_in_threadpool(_judge, site, login.strip().lower(), password[: LONGEST + 1])
        if secret is None:
            return _sign_in(site, request, "web.sign_in.wrong", status=403)
        away = RedirectResponse(inside(request.query_params.get("next", "/")), 303)
        _remember(site, away, secret)
        away.set_cookie(LANGUAGE_COOKIE, language_of(request), max_age=31536000, samesite="lax", secure=site.secure)
        return away

    @routes.post("/sign-out")
    def sign_out(request: Request) -> Response:
        users.end_session(site.home.ledger, request.cookies.get(site.cookie, ""), now=site.now())
        site.log(request.state.user, "sign_out", "")
        site.forget()
        away = RedirectResponse("/sign-in", 303)
        away.delete_cookie(site.cookie, path="/", secure=site.secure, httponly=True)
        return away

    @routes.get("/link/{secret}")
    def link_page(request: Request, secret: str) -> HTMLResponse:
        return _link(site, request, secret)

    @routes.post("/link/{secret}")
    async def link(
        request: Request, secret: str, password: Annotated[str, Form()] = "", again: Annotated[str, Form()] = ""
    ) -> Response:
        login = users.owner_of_link(site.home.ledger, secret, now=site.now())
        if login is None:
            return _link(site, request, secret)
        wrong = weakness(password, login) or ("" if password == again else "web.password.differs")
        if wrong:
            return _link(site, request, secret, wrong)
        async with hashing:
            made = await run_in_threadpool(hashed, password)
        if users.use_link(site.home.ledger, secret, made, now=site.now()) is None:
            return _link(site, request, secret)
        site.log(login, "password", login)
        site.forget()
        return RedirectResponse("/sign-in", 303)

    return routes


def _judge(site: Site, login: str, password: str) -> str | None:
    """A session for the right password of an open account; None for anything else, whatever it was."""
    found = users.account(site.home.ledger, login)
    right = fits(password, found.password if found else "")
    now = site.now()
    if found is None:
        site.log(login, "sign_in_failed", "")
        return None
    locked = found.locked_until is not None and found.locked_until > now
    if right and not locked and not found.disabled:
        site.log(login, "sign_in", "")
        lasts = roles()[found.user.role].lasts
        return users.open_session(site.home.ledger, login, now=now, lasts=lasts)
    until = None if locked else users.failed(site.home.ledger, login, now=now)
    site.log(login, "locked" if until else "sign_in_failed", "")
    return None


def _remember(site: Site, answer: Response, secret: str) -> None:
    answer.set_cookie(site.cookie, secret, path="/", httponly=True, samesite="lax", secure=site.secure)


def _sign_in(site: Site, request: Request, wrong: str = "", *, status: int = 200) -> HTMLResponse:
    lang = language_of(request)
    fields = _field("login", say("web.sign_in.login", lang), "text", "username") + _field(
        "password", say("web.sign_in.password", lang), "password", "current-password"
    )
    said = f'<p class="sy-wrong" role="alert">{escape(say(wrong, lang))}</p>' if wrong else ""
    return _page(site, request, say("web.sign_in.title", lang), fields, said, say("web.sign_in.button", lang), status)


def _link(site: Site, request: Request, secret: str, wrong: str = "") -> HTMLResponse:
    lang = language_of(request)
    login = users.owner_of_link(site.home.ledger, secret, now=site.now())
    title = say("web.link.title", lang)
    if login is None:
        said = f'<p class="sy-wrong" role="alert">{escape(say("web.link.over", lang))}</p>'
        return _page(site, request, title, "", said, "", 410)
    rule = say("web.password.rule", lang, shortest=SHORTEST, longest=LONGEST)
    said = f"<p>{escape(say('web.link.for', lang, login=login))}<br>{escape(rule)}</p>"
    said += f'<p class="sy-wrong" role="alert">{escape(_why(wrong, lang))}</p>' if wrong else ""
    fields = _field("password", say("web.link.password", lang), "password", "new-password") + _field(
        "again", say("web.link.again", lang), "password", "new-password"
    )
    return _page(site, request, title, fields, said, say("web.link.button", lang), 403 if wrong else 200)


def _why(wrong: str, lang: str) -> str:
    known = {
        "web.password.length": say("web.password.length", lang, shortest=SHORTEST, longest=LONGEST),
        "web.password.weak": say("web.password.weak", lang),
        "web.password.differs": say("web.password.differs", lang),
    }
    return known[wrong]


def _field(name: str, label: str, kind: str, complete: str) -> str:
    return (
        f'<label>{escape(label)}<input name="{name}" type="{kind}" autocomplete="{complete}" maxlength="128" '
        f"required></label>"
    )


def _page(site: Site, request: Request, title: str, fields: str, said: str, button: str, status: int) -> HTMLResponse:
    lang = language_of(request)
    county = site.home.registry.county[f"name_{lang}"]
    others = " · ".join(
        f'<a href="{escape(_in_language(request, code), quote=True)}" lang="{code}">{name}</a>'
        for code, name in (("zh", "中文"), ("en", "English"))
    )
    action = escape(request.url.path + (f"?{request.url.query}" if request.url.query else ""), quote=True)
    html = _PAGE.substitute(
        lang="zh-CN" if lang == "zh" else "en",
        title=escape(title),
        brand=escape(say("web.brand", lang)),
        county=escape(str(county)),
        action=action,
        said=said,
        fields=fields,
        button=escape(button),
        languages=others,
    )
    if not button:
        html = html.replace('<button type="submit"></button>', "")
    return HTMLResponse(html, status)


def _in_language(request: Request, code: str) -> str:
    return str(request.url.include_query_params(lang=code).replace(scheme="", netloc=""))
