"""NetCDF and HDF5 files, read as stored: the numbers of the file, what it says of them as attributes.

xarray would scale and mask by itself; here that is one function for all formats (`processing.imagery.physical`), so
files are opened without it. Attributes are renamed to those of rasters: scale, offset, nodata, valid_range, units.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import xarray as xr
from affine import Affine
from pyproj import CRS
from pyproj.exceptions import CRSError

from domain.errors import FeedCorrupt

_HDF5, _CLASSIC, _HDF4 = b"\x89HDF\r\n\x1a\n", b"CDF", b"\x0e\x03\x13\x01"
#: What a file calls it -> what it is called here; the first that is there counts.
_NAMES = {
    "scale": ("scale_factor", "scale"),
    "offset": ("add_offset", "offset"),
    "nodata": ("_FillValue", "missing_value"),
    "units": ("units", "Units"),
    "long_name": ("long_name",),
    "standard_name": ("standard_name",),
    "grid_mapping": ("grid_mapping",),
    "crs_wkt": ("crs_wkt", "spatial_ref"),
}
#: Names of axes, in small letters.
_NORTH = ("lat", "latitude", "nav_lat")
_EAST = ("lon", "longitude", "long", "nav_lon")
_Y, _X = ("y", "ydim", "yc"), ("x", "xdim", "xc")
#: Steps of an axis may differ by this share of a cell (single precision coordinates do).
_UNEVEN = 0.02
#: Cells that are read at once when a file is scanned.
_PART = 4_000_000


def read(place: Path, variables: Collection[str] | None, *, group: str | None, max_cells: int) -> xr.Dataset:
    """See `store.files.Files.read_netcdf`."""
    engine = _engine(place)
    parts: dict[str, list[str] | None] = {group or "": None} if variables is None else _by_group(variables, group)
    try:
        found = [_read_group(place, engine, path or None, names, max_cells) for path, names in parts.items()]
        whole = xr.merge(found, compat="override", combine_attrs="drop_conflicts")
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, EOFError, IndexError) as error:
        raise FeedCorrupt(f"{place.name}: the file cannot be read ({error}); fetch it again") from error
    return whole.assign_attrs(found[0].attrs)


def _by_group(variables: Collection[str], group: str | None) -> dict[str, list[str] | None]:
    """Path of a group -> the names of the variables in it."""
    found: dict[str, list[str]] = {}
    for name in variables:
        path, _, leaf = name.rpartition("/") if group is None else (group, "", name)
        found.setdefault(path, []).append(leaf)
    return dict(found)


def gridded(place: Path, names: Sequence[str], *, step: int | None, max_cells: int) -> xr.DataArray:
    """A variable on a regular grid, as rasters are read: dims (y, x), north up, crs, transform and nodata.

    Axes in any order and direction are put right; longitudes of 0..360 become -180..180. Attribute `axes` says what
    was done to them. Without a grid mapping, axes named latitude and longitude are WGS 84.

    Args:
        place: the file.
        names: what the variable may be called, with its group; the first that is there is read.
        step: which time of a file of several, from 0.
        max_cells: most cells that are read.

    Raises:
        FeedCorrupt: see `read`; no such axes, uneven axes, latitudes beyond 90 degrees, several times and no step.
    """
    listed = variables_of(place)
    name = next((n for n in names if n in listed), None)
    if name is None:
        raise FeedCorrupt(f"{place.name}: no variable {' or '.join(names)}; it has {sorted(listed)[:30]}")
    group, _, leaf = name.rpartition("/")
    data = read(place, [leaf], group=group or None, max_cells=max_cells)[leaf]
    dims = {str(d): str(d).lower() for d in data.dims}
    y = next((d for d, small in dims.items() if small in _NORTH + _Y), None)
    x = next((d for d, small in dims.items() if small in _EAST + _X), None)
    if y is None or x is None:
        raise FeedCorrupt(f"{place.name}: {name} has the axes {list(dims)}; none of them is latitude and longitude")
    notes = ["axes swapped: the file has longitude before latitude"] if data.dims.index(x) < data.dims.index(y) else []
    cells = _one_time(data, y, x, step, place).transpose(y, x)
    rows, columns = (_axis(place, group, axis, max_cells) for axis in (y, x))
    crs = _crs(place, group, data, geographic=dims[y] in _NORTH, max_cells=max_cells)
    if not crs.is_projected and np.abs(rows).max(initial=0) > 90 + 1e-6:
        raise FeedCorrupt(f"{place.name}: latitudes up to {np.abs(rows).max():g}; latitude and longitude are swapped")
    values, rows, columns, turned = _oriented(cells.values, rows, columns, degrees=not crs.is_projected)
    width, height = (_step(axis, name, place) for axis in (columns, rows))
    transform = Affine(width, 0, columns[0] - width / 2, 0, height, rows[0] - height / 2)
    attrs = {k: v for k, v in data.attrs.items() if k not in {"grid_mapping", "crs_wkt"}}
    out = xr.DataArray(np.ascontiguousarray(values), dims=("y", "x"), coords={"y": rows, "x": columns}, attrs=attrs)
    return out.assign_attrs(crs=crs.to_string(), transform=transform, axes="; ".join([*notes, *turned]))


def _oriented(
    values: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, degrees: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Cells with north up, east right and longitudes of -180..180, and what was done."""
    notes = []
    if degrees and columns.max(initial=0) > 180:
        columns = (columns + 180) % 360 - 180
        order = np.argsort(columns, kind="stable")
        columns, values = columns[order], values[:, order]
        notes.append("longitudes of 0..360 turned to -180..180")
    if len(rows) > 1 and rows[1] > rows[0]:
        rows, values = rows[::-1], values[::-1]
        notes.append("turned north up")
    if len(columns) > 1 and columns[1] < columns[0]:
        columns, values = columns[::-1], values[:, ::-1]
        notes.append("turned east right")
    return values, rows, columns, notes


