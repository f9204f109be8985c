"""A warm start: imported by the scheduler, whose forked workers then have everything loaded.

Without it each task spends most of its time importing pandas and its friends. In `airflow_local_settings.py`:

    import sys
    if "scheduler" in sys.argv:
        import dags.warm
"""

from importlib import import_module

for _name in (
    "alerts.incidents.run",
    "alerts.notifiers.cap",
    "alerts.notifiers.government_dingtalk",
    "alerts.notifiers.webhook",
    "alerts.run",
    "ingest.decoders.grid_report",
    "ingest.decoders.grid_sheet",
    "ingest.decoders.hj212",
    "ingest.decoders.lab_sheet",
    "ingest.decoders.stac_item",
    "ingest.run",
    "processing.gep.run",
    "processing.human",
    "processing.run",
    "processing.sky",
    "store.influx",
):
    import_module(_name)
