"""Tasks for grid workers leave when they are dispatched, and not with the next run of the DAGs."""

import os

from alerts.incidents.task_channel import GridTasks
from alerts.run import deliver
from console.web.site import Site


def send_tasks(site: Site) -> None:
    """Send the tasks that are due; what the platform does not take is tried again by the DAGs."""
    deliver(site.home, [GridTasks.of(site.home.root, os.environ)], now=site.now())
