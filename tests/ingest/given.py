"""Builders of small inputs for the tests of ingest."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import rasterio
from openpyxl import Workbook
from rasterio.transform import from_origin

from domain.registry import Registry
from domain.times import LOCAL
from ingest.decoded import Context
from ingest.feeds import FEEDS, Feed, load
from sample_feeds.hj212_frames import frame
from store.home import SAMPLE_COUNTY, Home

#: 20 August 2026, 09:00 to 10:00 in Lishui.
START = datetime(2026, 8, 20, 9, tzinfo=LOCAL).astimezone(UTC)
END = START + timedelta(hours=1)
DAY = datetime(2026, 8, 20, tzinfo=LOCAL).astimezone(UTC)
NEXT_DAY = DAY + timedelta(days=1)
MN = "331102000000000000000001"  # air-1


@cache
def registry() -> Registry:
    return Registry.load(SAMPLE_COUNTY)


def home(folder: Path) -> Home:
    return Home(folder, registry())


def feeds() -> dict[str, Feed]:
    return load(FEEDS)


def context(feed: str = "grid_platform", *, start=START, end=END, name="page-1.json", **options) -> Context:
    return Context(feed, start, end, registry(), "raw/00/00", name, options)


def put(root: Path, relative: str, content: bytes) -> Path:
    place = root / relative
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def report(**changes: object) -> dict[str, object]:
    """One item of the platform's interface; a change to None takes the key out."""
    item: dict[str, object] = {
        "taskId": "LD-1",
        "infoSourceName": "网格上报",
        "discoverTime": "2026-08-20 08:10:00",
        "reportTime": "2026-08-20 08:12:00",
        "updateTime": "2026-08-20 08:12:00",
        "coordX": 119.927304,
        "coordY": 28.448289,
        "coordSys": "GCJ02",
        "gridCode": "331102003201001",
        "streetCode": "331102003",
        "streetName": "万象街道",
        "description": "路口垃圾桶满了",
        "infoBcName": "固体废物",
        "infoScName": "暴露垃圾",
        "urgentDegree": "3",
        "statusName": "上报",
        "duplicateOf": "",
        "photos": [{"sha256": "ab" * 32}],
    }
    return {key: value for key, value in (item | changes).items() if value is not None}


def page(*items: object, pages: int = 1, number: int = 1, ascii_only: bool = False) -> bytes:
    data = {"total": len(items), "pages": pages, "pageNum": number, "pageSize": 100, "list": list(items)}
    return json.dumps({"errorCode": "0", "data": data}, ensure_ascii=ascii_only).encode()


def xlsx(*rows: Sequence[object], title: str = "检测结果") -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def hour_packet(
    values: str, *, mn: str = MN, st: str = "22", time: str = "20260820080000", sent: str = "20260820090300000"
) -> bytes:
    """An hour-data frame of HJ 212-2017."""
    text = f"QN={sent};ST={st};CN=2061;PW=123456;MN={mn};Flag=4;CP=&&DataTime={time};{values}&&"
    return frame(text.encode())


def raster(value: float = 7, *, epsg: int = 32650, size: int = 600) -> bytes:
    """A small tiled GeoTIFF."""
    cells = np.random.default_rng(1).integers(1, 10_000, (size, size)).astype("uint16")
    cells[0, 0] = value
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff", height=size, width=size, count=1, dtype="uint16", crs=epsg,
            transform=from_origin(750_000, 3_160_000, 60, 60), tiled=True, compress="deflate",
        ) as target:  # fmt: skip
            target.write(cells, 1)
        return bytes(memory.getbuffer())


def stac_item(assets: Mapping[str, str], **changes: object) -> dict[str, object]:
    properties = {
        "datetime": "2026-08-19T02:37:48Z",
        "created": "2026-08-20T01:20:00Z",
        "platform": "sentinel-2b",
        "eo:cloud_cover": 4.5,
        "proj:epsg": 32650,
        "s2:processing_baseline": "05.11",
    }
    item: dict[str, object] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2B_TEST",
        "collection": "sentinel-2-l2a",
        "bbox": [119.5, 28.1, 120.2, 28.7],
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[119.5, 28.1], [120.2, 28.1], [120.2, 28.7], [119.5, 28.7], [119.5, 28.1]]],
        },
        "properties": properties | changes.pop("properties", {}),  # type: ignore[operator]
        "links": [],
        "assets": {key: {"href": href, "type": "image/tiff; application=geotiff"} for key, href in assets.items()},
    }
    return item | changes


def catalogue(root: Path, *items: dict[str, object], collection: str = "sentinel-2-l2a") -> None:
    """A static STAC catalogue below root/sky."""
    links = [{"rel": "child", "href": f"./{collection}/collection.json"}]
    top = {"type": "Catalog", "id": "sky", "stac_version": "1.0.0", "description": "test", "links": links}
    put(root, "sky/catalog.json", json.dumps(top).encode())
    always = {"spatial": {"bbox": [[119, 28, 121, 29]]}, "temporal": {"interval": [["2026-01-01T00:00:00Z", None]]}}
    below = {
        "type": "Collection", "id": collection, "stac_version": "1.0.0", "description": "test", "license": "other",
        "extent": always,
        "links": [{"rel": "item", "href": f"./{item['id']}/{item['id']}.json"} for item in items],
    }  # fmt: skip
    put(root, f"sky/{collection}/collection.json", json.dumps(below).encode())
    for item in items:
        put(root, f"sky/{collection}/{item['id']}/{item['id']}.json", json.dumps(item).encode())


BANDS = ("B02", "B03", "B04", "B05", "B08", "B11", "B12", "SCL")


def scene(root: Path, *, bands: Sequence[str] = BANDS, **changes: object) -> Path:
    """A catalogue of one Sentinel-2 scene with its rasters; returns the folder of the item."""
    item = stac_item({band: f"./{band}.tif" for band in bands}, **changes)
    catalogue(root, item)
    for band in bands:
        put(root, f"sky/sentinel-2-l2a/{item['id']}/{band}.tif", raster(len(band)))
    return root / "sky" / "sentinel-2-l2a" / str(item["id"])


@contextmanager
def server(answers: Mapping[str, list[tuple[int, bytes]]]) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback: path -> answers in turn (the last one stays); gives its address and the paths asked for.

    `{address}` in an answer becomes the server's own address. A path that is not known with its query is without it.
    """
    asked: list[str] = []
    left = {path: list(each) for path, each in answers.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            each = left.get(self.path) or left.get(self.path.split("?")[0]) or [(404, b"")]
            status, body = each.pop(0) if len(each) > 1 else each[0]
            body = body.replace(b"{address}", address.encode())
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}"
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield address, asked
        running.shutdown()


def stac_api(*features: dict[str, object]) -> dict[str, list[tuple[int, bytes]]]:
    """Answers of a STAC API: a landing page, and a search that gives the first item and then the others."""
    conforms = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
    top = {"type": "Catalog", "id": "api", "stac_version": "1.0.0", "description": "test", "conformsTo": conforms}
    search = {"rel": "search", "href": "{address}/search", "method": "GET", "type": "application/geo+json"}
    links = [{"rel": "self", "href": "{address}/"}, search]
    more = [{"rel": "next", "href": "{address}/more", "method": "GET"}]
    found = {
        "/": top | {"links": links},
        "/search": {"type": "FeatureCollection", "features": features[:1], "links": more},
        "/more": {"type": "FeatureCollection", "features": features[1:], "links": []},
    }
    return {path: [(200, json.dumps(body).encode())] for path, body in found.items()}
