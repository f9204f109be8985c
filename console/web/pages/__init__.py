"""The pages: one file each, over the same reads."""

from typing import TYPE_CHECKING

from fastapi import FastAPI

if TYPE_CHECKING:
    from console.web.site import Site
    from console.web.watch import Watch


def register(app: FastAPI, site: "Site", watch: "Watch") -> None:
    """Put every page into the application; once in a process."""
    from nicegui import ui

    from console.web.pages import (
        accounts,
        county,
        feeds,
        gep,
        handover,
        incident,
        incidents,
        interface,
        rules,
        silences,
        station,
        stations,
    )
    from console.web.pages.frame import House

    house = House(site, watch)
    for page in (
        county,
        incidents,
        incident,
        stations,
        station,
        feeds,
        rules,
        silences,
        handover,
        gep,
        accounts,
        interface,
    ):
        page.register(house)
    ui.run_with(app, title="三眼 Sanyan", show_welcome_message=False, reconnect_timeout=20, language="zh-CN")
