"""A link to the console in the navigation of the Airflow page.

Where the console is stands in SANYAN_CONSOLE_URL; without it there is no link. The link opens the console by itself:
its pages refuse to be shown inside another page.
"""

import os
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin


def views(address: str) -> list[dict[str, Any]]:
    """The entry of the navigation; none without an address."""
    if not address.startswith(("http://", "https://")):
        return []
    return [{"name": "三眼值班台 Sanyan", "href": address, "destination": "nav", "category": "browse"}]


class ConsolePlugin(AirflowPlugin):
    """Registers the link."""

    name = "sanyan_console"
    external_views: ClassVar[list[Any]] = views(os.environ.get("SANYAN_CONSOLE_URL", ""))
