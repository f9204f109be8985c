"""How a gateway listens, whom it lets in, and where it writes: `gateway.yaml` of the registry folder, read strictly.

listen        host, port, certificate and key (PEM files; with them the port speaks TLS); several ports may be named
networks      addresses that may connect (CIDR); none named: everybody
devices       any (strangers are kept and reported), registered (the registry's), or a list of MN
passwords     MN -> variable of the environment with the PW its frames must carry; "*" is every other device
connections, per_address     most at once; one more is closed at once
idle          a connection that is silent so long is closed
quiet         a half frame that gets no further byte for so long is written as it is
rotate        while data flow, a file becomes visible to the feed so often; after a pause at once
rotate_bytes  a larger file becomes visible earlier
mqtt          host, port, topics, user, password_env, client_id, tls, reply ({mn} is the device)
airflow       url, dag, user, password_env: the DAG that is asked to run when something arrived

Durations are ISO 8601. Without the file one port of loopback is open and nobody is told when something arrives.
"""

import ipaddress
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, IPvAnyNetwork, model_validator

from domain.documents import Document, Strict
from domain.errors import CatalogueError
from domain.registry import Registry
from ingest.gateway.replies import Head

FILE = "gateway.yaml"
PORT = 9212
OTHERS = "*"

Length = Annotated[timedelta, Field(gt=timedelta(0))]
Port = Annotated[int, Field(ge=0, le=65535)]


class Listen(Strict):
    """One port."""

    host: str = "127.0.0.1"
    port: Port = PORT
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self


class Mqtt(Strict):
    """A broker that devices publish to."""

    host: str
    port: Port = 1883
    topics: tuple[str, ...] = Field(default=("hj212/+/up",), min_length=1)
    user: str = ""
    password_env: str = ""
    client_id: str = "sanyan-gateway"  # the broker keeps what comes while we are away under this name
    tls: bool = False
    reply: str = ""  # topic of answers, for example hj212/{mn}/down; "" sends none


class Ask(Strict):
    """The Airflow that is asked to run when something arrived."""

    url: str = Field(pattern=r"^https?://")
    dag: str = "watch_minutely"
    user: str = ""
    password_env: str = ""


class Settings(Strict):
    """Everything a gateway can be told."""

    feed: str = "ground_hj212"
    listen: tuple[Listen, ...] = (Listen(),)
    networks: tuple[IPvAnyNetwork, ...] = ()
    devices: Literal["any", "registered"] | tuple[str, ...] = "any"
    passwords: dict[str, str] = Field(default_factory=dict)
    connections: int = Field(default=2000, ge=1)
    per_address: int = Field(default=200, ge=1)
    idle: Length = timedelta(minutes=30)
    quiet: Length = timedelta(seconds=10)
    rotate: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=5)
    rotate_bytes: int = Field(default=4 * 1024 * 1024, ge=1)
    mqtt: Mqtt | None = None
    airflow: Ask | None = None


def for_registry(folder: Path) -> Settings:
    """The settings of a deployment: its `gateway.yaml`, else the defaults.

    Raises:
        CatalogueError: every problem of the file at once.
    """
    path = folder / FILE
    return Document.read(path).parse(Settings) if path.is_file() else Settings()


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may come in; a frame that may not is kept aside and never answered."""

    networks: tuple[IPvAnyNetwork, ...] = ()
    devices: Collection[str] | None = None  # None: any
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: Settings, registry: Registry) -> "Admission":
        """The rules of some settings.

        Raises:
            CatalogueError: a variable that holds a password is not set; all of them at once.
        """
        names = settings.passwords.values()
        missing = sorted({n for n in names if not os.environ.get(n)})
        if missing:
            raise CatalogueError([f"{FILE}: passwords: the environment variable {n} is not set" for n in missing])
        devices = {"any": None, "registered": frozenset(registry.by_mn)}.get(str(settings.devices), settings.devices)
        return cls(settings.networks, devices, {mn: os.environ[n] for mn, n in settings.passwords.items()})

    def lets_connect(self, address: str) -> bool:
        """Whether an address may connect at all."""
        if not self.networks:
            return True
        try:
            here = ipaddress.ip_address(re.sub(r"%.*", "", address))
        except ValueError:
            return False
        here = getattr(here, "ipv4_mapped", None) or here
        return any(here in network for network in self.networks)

    def objection(self, head: Head) -> str:
        """Why a whole frame may not come in; "" when it may."""
        if self.devices is not None and head.mn not in self.devices:
            return "stranger"
        wanted = self.passwords.get(head.mn, self.passwords.get(OTHERS))
        return "" if wanted is None or head.pw == wanted else "password"
