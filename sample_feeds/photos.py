"""Photos of the simulator: small drawn pictures, so that nobody takes them for real ones, of the kind that is reported.

A photo has what its report is about (dark water, brown haze, heaps, bare ground) below a sky, a striped edge as mark of
a drawing, and grain of its own, so that no two have the same bytes.
"""

import struct
import zlib
from functools import lru_cache

import numpy as np

from sample_feeds.streams import stream

WIDTH, HEIGHT = 240, 160
#: Of each category of report the colour of sky, land and what is reported.
_COLOURS = {
    "W": ((178, 205, 226), (96, 132, 84), (58, 54, 48)),
    "A": ((186, 170, 148), (138, 128, 112), (112, 98, 82)),
    "N": ((150, 178, 205), (120, 120, 124), (186, 120, 52)),
    "S": ((176, 204, 226), (116, 128, 92), (150, 62, 60)),
    "L": ((172, 202, 228), (88, 128, 72), (176, 138, 96)),
    "E": ((168, 200, 226), (70, 116, 66), (120, 98, 66)),
}
_OTHER = ((172, 202, 226), (110, 126, 100), (110, 110, 118))


@lru_cache(maxsize=4096)
def photo(name: str, category: str) -> bytes:
    """A PNG (RFC 2083) of what a report of the category shows; the same name gives the same bytes."""
    sky, land, thing = (np.array(c, float) for c in _COLOURS.get(category, _OTHER))
    rng = stream(0, "photo", name)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    horizon = HEIGHT * (0.4 + 0.04 * np.sin(x / rng.uniform(18, 40) + rng.uniform(0, 6)))
    shade = 1 + 0.25 * (y / HEIGHT - 0.5)
    picture = np.where((y < horizon)[..., None], sky, land) * shade[..., None]
    middle, width = rng.uniform(0.3, 0.7) * WIDTH, rng.uniform(0.15, 0.3) * WIDTH
    if category == "W":  # a stream that widens towards us
        reported = (np.abs(x - middle - 8 * np.sin(y / 14)) < width * (y - horizon) / HEIGHT) & (y > horizon)
    else:  # a heap on the ground
        reported = ((x - middle) / width) ** 2 + ((y - 0.75 * HEIGHT) / (0.25 * HEIGHT)) ** 2 < 1
    picture[reported] = thing
    picture += 4 * rng.integers(-2, 3, (HEIGHT // 4, WIDTH // 4, 1)).repeat(4, 0).repeat(4, 1)
    edge = (np.minimum.reduce([x, y, WIDTH - 1 - x, HEIGHT - 1 - y]) < 6)[..., None]
    stripes = np.where(((x + y) // 8 % 2 == 0)[..., None], 240, 60)
    return _png(np.where(edge, stripes, picture).clip(0, 255).astype(np.uint8))


def _png(picture: np.ndarray) -> bytes:
    """(rows, columns, 3) of 8-bit RGB as PNG."""
    rows, columns, _ = picture.shape
    lines = np.hstack([np.zeros((rows, 1), np.uint8), picture.reshape(rows, -1)])  # each line begins with its filter
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0),
        b"IDAT": zlib.compress(lines.tobytes(), 6),
        b"IEND": b"",
    }
    told = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts.items())
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)
