"""Our soil loss, LS factor, water yield and carbon beside those of InVEST, cell by cell, on the same rasters.

InVEST lives in `.venv-bench/invest`, or in the environment that SANYAN_INVEST names, and is used by nothing else. It is
made here when it is absent. Its packages for Linux are sources: they need GDAL's headers (Debian: libgdal-dev), a
compiler and an older Cython; where that is not to be had, it is said.

    python -m tests.bench.gep_peers
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from processing.gep.formulas.soil import rusle
from processing.gep.formulas.soil_factors import ls_upslope
from processing.gep.formulas.water import actual_evapotranspiration_share
from processing.gep.terrain import slope_degrees, upslope_cells
from tests.bench.gep_given import CELL_OF_DEM, rasters, real_terrain, terrain

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("SANYAN_INVEST", ROOT / ".venv-bench" / "invest"))
DEM = ROOT / ".." / "shared" / "data" / "dem_copernicus30" / "Copernicus_DSM_COG_10_N00_00_E006_00_DEM.tif"
#: What the sources are built with, and the peers themselves, in this order.
BUILD = ("pip==26.3", "numpy==2.2.6", "setuptools==79.0.1", "wheel==0.48.0", "cython<3.1", "setuptools_scm", "babel")
PEERS = ("pygeoprocessing==2.4.11", "natcap.invest==3.20.2")


def python_of_peer() -> Path | None:
    """The interpreter that has InVEST, if it was installed."""
    python = HOME / "bin" / "python"
    return python if python.is_file() and list(HOME.glob("lib/*/site-packages/natcap/invest")) else None


def install() -> Path | None:
    """The interpreter of the peer, made if need be; None, and why, when it cannot be installed."""
    python = python_of_peer()
    if python is not None:
        return python
    uv = Path(sys.executable).with_name("uv")
    target = HOME / "bin" / "python"
    paths = {"PATH": f"{HOME / 'bin'}:/usr/local/bin:/usr/bin:/bin"}  # the build calls pybabel by name
    try:
        version = subprocess.run(
            ["gdal-config", "--version"], check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, HOME], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", target, *BUILD], check=True)
        for package in (f"gdal[numpy]=={version}.*", *PEERS):
            command = [target, "-m", "pip", "install", "--quiet", "--no-build-isolation", package]
            subprocess.run(command, check=True, capture_output=True, text=True, env=paths)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
        print(f"InVEST could not be installed (GDAL's headers and a compiler are needed): {reason}")
        return None
    return target


def outputs(python: Path, given: dict[str, Any]) -> dict[str, np.ndarray]:
    """What the models of the peer make of the rasters."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "given.npz", Path(folder) / "made.npz"
        np.savez(source, **given)
        worker = Path(__file__).with_name("gep_peer_worker.py")
        subprocess.run([python, worker, source, target], check=True, capture_output=True)
        with np.load(target) as made:
            return {name: made[name] for name in made.files}


def ours(given: dict[str, Any], slope_pct: np.ndarray, upslope: np.ndarray) -> dict[str, np.ndarray]:
    """Our numbers on the same rasters, with a slope and upslope cells."""
    table = {int(row[0]): row for row in given["biophysical"]}
    column = [np.vectorize(lambda code, k=k: table[code][k])(given["lulc"]) for k in range(10)]
    ls = ls_upslope(slope_pct, upslope, given["cell_m"], given["l_max"])
    potential, actual, _ = rusle(given["erosivity"], given["erodibility"], ls, 1.0, column[1], column[2])
    share = actual_evapotranspiration_share(
        column[3], given["eto"], given["precipitation"], column[4], given["soil_depth"], given["pawc"], column[5],
        given["z"],
    )  # fmt: skip
    pools = column[6] + column[7] + column[8] + column[9]
    wyield = given["precipitation"] * (1 - share)
    return {"ls": ls, "rkls": potential, "usle": actual, "fractp": share, "wyield": wyield, "carbon": pools}


def own_terrain(given: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Slope in % and upslope cells as we derive them."""
    slope = 100 * np.tan(np.radians(slope_degrees(given["dem"], given["cell_m"])))
    return slope, upslope_cells(given["dem"])


def largest(made: np.ndarray, theirs: np.ndarray) -> float:
    """Largest relative difference over the cells."""
    scale = np.maximum(np.abs(theirs), 1e-9)
    return float(np.max(np.abs(made - theirs) / scale))


def run() -> list[dict[str, Any]]:
    """Print and return the differences."""
    python = install()
    rows: list[dict[str, Any]] = []
    cases = {"synthetic": (terrain(), 30.0)}
    if DEM.is_file():
        cases["Copernicus DEM"] = (real_terrain(DEM), CELL_OF_DEM)
    for name, (dem, cell) in cases.items() if python else ():
        given = rasters(dem, cell)
        theirs = outputs(python, given)
        made = ours(given, theirs["slope"], theirs["flow_accumulation"])
        for what, values in made.items():
            rows.append({"terrain": name, "what": what, "largest": largest(values, theirs[what])})
        slope, upslope = own_terrain(given)
        inner = np.s_[2:-2, 2:-2]
        ls = ls_upslope(slope, upslope, cell, given["l_max"])[inner]
        ratio = float(ls.sum() / theirs["ls"][inner].sum())
        rows.append({"terrain": name, "what": "sum of LS, our slope and D8 over theirs and MFD", "ratio": ratio})
    for row in rows:
        print(f"{row['terrain']:15} {row['what']:50} {row.get('largest', row.get('ratio')):.3g}")
    return rows


if __name__ == "__main__":
    run()
