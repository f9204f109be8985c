"""Files: raw payloads as received (content-addressed), rasters as Cloud-Optimized GeoTIFF, products.

A file appears whole or not at all: it is written beside its place and moved there.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.windows import Window

from domain.errors import FeedCorrupt, StoreError

#: A header may claim any size; a county at 10 m is 44 million cells, a full Sentinel-2 tile 121 million.
MAX_CELLS = 500_000_000


class Files:
    """One folder of files; every name is relative to it."""

    def __init__(self, root: Path) -> None:
        self.root = root

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

    def read_raster(self, href: str | Path, *, window: tuple[int, int, int, int] | None = None) -> xr.DataArray:
        """A raster as stored, dims (y, x) for one band and (band, y, x) for several, cell-centre coordinates.

        Attributes: crs (`EPSG:n` or WKT), transform (affine), nodata (None when the file names none).

        Args:
            href: a name in this store or an absolute path.
            window: (row, column, height, width).

        Raises:
            FeedCorrupt: the file is missing, truncated, too large or no raster; the text names it.
        """
        place = Path(href) if Path(href).is_absolute() else self.path(href)
        try:
            with rasterio.open(place) as source:
                if source.width * source.height * source.count > MAX_CELLS:
                    raise FeedCorrupt(
                        f"{place.name}: claims {source.width} x {source.height} x {source.count} cells; "
                        f"more than {MAX_CELLS} are not read"
                    )
                part = None if window is None else Window(window[1], window[0], window[3], window[2])
                cells = source.read(window=part)
                transform = source.transform if part is None else source.window_transform(part)
                crs, nodata = source.crs, source.nodata
        except RasterioError as error:
            raise FeedCorrupt(f"{place.name}: the raster cannot be read ({error}); fetch it again") from error
        return as_array(cells[0] if len(cells) == 1 else cells, transform=transform, crs=crs, nodata=nodata)

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
        profile = {
            "driver": "GTiff",
            "height": cells.shape[1],
            "width": cells.shape[2],
            "count": cells.shape[0],
            "dtype": cells.dtype.name,
            "crs": data.attrs["crs"],
            "transform": data.attrs["transform"],
            "nodata": nodata,
        }
        with MemoryFile() as plain, MemoryFile() as target:
            with plain.open(**profile) as draft:
                draft.write(cells)
                draft.update_tags(**dict(tags or {}))
            with plain.open() as draft:
                rasterio.shutil.copy(draft, target.name, driver="COG", compress="DEFLATE", predictor="YES")
            return self.write_bytes(relative, bytes(target.getbuffer()))


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
