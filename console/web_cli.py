"""`sanyan console serve | user | link | token | untoken`: the web console and who may use it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.errors import PipelineError
from domain.texts import say

app = typer.Typer(no_args_is_help=True, help="The web console and its accounts. 值班台网页与账号。")
screen = Console()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
LoginArgument = Annotated[str, typer.Argument(help="Login of the account.")]

_FIRST = "admin"


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.")] = 8300,
    https: Annotated[bool, typer.Option("--https", help="Browsers reach it by https (a proxy before it).")] = False,
    until: Annotated[
        str | None, typer.Option(help="End of a replayed archive: the clock stands there (SANYAN_REPLAY_UNTIL).")
    ] = None,
) -> None:
    """Serve the pages and the API. 启动值班台网页与接口。"""
    import uvicorn

    from console.web.app import build
    from console.web.site import Site

    place = _home(home)
    end = None if until is None else _moment(until)
    site = Site(place, (lambda: end) if end else (lambda: datetime.now(UTC)), secure=https, is_live=end is None)
    url = f"{'https' if https else 'http'}://{host}:{port}"
    _first(place, url)
    screen.print(say("console.serving", url=url), soft_wrap=True, highlight=False)
    uvicorn.run(build(site), host=host, port=port, log_level="warning", access_log=False, server_header=False)


def _first(place: Any, url: str) -> None:
    """Before anybody has an account: make the administrator and print the link by which he chooses his password."""
    from store.ledger import users

    now = datetime.now(UTC)
    if users.count_users(place.ledger) == 0:
        users.add_user(place.ledger, users.User(_FIRST, "", "administrator"), now=now)
    first = users.account(place.ledger, _FIRST)
    if first is not None and not first.password and users.count_users(place.ledger) == 1:
        link = f"{url}/link/{users.open_link(place.ledger, _FIRST, now=now)}"
        screen.print(say("console.first", login=_FIRST, link=link), soft_wrap=True, highlight=False)


@app.command()
def user(
    login: LoginArgument,
    role: Annotated[str, typer.Option(help="viewer, operator, analyst or administrator.")] = "viewer",
    name: Annotated[str, typer.Option(help="Name shown to others.")] = "",
    home: HomeOption = None,
) -> None:
    """Add an account and print its one-time link. 新增账号。"""
    from console.web.roles import roles
    from store.ledger import users

    if role not in roles():
        raise PipelineError(say("console.no_role", role=role, known=", ".join(roles())))
    place, now = _home(home), datetime.now(UTC)
    _refused(lambda: users.add_user(place.ledger, users.User(login, name, role), now=now))
    users.log_access(place.ledger, "sanyan console", "account", login, now=now)
    _link(place, login, now)


@app.command()
def link(login: LoginArgument, home: HomeOption = None) -> None:
    """Print a new one-time link by which an account chooses a password. 生成一次性链接。"""
    from store.ledger import users

    place = _home(home)
    if users.account(place.ledger, login) is None:
        raise PipelineError(say("console.no_account", login=login))
    _link(place, login, datetime.now(UTC))


@app.command()
def token(
    login: LoginArgument,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it lasts.")] = 90,
    home: HomeOption = None,
) -> None:
    """Make a token for programs; it has the role of its account. 生成接口令牌。"""
    from store.ledger import users

    place, now = _home(home), datetime.now(UTC)
    if users.account(place.ledger, login) is None:
        raise PipelineError(say("console.no_account", login=login))
    secret = users.open_token(place.ledger, login, label, now=now, lasts=timedelta(days=days))
    users.log_access(place.ledger, "sanyan console", "token", f"{login} {label}".strip(), now=now)
    screen.print(secret, soft_wrap=True, highlight=False)


@app.command()
def untoken(
    token_id: Annotated[str, typer.Argument(help="The beginning of the token's id (`sanyan console tokens`).")],
    home: HomeOption = None,
) -> None:
    """Take a token back. 撤销令牌。"""
    from store.ledger import users

    place = _home(home)
    if not users.end_token(place.ledger, token_id, now=datetime.now(UTC)):
        raise PipelineError(say("console.no_token", token=token_id))
    screen.print(say("console.token_over", token=token_id))


@app.command()
def tokens(home: HomeOption = None) -> None:
    """List the tokens. 令牌列表。"""
    from console import screens
    from store.ledger import users

    found = users.read_tokens(_home(home).ledger)
    rows = [
        (
            r["id"][:12],
            r["login"],
            r["label"],
            f"{screens.moment(r['created_at'])}\n{screens.moment(r['expires_at'])}",
            "" if r["ended_at"] is None or r["ended_at"] != r["ended_at"] else screens.moment(r["ended_at"]),
        )
        for r in found.to_dict("records")
    ]
    names = ("number", "name", "title", "starts", "state")
    screen.print(screens.table("title.tokens", dict.fromkeys(names, "left"), rows))


def _home(home: Path | None) -> Any:
    from store.home import Home

    return Home.open(home)


def _moment(text: str) -> datetime:
    from console.cli import instant

    return instant(text, datetime.now(UTC))


def _link(place: Any, login: str, now: datetime) -> None:
    from store.ledger import users

    path = f"/link/{users.open_link(place.ledger, login, now=now)}"
    screen.print(say("console.link", login=login, path=path), soft_wrap=True, highlight=False)


def _refused(work: Any) -> None:
    try:
        work()
    except ValueError as error:
        raise PipelineError(str(error)) from error
