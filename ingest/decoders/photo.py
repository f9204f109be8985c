"""Photos of grid reports: kept as they came, under the digest by which reports name them; nothing is read from them.

That a file is a photo is told by its content, never by its name.
"""

from domain.documents import Strict
from domain.photos import photo_type
from domain.records import Reason
from ingest.decoded import Context, Decoded

#: A photo of a phone has 3 to 12 MB.
_MOST_BYTES = 30 * 2**20


class Options(Strict):
    """There is nothing to choose."""


def decode(payload: bytes, context: Context) -> Decoded:
    """No record; what is no photo, or too large for one, is a `bad_document`."""
    Options(**context.options)
    if photo_type(payload) and len(payload) <= _MOST_BYTES:
        return Decoded.of(n_records=1)
    what = f"{len(payload):,} bytes that begin with {payload[:8].hex(' ')}"
    advice = f"send JPEG, PNG or WebP of at most {_MOST_BYTES // 2**20} MB"
    return Decoded.of(rejections=[context.reject(Reason.BAD_DOCUMENT, f"no photo but {what}; {advice}")], n_records=1)
