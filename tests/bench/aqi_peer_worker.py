"""Runs aqi-hub on the rows of a file, started by aqi_peers.py in the peer's own environment; numpy is not there.

python aqi_peer_worker.py rows.bin out.json
"""

import array
import json
import sys
import time
from pathlib import Path

from aqi_hub.aqi_cn.aqi import cal_aqi_cn, cal_primary_pollutant

source, target = sys.argv[1:]
numbers = array.array("d")
numbers.frombytes(Path(source).read_bytes())
rows = [tuple(numbers[i : i + 6]) for i in range(0, len(numbers), 6)]
begun = time.perf_counter()
found = []
for so2, no2, co, o3, pm10, pm25 in rows:
    index, each = cal_aqi_cn(pm25=pm25, pm10=pm10, so2=so2, no2=no2, co=co, o3=o3, data_type="hourly")
    found.append((index, cal_primary_pollutant(each)))
seconds = time.perf_counter() - begun
Path(target).write_text(json.dumps({"seconds": seconds, "aqi": [i for i, _ in found]}))
