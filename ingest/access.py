"""How a feed lets us in: a token in a header, or a signature behind each address.

Secrets are named by environment variable in feeds.yaml and never kept in it, and go to the hosts named there and to no
other: the addresses of rasters are written by catalogues.
"""

import os
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, model_validator

from domain.documents import Strict
from domain.errors import FeedUnavailable

#: Tokens that were asked for, until a server refuses them.
_HELD: dict[str, str] = {}


class Access(Strict):
    """How a feed lets us in; exactly one of `token_env`, `login`, `sign`."""

    hosts: tuple[str, ...] = Field(min_length=1)  # for example download.dataspace.copernicus.eu
    token_env: str = ""  # environment variable with a token, sent as Authorization: Bearer
    login: str = ""  # address that gives a token for a name and a password (OpenID password grant)
    client_id: str = "cdse-public"
    user_env: str = "SANYAN_SKY_USER"
    password_env: str = "SANYAN_SKY_PASSWORD"  # noqa: S105 - the name of a variable
    sign: str = ""  # address that gives {"token": "..."}, put behind the addresses of rasters as their query

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(map(bool, (self.token_env, self.login, self.sign))) != 1:
            raise ValueError("access needs exactly one of token_env, login, sign")
        return self

    def concerns(self, address: str) -> bool:
        """Whether an address is of one of the hosts."""
        return urlsplit(address).hostname in self.hosts


def admitted(feed: str, access: Access | None, address: str, client: httpx.Client) -> tuple[str, dict[str, str]]:
    """The address to ask and the headers to send.

    Raises:
        FeedUnavailable: a variable is not set, or no token is given; the text names it.
    """
    if access is None or not access.concerns(address):
        return address, {}
    if access.sign:
        token = _HELD.get(access.sign) or _signature(feed, access.sign, client)
        return f"{address}{'&' if '?' in address else '?'}{token}", {}
    token = (
        _set(feed, access.token_env) if access.token_env else _HELD.get(access.login) or _login(feed, access, client)
    )
    return address, {"Authorization": f"Bearer {token}"}


def forget(access: Access | None) -> bool:
    """Drop a token that was refused; whether there was one, so that asking again makes sense."""
    return access is not None and _HELD.pop(access.sign or access.login, None) is not None


def _signature(feed: str, address: str, client: httpx.Client) -> str:
    try:
        answer = client.get(address).raise_for_status()
        _HELD[address] = str(answer.json()["token"]).lstrip("?&")
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise FeedUnavailable(f"{feed}: {address}: no signature ({type(error).__name__}: {error})") from error
    return _HELD[address]


def _login(feed: str, access: Access, client: httpx.Client) -> str:
    form = {
        "grant_type": "password",
        "client_id": access.client_id,
        "username": _set(feed, access.user_env),
        "password": _set(feed, access.password_env),
    }
    try:
        answer = client.post(access.login, data=form).raise_for_status()
        _HELD[access.login] = str(answer.json()["access_token"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise FeedUnavailable(f"{feed}: {access.login}: no token ({type(error).__name__}: {error})") from error
    return _HELD[access.login]


def _set(feed: str, name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise FeedUnavailable(f"{feed}: the environment variable {name} is not set; access in feeds.yaml names it")
    return value
