"""The link to the console in Airflow's navigation."""

import json
from pathlib import Path

import pytest

import dags

pytestmark = pytest.mark.airflow
FOLDER = Path(dags.__file__).parent / "plugins"
ASK = """
import json, os, sys
os.environ["SANYAN_CONSOLE_URL"] = "https://console.example"
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = {folder!r}
from airflow import plugins_manager
(plugin,) = [p for p in plugins_manager._get_plugins()[0] if p.name == "sanyan_console"]
sys.path.insert(0, {folder!r})
from console_view import views
bad = [views(a) for a in ("", "javascript:alert(1)", "//evil.example")]
print("@@" + json.dumps([plugin.external_views, bad]))
"""


def test_the_link_is_there_when_an_address_is_set(python_in_airflow):
    out = python_in_airflow(ASK.format(folder=str(FOLDER)))
    shown, bad = json.loads(out.split("@@", 1)[1])
    assert [(v["href"], v["destination"]) for v in shown] == [("https://console.example", "nav")]
    assert bad == [[], [], []]
