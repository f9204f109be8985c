"""Zonal statistics of a whole tile at its own resolution, block by block: decode, mask, index and sums in one pass.

Only blocks are in memory beside the numbers of the zones, which are found once for a tile's grid. What a block adds is
exact (`zonal.Sums`), so blocks may have any size and be shared among threads, processes or the workers of a
cluster: the bytes of the result are the same. The mask of a block is made with its halo, so it is that of the scene.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from math import lcm
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from domain.registry import Zones
from processing.imagery import mask, products, zonal
from processing.imagery.cells import Rule, cells_of
from processing.imagery.grid import Grid, grid_of
from processing.imagery.physical import physical
from processing.imagery.reflectance import OFFSET, SCALE, Offset, Policy, metadata_offset, offset
from processing.imagery.tables import SENTINEL2, scene_classes
from processing.imagery.zonal_kernel import difference, tally

#: Cells of a block at most, unless the files store more together: what a thread keeps in memory.
CELLS = 2**20
#: Indices that are the normalized difference of two bands: the first less the second.
PAIRS = {
    "ndvi": ("B08", "B04"),
    "ndwi": ("B03", "B08"),
    "mndwi": ("B03", "B11"),
    "ndci": ("B05", "B04"),
    "ndmi": ("B08", "B11"),
    "nbr": ("B08", "B12"),
}
_EVERY_NUMBER = np.arange(65536, dtype=np.uint16)


class Raster(Protocol):
    """What a file must tell, and give by windows."""

    name: str
    shape: tuple[int, int]
    crs: str
    transform: Any
    block: tuple[int, int]

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """The cells of a window."""


Opened = Callable[[str], AbstractContextManager[Any]]


class Block(NamedTuple):
    """A window of the finest grid."""

    row: int
    column: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What every block needs; it can be sent to another machine that sees the same files."""

    opened: Opened  # how a file is opened
    files: Mapping[str, str]  # band (and SCL) -> file
    layer: str  # id of a product that is made from these bands
    grid: Grid  # of the finest band
    stored: tuple[int, int]  # rows and columns of it that are stored together
    step: int  # blocks begin at multiples of it
    zones: Mapping[str, Zones]
    rule: Rule
    buffer_m: float
    offset_dn: int
    limits: Mapping[str, float]

    @property
    def bands(self) -> tuple[str, ...]:
        """Without the classes."""
        return tuple(sorted(b for b in self.files if b != "SCL"))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What some blocks add; parts are added with `+`, in any order."""

    sums: Mapping[str, zonal.Sums]
    histograms: np.ndarray  # (2, 65536) digital numbers of the probe band over dark cells and over all

    def __add__(self, other: "Part") -> "Part":
        return Part({k: s + other.sums[k] for k, s in self.sums.items()}, self.histograms + other.histograms)


@dataclass(frozen=True, slots=True)
class Found:
    """Statistics by layer of zones (see `zonal.table`), and how the digital numbers were read."""

    tables: Mapping[str, pd.DataFrame]
    offset: Offset


#: Runs a function over lists of blocks, wherever, and gives what comes out, in any order.
Task = Callable[[Job, Iterable[Block]], Part]
Mapper = Callable[[Task, Job, Sequence[Block]], Iterable[Part]]


def job(
    opened: Opened,
    files: Mapping[str, str],
    layer: str,
    zones: Mapping[str, Zones],
    *,
    limits: Mapping[str, float],
    rule: Rule = "centre",
) -> Job:
    """A job over a scene: which bands, on which grid.

    Args:
        opened: how a file is opened, `store.windows.reading`; a function of a module, so that workers find it.
        files: band -> file, `SCL` with the scene classes among them.
        layer: id of a product of imagery_products.csv.
        zones: layers of zones by name.
        limits: imagery thresholds.
        rule: how cells belong to zones.

    Raises:
        FeedCorrupt: a band is missing, or the bands do not lie on one grid.
    """
    needed = PAIRS.get(layer) or _sentinel(products.bands_of([layer]))
    absent = [b for b in (*needed, "SCL") if b not in files]
    if absent:
        raise FeedCorrupt(
            f"{layer} needs band {', '.join(absent)}, which the scene does not have; fetch the item again"
        )
    chosen = {b: files[b] for b in (*needed, "SCL")}
    with ExitStack() as stack:
        rasters = {b: stack.enter_context(opened(f)) for b, f in chosen.items()}
        finest = min((r for b, r in rasters.items() if b != "SCL"), key=lambda r: abs(r.transform.a))
        grid = _grid(finest)
        step = lcm(*(_factor(raster, grid) for raster in rasters.values()))
        stored = finest.block
    return Job(opened, chosen, layer, grid, stored, step, zones, rule, limits["cloud_buffer_m"], 0, dict(limits))


def statistics(
    work: Job, properties: Mapping[str, Any], mapper: Mapper, *, policy: Policy = "refuse", cells: int = CELLS
) -> Found:
    """Statistics of a layer over its clear cells, by layer of zones.

    The offset that the metadata ask for is used and held against the dark pixels that were met on the way; where the
    pixels are to decide and say otherwise, the scene is read once more.

    Args:
        work: from `job`.
        properties: of the STAC item.
        mapper: from `workers`: `threads(n)` or `cluster(client)`.
        policy: what to do when metadata and pixels disagree on the offset.
        cells: of a block at most.

    Raises:
        FeedCorrupt: a block cannot be decoded, or the offset cannot be decided.
    """
    stated = metadata_offset(properties)
    value = OFFSET if stated is None else stated
    whole = _added(mapper(part, replace(work, offset_dn=value), blocks(work, cells)))
    said = _decided(whole, properties, work.limits, policy)
    if said.value != value:
        whole = _added(mapper(part, replace(work, offset_dn=said.value), blocks(work, cells)))
    return Found(
        {
            name: zonal.table(total, cells_of(work.zones[name], work.grid, work.rule), cell_ha=work.grid.cell_ha)
            for name, total in whole.sums.items()
        },
        said,
    )


def blocks(work: Job, cells: int = CELLS) -> list[Block]:
    """The blocks of a job in reading order: stored blocks side by side, so many that they hold at most `cells`."""
    high = max(work.stored[0] // work.step, 1) * work.step
    across = max(cells // high // work.stored[1], 1) * work.stored[1]
    wide = max(across // work.step, 1) * work.step
    grid = work.grid
    return [
        Block(row, column, min(high, grid.height - row), min(wide, grid.width - column))
        for row in range(0, grid.height, high)
        for column in range(0, grid.width, wide)
    ]


def part(work: Job, todo: Iterable[Block]) -> Part:
    """What these blocks add.

    Raises:
        FeedCorrupt: a block cannot be decoded.
    """
    cells = {name: cells_of(zones, work.grid, work.rule) for name, zones in work.zones.items()}
    whole = Part({name: zonal.Sums.none(c.n) for name, c in cells.items()}, np.zeros((2, 65536), np.int64))
    quantity = _quantities(work)
    dark = np.zeros(256, dtype=bool)
    dark[scene_classes("dark")] = True
    probe = work.bands[-1]
    with ExitStack() as stack:
        rasters = {b: stack.enter_context(work.opened(f)) for b, f in work.files.items()}
        for block in todo:
            numbers, codes, own = read(work, rasters, block)
            values = _layer(work, numbers, codes, own, quantity)
            tally(numbers[probe], codes[own], dark, numbers[probe].shape[0] // codes[own].shape[0], whole.histograms)
            found = {n: zonal.sums(values, c, row=block.row, column=block.column) for n, c in cells.items()}
            whole = Part({n: s + found[n] for n, s in whole.sums.items()}, whole.histograms)
    return whole


def read(
    work: Job, rasters: Mapping[str, Raster], block: Block
) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[slice, slice]]:
    """The digital numbers of a block, its scene classes with their halo, and where its own classes lie in them."""
    numbers = {b: rasters[b].read(*_window(block, _factor(rasters[b], work.grid))) for b in work.bands}
    classes = rasters["SCL"]
    factor = _factor(classes, work.grid)
    beside = mask.halo(work.grid.resolution * factor, work.buffer_m)
    row, column, height, width = _window(block, factor)
    top, left = max(row - beside, 0), max(column - beside, 0)
    bottom = min(row + height + beside, classes.shape[0])
    right = min(column + width + beside, classes.shape[1])
    own = np.s_[row - top : row - top + height, column - left : column - left + width]
    return numbers, classes.read(top, left, bottom - top, right - left), own


def _window(block: Block, factor: int) -> Block:
    """The same area in cells `factor` times as large."""
    return Block(*(n // factor for n in block))


def _layer(
    work: Job,
    numbers: Mapping[str, np.ndarray],
    codes: np.ndarray,
    own: tuple[slice, slice],
    quantity: Mapping[str, np.ndarray],
) -> np.ndarray:
    """The layer of a block, float32, NaN where not clear."""
    shape = max(n.shape for n in numbers.values())
    factor = shape[0] // codes[own].shape[0]
    clear = mask.clear_of(codes, resolution=work.grid.resolution * factor, buffer_m=work.buffer_m)[own]
    if work.layer in PAIRS and all(n.shape == shape for n in numbers.values()):
        first, second = PAIRS[work.layer]
        out = np.empty(shape, dtype=np.float32)
        difference(numbers[first], numbers[second], quantity[first], quantity[second], clear, factor, out)
        return out
    place = {"crs": work.grid.crs, "transform": work.grid.transform}
    bands = {
        band: xr.DataArray(_enlarged(quantity[band][found], shape), dims=("y", "x"), attrs=place)
        for band, found in numbers.items()
    }
    made = products.compute(bands, [work.layer], limits=work.limits)[work.layer]
    return np.where(_enlarged(clear, shape), made.values, np.float32("nan")).astype(np.float32)


def _enlarged(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Coarse cells as the finer ones that lie in them."""
    times = shape[0] // values.shape[0]
    return values if times == 1 else values.repeat(times, axis=0).repeat(times, axis=1)