def variables_of(place: Path) -> set[str]:
    """The names of all variables of a file, with their groups; no value is read.

    Raises:
        FeedCorrupt: the file is missing, truncated or no NetCDF or HDF5 file.
    """
    found: set[str] = set()
    try:
        if _engine(place) == "scipy":
            with xr.open_dataset(place, engine="scipy", decode_cf=False, cache=False) as source:
                return set(map(str, source.variables))
        with h5py.File(place, "r") as file:
            file.visititems(lambda name, what: found.add(name) if isinstance(what, h5py.Dataset) else None)
    except (OSError, RuntimeError, ValueError, TypeError, IndexError) as error:
        raise FeedCorrupt(f"{place.name}: the file cannot be read ({error}); fetch it again") from error
    return found


def is_one(place: Path) -> bool:
    """Whether a file begins as a NetCDF or HDF file does, of whatever edition."""
    try:
        with place.open("rb") as stream:
            return stream.read(8).startswith((_HDF5, _CLASSIC, _HDF4))
    except OSError as error:
        raise FeedCorrupt(f"{place.name}: the file cannot be opened ({error.strerror})") from error


def scan(place: Path, *, max_cells: int) -> None:
    """Read a file to its last value, a part at a time.

    Raises:
        FeedCorrupt: it is truncated, leads to other files (it could name any of this machine), or a variable declares
            more than `max_cells` cells (nothing is allocated then).
    """
    if _engine(place) == "scipy":
        read(place, None, group=None, max_cells=max_cells)
        return
    try:
        with h5py.File(place, "r") as file:
            out = file.visititems_links(lambda name, link: name if isinstance(link, h5py.ExternalLink) else None)
            if out:
                raise FeedCorrupt(f"{place.name}: {out} leads to another file; such files are not read")
            for name in sorted(variables_of(place)):
                data = file[name]
                if data.external or data.is_virtual:
                    raise FeedCorrupt(f"{place.name}: {name} lies in another file; such files are not read")
                cells = int(np.prod(data.shape or (), dtype=object))
                if cells > max_cells:
                    raise FeedCorrupt(
                        f"{place.name}: {name} declares {cells} cells; more than {max_cells} are not read; "
                        "if it is right, raise SANYAN_MAX_CELLS"
                    )
                rows = max(_PART * (data.shape[0] if data.shape else 1) // max(cells, 1), 1)
                for first in range(0, data.shape[0] if data.shape else 0, rows):
                    data[first : first + rows]
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise FeedCorrupt(f"{place.name}: the file cannot be read ({error}); fetch it again") from error


def _one_time(data: xr.DataArray, y: str, x: str, step: int | None, place: Path) -> xr.DataArray:
    for axis in [d for d in data.dims if d not in {y, x}]:
        many = data.sizes[axis]
        if many > 1 and step is None:
            raise FeedCorrupt(f"{place.name}: {data.name} has {many} steps of {axis!r}; say which one is meant")
        if not 0 <= (step or 0) < many:
            raise FeedCorrupt(f"{place.name}: {data.name} has {many} steps of {axis!r}, but step {step} was wanted")
        data = data.isel({axis: step or 0})
    return data


def _axis(place: Path, group: str, axis: str, max_cells: int) -> np.ndarray:
    """The coordinates along an axis, from its own group or the root."""
    listed = variables_of(place)
    name = next((n for n in (f"{group}/{axis}" if group else axis, axis) if n in listed), None)
    if name is None:
        raise FeedCorrupt(f"{place.name}: the axis {axis!r} has no coordinates")
    path, _, leaf = name.rpartition("/")
    found = read(place, [leaf], group=path or None, max_cells=max_cells)[leaf]
    values = found.values.astype(float) * found.attrs.get("scale", 1) + found.attrs.get("offset", 0)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise FeedCorrupt(f"{place.name}: the coordinates of {axis!r} are no line of numbers")
    return np.asarray(values)


def _step(axis: np.ndarray, name: str, place: Path) -> float:
    if len(axis) < 2:
        raise FeedCorrupt(f"{place.name}: {name} has an axis of {len(axis)} cells; a grid needs two or more")
    steps = np.diff(axis)
    mean = float((axis[-1] - axis[0]) / (len(axis) - 1))
    if mean == 0 or np.abs(steps - mean).max() > _UNEVEN * abs(mean):
        raise FeedCorrupt(f"{place.name}: {name} lies on uneven axes; it is no grid")
    return mean


def _crs(place: Path, group: str, data: xr.DataArray, *, geographic: bool, max_cells: int) -> CRS:
    mapping = data.attrs.get("grid_mapping")
    if mapping:
        wkt = read(place, [str(mapping)], group=group or None, max_cells=max_cells)[str(mapping)].attrs.get("crs_wkt")
        if wkt:
            try:
                return CRS.from_user_input(str(wkt))
            except CRSError as error:
                raise FeedCorrupt(f"{place.name}: its reference system cannot be read ({error})") from error
    if geographic:
        return CRS.from_epsg(4326)
    raise FeedCorrupt(f"{place.name}: {data.name} names no reference system; export it with one")


def _engine(place: Path) -> str:
    try:
        with place.open("rb") as stream:
            first = stream.read(8)
    except OSError as error:
        raise FeedCorrupt(f"{place.name}: the file cannot be opened ({error.strerror})") from error
    if first.startswith(_HDF4):
        raise FeedCorrupt(f"{place.name}: HDF4 is not read here; export it as GeoTIFF, NetCDF or HDF5")
    if first.startswith(_CLASSIC):
        return "scipy"
    if first == _HDF5:
        return "h5netcdf"
    raise FeedCorrupt(f"{place.name}: no NetCDF and no HDF5 file")


def _read_group(place: Path, engine: str, group: str | None, names: list[str] | None, max_cells: int) -> xr.Dataset:
    options: dict[str, Any] = {"phony_dims": "access"} if engine == "h5netcdf" else {}
    with xr.open_dataset(
        place, engine=engine, group=group, decode_cf=False, mask_and_scale=False, cache=False, **options
    ) as source:
        wanted = list(map(str, source.data_vars)) if names is None else names
        absent = [name for name in wanted if name not in source.variables]
        if absent:
            raise FeedCorrupt(
                f"{place.name}: no variable {', '.join(absent)}{f' in {group}' if group else ''}; "
                f"it has {sorted(map(str, source.variables))[:30]}"
            )
        part = source[[*wanted]]
        cells = sum(int(np.prod(v.shape, dtype=object)) for v in part.variables.values())
        if cells > max_cells:
            raise FeedCorrupt(
                f"{place.name}: declares {cells} cells; more than {max_cells} are not read; "
                "if it is right, raise SANYAN_MAX_CELLS"
            )
        data = part.load()
    return xr.Dataset(
        {name: _renamed(data[name]) for name in data.data_vars},
        coords={name: _renamed(data[name]) for name in data.coords},
        attrs={k: v for k, v in source.attrs.items() if isinstance(v, str | int | float | np.number)},
    )


def _renamed(data: xr.DataArray) -> xr.DataArray:
    """A variable with the attributes of rasters; others are left out."""
    attrs: dict[str, Any] = {}
    for ours, theirs in _NAMES.items():
        value = next((data.attrs[name] for name in theirs if name in data.attrs), None)
        if value is not None:
            attrs[ours] = _plain(value)
    if "valid_range" in data.attrs:
        attrs["valid_range"] = tuple(np.asarray(data.attrs["valid_range"], dtype=float).ravel().tolist())
    elif {"valid_min", "valid_max"} <= set(data.attrs):
        attrs["valid_range"] = (float(_plain(data.attrs["valid_min"])), float(_plain(data.attrs["valid_max"])))
    attrs.setdefault("nodata", None)
    return xr.DataArray(data.variable.copy(deep=False).data, dims=data.dims, attrs=attrs, name=data.name)


def _plain(value: Any) -> Any:
    """An attribute as a number or text; HDF5 keeps numbers as arrays of one."""
    if isinstance(value, str | bytes):
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    cell = np.asarray(value).ravel()[0]
    return cell.item() if isinstance(cell, np.generic) else cell
