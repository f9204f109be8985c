"""What a warm scheduler has tried once, so that its workers need not."""

import subprocess
import sys
from pathlib import Path

import pytest

import dags

ROOT = Path(dags.__file__).parents[1]
TRIED = """
import dags.warm as warm
from domain.texts import catalogue
from ingest.decoders.hj212.frames import _scan
from processing.qc_kernel import _all
from processing.registered import registered
print("@@", warm.exercise(), len(_scan.signatures), len(_all.signatures),
      catalogue.cache_info().currsize, registered.cache_info().currsize)
"""


@pytest.mark.slow
def test_kernels_texts_and_indicators_are_there_and_a_broken_registry_stops_no_scheduler():
    code = TRIED + "\nimport os\nos.environ['SANYAN_REGISTRY'] = 'nowhere'\nimport importlib\nimportlib.reload(warm)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    indicators, *loaded = (int(x) for x in done.stdout.split("@@")[1].split())
    assert indicators > 20
    assert all(n > 0 for n in loaded)
