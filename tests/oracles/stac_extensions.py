"""What the STAC extensions allow in an item, field by field, for a machine without a network.

Their JSON schemas lie on the web and in no package, so the definitions are written down here as rules of our own: type,
enumeration, range and number of values of every field, no other field with the prefix, and what must be there.

Sources: README and schema of github.com/stac-extensions/projection (v2.0.0: proj:epsg is gone), /raster (v1.1.0) and
/eo (v1.1.0, 2023-02-08: eo:snow_cover, wavelengths above 0).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator

_NUMBER, _TEXT, _SHARE = {"type": "number"}, {"type": "string"}, {"type": "number", "minimum": 0, "maximum": 100}
_ABOVE_0 = {"type": "number", "exclusiveMinimum": 0}
_COMMON_NAMES = [
    "coastal", "blue", "green", "red", "rededge", "rededge1", "rededge2", "rededge3", "yellow", "pan", "nir", "nir08",
    "nir09", "cirrus", "swir16", "swir22", "lwir", "lwir11", "lwir12",
]  # fmt: skip
_DATA_TYPES = [
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "cint16", "cint32", "cfloat32", "cfloat64", "other",
]  # fmt: skip


def _numbers(*lengths: int, kind: str = "number") -> dict[str, Any]:
    return {
        "type": "array", "items": {"type": kind}, "oneOf": [{"minItems": n, "maxItems": n} for n in lengths],
    }  # fmt: skip


def _closed(fields: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "additionalProperties": False, "required": list(required)}


def _bands(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": {**_closed(fields), "minProperties": 1}}


_STATISTICS = dict.fromkeys(("mean", "minimum", "maximum", "stddev", "valid_percent"), _NUMBER)
_HISTOGRAM = {
    **dict.fromkeys(("count", "min", "max"), _NUMBER),
    "buckets": {"type": "array", "minItems": 3, "items": {"type": "integer"}},
}
#: Prefix -> address of the version, and field -> rule, in properties and in assets.
EXTENSIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "proj": (
        "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
        {
            "proj:code": {"anyOf": [{"type": "string", "pattern": "^[A-Z][A-Z0-9_]*:[A-Za-z0-9]+$"}, {"type": "null"}]},
            "proj:wkt2": {"type": ["string", "null"]},
            "proj:projjson": {"type": ["object", "null"]},
            "proj:geometry": {"type": "object", "required": ["type", "coordinates"]},
            "proj:bbox": _numbers(4, 6),
            "proj:centroid": {"type": "object", "required": ["lat", "lon"]},
            "proj:shape": _numbers(2, kind="integer"),
            "proj:transform": _numbers(6, 9),
        },
    ),
    "raster": (
        "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        {
            "raster:bands": _bands(
                {
                    "data_type": {"enum": _DATA_TYPES},
                    "unit": _TEXT,
                    "bits_per_sample": {"type": "integer"},
                    "sampling": {"enum": ["area", "point"]},
                    "nodata": {"anyOf": [_NUMBER, {"enum": ["nan", "inf", "-inf"]}]},
                    "scale": _NUMBER,
                    "offset": _NUMBER,
                    "spatial_resolution": _NUMBER,
                    "statistics": {**_closed(_STATISTICS), "minProperties": 1},
                    "histogram": _closed(_HISTOGRAM, *_HISTOGRAM),
                }
            )
        },
    ),
    "eo": (
        "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
        {
            "eo:cloud_cover": _SHARE,
            "eo:snow_cover": _SHARE,
            "eo:bands": _bands(
                {
                    "name": _TEXT,
                    "common_name": {"enum": _COMMON_NAMES},
                    "description": _TEXT,
                    "center_wavelength": _ABOVE_0,
                    "full_width_half_max": _ABOVE_0,
                    "solar_illumination": {"type": "number", "minimum": 0},
                }
            ),
        },
    ),
}


def problems(item: Mapping[str, Any]) -> list[str]:
    """What in an item the extensions do not allow; an item must name all three and use each."""
    return list(_problems(item))


def _problems(item: Mapping[str, Any]) -> Iterator[str]:
    places = {"properties": item["properties"], **{f"assets.{k}": a for k, a in item["assets"].items()}}
    for prefix, (address, fields) in EXTENSIONS.items():
        if address not in item["stac_extensions"]:
            yield f"{address} is not named"
        used = 0
        for place, told in places.items():
            own = {name: value for name, value in told.items() if name.startswith(f"{prefix}:")}
            used += len(own)
            for error in Draft7Validator(_closed(fields)).iter_errors(own):
                yield f"{place} {'.'.join(map(str, error.absolute_path))}: {error.message}"
        if not used:
            yield f"no field of {prefix}"
    # eo: bands stand in properties only where an asset has them too; raster: bands stand in assets alone.
    if "raster:bands" in item["properties"]:
        yield "raster:bands belong to assets"
    if "eo:bands" in item["properties"] and not any("eo:bands" in asset for asset in item["assets"].values()):
        yield "eo:bands in properties alone"