def _quantities(work: Job) -> dict[str, np.ndarray]:
    """Reflectance of every digital number there is, by the same function that reads whole bands."""
    numbers = xr.DataArray(_EVERY_NUMBER, dims="dn")
    scale, offset_dn = 1 / SCALE, work.offset_dn / SCALE
    return {b: physical(SENTINEL2, b, numbers, scale=scale, offset=offset_dn).values for b in work.bands}


def _decided(whole: Part, properties: Mapping[str, Any], limits: Mapping[str, float], policy: Policy) -> Offset:
    over_dark = int(whole.histograms[0].sum()) >= limits["offset_probe_cells"]
    seen = np.repeat(_EVERY_NUMBER, whole.histograms[0 if over_dark else 1])
    return offset(properties, seen, np.full(len(seen), over_dark), limits=limits, policy=policy)


def _added(parts: Iterable[Part]) -> Part:
    found = iter(parts)
    whole = next(found)
    for each in found:
        whole = whole + each
    return whole


def _sentinel(names: Iterable[str]) -> tuple[str, ...]:
    """Sentinel-2's bands of these common names."""
    own = {spec.common_name: band for band, spec in imagery.bands(SENTINEL2).items()}
    return tuple(own[name] for name in names)


def _grid(raster: Raster) -> Grid:
    place = {"crs": raster.crs, "transform": raster.transform}
    return grid_of(xr.DataArray(np.broadcast_to(np.uint8(0), raster.shape), dims=("y", "x"), attrs=place))


def _factor(raster: Raster, grid: Grid) -> int:
    """How many cells of the grid lie side by side in a cell of a raster that covers the same area.

    Raises:
        FeedCorrupt: it covers another area, or its cells are no whole number of the grid's.
    """
    other = _grid(raster)
    factor = round(other.resolution / grid.resolution)
    same_corner = (other.crs, other.left, other.top) == (grid.crs, grid.left, grid.top)
    whole = factor >= 1 and other.resolution == factor * grid.resolution
    if not (same_corner and whole and grid.shape == (other.height * factor, other.width * factor)):
        raise FeedCorrupt(f"{raster.name}: {_said(other)} do not cover the area of the finest band, {_said(grid)}")
    return factor


def _said(grid: Grid) -> str:
    return f"{grid.height} x {grid.width} cells of {grid.resolution:g} m from {grid.left:g}, {grid.top:g} in {grid.crs}"
