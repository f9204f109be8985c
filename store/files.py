"""Files: raw payloads as received (content-addressed), rasters as Cloud-Optimized GeoTIFF, products.

A file appears whole or not at all: it is written beside its place and moved there.
"""

import filecmp
import hashlib
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.windows import Window

from domain.errors import FeedCorrupt, StoreError
from store import netcdf

#: A header may claim any size; a county at 10 m is 44 million cells, a full Sentinel-2 tile 121 million.
MAX_CELLS = 500_000_000
#: What GDAL may keep of decoded blocks, bytes: by itself it takes a twentieth of the machine's memory.
CACHE_BYTES = 64 * 2**20
#: Rasters up to so many bytes are put together in memory, larger ones on the disk.
_SMALL = 32 * 2**20
#: First bytes of what may be opened as a raster, and who reads it. Other drivers of GDAL would open files and addresses
#: that a document names.
_SIGNATURES = {
    b"II*\x00": "GTiff",
    b"MM\x00*": "GTiff",
    b"II+\x00": "GTiff",
    b"MM\x00+": "GTiff",
    b"\x00\x00\x00\x0cjP  ": "JP2OpenJPEG",
}


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """What the header of a raster says."""

    shape: tuple[int, int]  # rows, columns
    count: int  # bands
    dtype: str
    crs: str  # EPSG:n or WKT; "" when it names none
    transform: rasterio.Affine
    nodata: float | None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in `crs`, of a rotated raster too."""
        (height, width), (a, b, c, d, e, f) = self.shape, tuple(self.transform)[:6]
        xs = [c + a * x + b * y for x in (0, width) for y in (0, height)]
        ys = [f + d * x + e * y for x in (0, width) for y in (0, height)]
        return min(xs), min(ys), max(xs), max(ys)


class Files:
    """One folder of files; every name is relative to it."""

    def __init__(self, root: Path, max_cells: int = MAX_CELLS) -> None:
        self.root = root
        self.max_cells = max_cells

    def path(self, relative: str | Path) -> Path:
        """The place of a relative name.

        Raises:
            StoreError: the name leads outside the folder.
        """
        place = (self.root / relative).resolve()
        if not place.is_relative_to(self.root.resolve()):
            raise StoreError(f"{relative}: a name inside the store was expected")
        return place

    def archive(self, payload: bytes, suffix: str = "") -> str:
        """Keep a payload as received; the same bytes are kept once. Returns its reference."""
        digest = hashlib.sha256(payload).hexdigest()
        ref = f"raw/{digest[:2]}/{digest}{suffix}"
        if not self.path(ref).exists():
            self.write_bytes(ref, payload)
        return ref

    def payload(self, raw_ref: str) -> bytes:
        """The bytes behind an archive reference.

        Raises:
            StoreError: there are none.
        """
        try:
            return self.path(raw_ref).read_bytes()
        except FileNotFoundError:
            raise StoreError(f"{raw_ref}: not in the archive {self.root}") from None

    def write_bytes(self, relative: str | Path, content: bytes) -> Path:
        """Write a whole file at once; equal content is left alone."""
        place = self.path(relative)
        if place.exists() and place.stat().st_size == len(content) and place.read_bytes() == content:
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return place

    def adopt(self, place: Path, relative: str | Path) -> Path:
        """Move a whole file of the same disk to its name at once; what was there before is replaced."""
        target = self.path(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        with place.open("rb") as stream:
            os.fsync(stream.fileno())
        place.chmod(0o644)
        return place.replace(target)

    def raster_info(self, href: str | Path) -> RasterInfo:
        """What the header of a raster says; no cell is read.

        Raises:
            FeedCorrupt: the file is missing or no raster; the text names it.
        """
        with self._opened(href) as source:
            return RasterInfo(
                shape=source.shape,
                count=source.count,
                dtype=source.dtypes[0],
                crs=_crs_name(source.crs),
                transform=source.transform,
                nodata=source.nodata,
            )

    def whole(self, href: str | Path) -> str:
        """Read a raster or NetCDF file to its last cell, a block at a time; returns its ending (.tif, .jp2, .nc, .h5).

        Raises:
            FeedCorrupt: the file is missing, truncated, of another kind, or declares more cells than `max_cells`
                (nothing is allocated then); the text names it.
        """
        place = Path(href) if Path(href).is_absolute() else self.path(href)
        if netcdf.is_one(place):
            netcdf.scan(place, max_cells=self.max_cells)
            return ".nc"
        with self._opened(place) as source:
            self._bearable(source, None, None, place.name)
            _exhaust(source)
            if source.driver != "GTiff":
                return ".jp2"
            levels = len(source.overviews(1))
        for level in range(levels):  # they may be the end of the file
            with self._opened(place, OVERVIEW_LEVEL=level) as source:
                _exhaust(source)
        return ".tif"

    def read_raster(
        self, href: str | Path, *, window: tuple[int, int, int, int] | None = None, layer: int | None = None
    ) -> xr.DataArray:
        """A raster as stored, dims (y, x) for one band and (band, y, x) for several, cell-centre coordinates.

        Attributes: crs (`EPSG:n` or WKT), transform (affine), nodata (None when the file names none), and scale, offset
        and units where the file says so; the numbers are those of the file.

        Args:
            href: a name in this store or an absolute path.
            window: (row, column, height, width).
            layer: number of one band of a file of several, from 1.

        Raises:
            FeedCorrupt: the file is missing, truncated, no raster, lacks the layer, or declares more cells than
                `max_cells` (nothing is allocated then); the text names it.
        """
        with self._opened(href) as source:
            name = Path(source.name).name
            if layer is not None and not 1 <= layer <= source.count:
                raise FeedCorrupt(f"{name}: band {layer} was wanted, it has {source.count}; is it another product?")
            part = None if window is None else Window(window[1], window[0], window[3], window[2])
            self._bearable(source, part, layer, name)
            cells = source.read(indexes=layer, window=part)
            transform = _corner(source.transform, part)
            said = _said(source, layer or 1)
            crs, nodata = source.crs, source.nodata
        single = cells.ndim == 3 and len(cells) == 1
        data = as_array(cells[0] if single else cells, transform=transform, crs=_crs_name(crs), nodata=nodata)
        return data.assign_attrs(said)

    def read_netcdf(
        self, href: str | Path, variables: Collection[str] | None = None, *, group: str | None = None
    ) -> xr.Dataset:
        """Variables of a NetCDF or HDF5 file as stored: nothing scaled, nothing masked, times as numbers.

        Args:
            href: a name in this store or an absolute path.
            variables: names, with their group (`PRODUCT/qa_value`) where `group` is not given; None: all of the group.
            group: path of the group they are in.

        Raises:
            FeedCorrupt: the file is missing, truncated, no NetCDF, lacks a variable, or declares more cells than
                `max_cells`; the text names it.
        """
        place = Path(href) if Path(href).is_absolute() else self.path(href)
        return netcdf.read(place, variables, group=group, max_cells=self.max_cells)

    def read_grid(self, href: str | Path, names: Sequence[str], *, step: int | None = None) -> xr.DataArray:
        """A variable on a regular grid of a NetCDF or HDF5 file as a raster, north up; see `netcdf.gridded`.

        Args:
            href: a name in this store or an absolute path.
            names: what the variable may be called, with its group; the first that is there is read.
            step: which time of a file of several, from 0.

        Raises:
            FeedCorrupt: as for `read_netcdf`, or its axes are no grid.
        """
        place = Path(href) if Path(href).is_absolute() else self.path(href)
        return netcdf.gridded(place, names, step=step, max_cells=self.max_cells)

    @contextmanager
    def _opened(self, href: str | Path, **options: Any) -> Iterator[Any]:
        place = Path(href) if Path(href).is_absolute() else self.path(href)
        try:
            with (
                rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES),
                rasterio.open(place, driver=_driver(place), **options) as source,
            ):
                yield source
        except (RasterioError, CPLE_BaseError, OSError) as error:
            raise FeedCorrupt(f"{place.name}: the raster cannot be read ({error}); fetch it again") from error

    def _bearable(self, source: Any, part: Window | None, layer: int | None, name: str) -> None:
        """Refuse before anything is allocated: the cells that are wanted, and the block that must be unpacked."""
        height, width = source.shape if part is None else (part.height, part.width)
        count = source.count if layer is None else 1
        block = max((rows * columns for rows, columns in source.block_shapes), default=0)
        if max(height * width * count, block) > self.max_cells:
            raise FeedCorrupt(
                f"{name}: claims {source.width} x {source.height} x {source.count} cells in blocks of up to {block}; "
                f"more than {self.max_cells} are not read; if it is right, raise SANYAN_MAX_CELLS"
            )

    def write_cog(
        self,
        relative: str | Path,
        data: xr.DataArray,
        *,
        nodata: float | None,
        tags: Mapping[str, str] | None = None,
    ) -> Path:
        """Write (y, x) or (band, y, x) cells as a Cloud-Optimized GeoTIFF; equal input gives equal bytes."""
        cells = data.values if data.ndim == 3 else data.values[np.newaxis]
        header = Header(cells.shape, cells.dtype.name, data.attrs["crs"], data.attrs["transform"], nodata)
        return self.write_cog_parts(relative, header, [(0, 0, cells)], tags=tags)

    def write_cog_parts(
        self,
        relative: str | Path,
        header: "Header",
        parts: Iterable[tuple[int, int, np.ndarray]],
        *,
        tags: Mapping[str, str] | None = None,
    ) -> Path:
        """Write a Cloud-Optimized GeoTIFF of any size with only a part of it in memory.

        Args:
            relative: its name.
            header: shape, kind of numbers and place.
            parts: row, column and cells (band, y, x) of each part; together they cover the raster. Any cut gives the
                same bytes.
            tags: texts kept in the file.
        """
        count, height, width = header.shape
        profile = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": header.dtype,
                   "crs": header.crs, "transform": header.transform, "nodata": header.nodata}  # fmt: skip
        place = self.path(relative)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Small rasters stay in memory: most are, and a disk is slower.
        small = count * height * width * np.dtype(header.dtype).itemsize <= _SMALL
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), ExitStack() as stack:
            held = [stack.enter_context(MemoryFile()) for _ in range(2)] if small else []
            if small:
                plain, target = (file.name for file in held)
            else:
                folder = stack.enter_context(tempfile.TemporaryDirectory(dir=place.parent, prefix=".writing-"))
                plain, target = f"{folder}/plain.tif", f"{folder}/{place.name}"
            with rasterio.open(plain, "w", **profile, BIGTIFF="IF_SAFER") as draft:
                for row, column, cells in parts:
                    draft.write(cells, window=Window(column, row, cells.shape[2], cells.shape[1]))
                draft.update_tags(**dict(tags or {}))
            rasterio.shutil.copy(plain, target, driver="COG", compress="DEFLATE", predictor="YES", bigtiff="IF_SAFER")
            if small:
                return self.write_bytes(relative, bytes(held[1].getbuffer()))
            same = place.exists() and filecmp.cmp(target, place, shallow=False)
            return place if same else self.adopt(Path(target), relative)


@dataclass(frozen=True, slots=True)
class Header:
    """What a raster that is written says of itself."""

    shape: tuple[int, int, int]  # bands, rows, columns
    dtype: str
    crs: str
    transform: Any
    nodata: float | None


def _corner(transform: rasterio.Affine, part: Window | None) -> rasterio.Affine:
    """The transform of a window of a raster."""
    return transform if part is None else transform @ rasterio.Affine.translation(part.col_off, part.row_off)


def as_array(cells: np.ndarray, *, transform: rasterio.Affine, crs: object, nodata: float | None) -> xr.DataArray:
    """Cells of a north-up grid as a DataArray with cell-centre coordinates and crs, transform, nodata attributes."""
    height, width = cells.shape[-2:]
    columns = transform.c + transform.a * (np.arange(width) + 0.5)
    rows = transform.f + transform.e * (np.arange(height) + 0.5)
    dims = ("y", "x") if cells.ndim == 2 else ("band", "y", "x")
    return xr.DataArray(
        cells,
        dims=dims,
        coords={"y": rows, "x": columns},
        attrs={"crs": str(crs) if crs is not None else "", "transform": transform, "nodata": nodata},
    )


def _exhaust(source: Any) -> None:
    """Read every block once and keep none."""
    for layer in source.indexes:
        for _, block in source.block_windows(layer):
            source.read(layer, window=block)


def _driver(place: Path) -> str:
    with place.open("rb") as stream:
        first = stream.read(16)
    found = next((driver for start, driver in _SIGNATURES.items() if first.startswith(start)), None)
    if found is None:
        raise FeedCorrupt(f"{place.name}: it is no GeoTIFF, JPEG 2000, NetCDF or HDF5 file")
    return found


def _crs_name(crs: Any) -> str:
    """`EPSG:n` where a reference system has a code, else its WKT; "" for none."""
    return str(crs) if crs is not None else ""


def _said(source: Any, layer: int) -> dict[str, Any]:
    """Scale, offset and unit of a band where the file names them (1, 0 and nothing are what GDAL says otherwise)."""
    scale, offset, unit = source.scales[layer - 1], source.offsets[layer - 1], source.units[layer - 1]
    said: dict[str, Any] = {} if (scale, offset) == (1.0, 0.0) else {"scale": scale, "offset": offset}
    return said | ({"units": unit} if unit else {})
