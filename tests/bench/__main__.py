"""`make bench`: every benchmark, each as ratios against a named peer or a floor measured in the same run."""

import platform

from tests.bench import (
    aqi_peers,
    console,
    decade,
    fusion,
    gep,
    gep_peers,
    hj212,
    incidents,
    lake,
    latency,
    packet,
    prsa,
    qc_peers,
    sky,
)

BENCHES = {
    "GEP beside InVEST": gep_peers,
    "GEP of a district at 10 m": gep,
    "HJ 212 decoding": hj212,
    "Lake": lake,
    "History import (PRSA)": prsa,
    "Quality control": qc_peers,
    "Hourly AQI": aqi_peers,
    "Ten years of air and water": decade,
    "Console": console,
    "Three eyes in one incident": incidents,
    "Three eyes against one: the demo under four seeds": fusion,
    "Sky eye": sky,
    "Alarms: 15,000 at once, and from the file of an hour to the message": latency,
    "From the packet of a device to the message": packet,
}


def main() -> None:
    """Run all, one after the other."""
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    for title, bench in BENCHES.items():
        print(f"\n{title}")
        bench.run()


if __name__ == "__main__":
    main()
