"""What a report is made of: its issue, its content, and the blocks that it is laid out as."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from domain.registry import Registry
from processing.gep.account import Account
from processing.gep.report.comparison import Years
from processing.gep.report.tables import County, Table
from processing.gep.report.trace import Step


@dataclass(frozen=True, slots=True)
class Issue:
    """Who issues what and when; a report without an approver is a draft and says so on every page."""

    author: str
    made_at: datetime
    software: str
    approver: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)  # of the tables of the lake it was computed from
    reason: str = ""  # why it is published although something stands against it

    @property
    def draft(self) -> bool:
        """Whether nobody but the author has looked."""
        return not self.approver or self.approver == self.author


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `loud` ones stand in a frame."""

    text: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with its caption."""

    name: str
    png: bytes
    caption: str


Block = Heading | Paragraph | Picture | Table


@dataclass(frozen=True)
class Document:
    """Everything a writer needs."""

    lang: str
    title: str
    subtitle: str
    cover: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    draft: str  # what stands on every page of a draft, "" on an approved report
    blocks: tuple[Block, ...]
    annexes: tuple[Table, ...]
    traces: tuple[tuple[str, Step], ...] = ()  # by part, what its number was made from

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables in their order, those of the annexes last."""
        return (*(b for b in self.blocks if isinstance(b, Table)), *self.annexes)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures in their order."""
        return tuple(b for b in self.blocks if isinstance(b, Picture))


@dataclass(frozen=True)
class Content:
    """What a report is made of."""

    account: Account
    county: County
    registry: Registry
    inputs: pd.DataFrame
    issue: Issue
    completeness: Table | None = None
    drivers: Table | None = None
    protected: Table | None = None
    years: Years | None = None  # this year beside the year before
    unlike: tuple[str, ...] = ()  # parts that only one of the two years knows, so that they are not compared
    before_inputs: pd.DataFrame | None = None
    land_changes: pd.DataFrame | None = (
        None  # zone, origin, target, area_m2 from the map of the year before to this one
    )
    targets: Mapping[str, float] = field(default_factory=dict)  # zone -> CNY at comparable prices
