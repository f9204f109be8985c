"""What a feed of HJ 212 captures may say in feeds.yaml."""

from typing import Annotated

from pydantic import Field

from domain.documents import Strict

Key = Annotated[str, Field(pattern="^[0-9A-Fa-f]{32}$")]


class Options(Strict):
    """The options of the decoder."""

    future_minutes: float = 5  # how far DataTime may lie behind the receive time
    max_age_days: float = 366  # how old DataTime may be
    sm4_keys: dict[str, Key] = Field(
        default_factory=dict
    )  # MN -> key of an HJ 212-2025 device that encrypts, 32 hex digits
