"""HJ 212: the wire protocol of Chinese environmental data loggers, in its editions of 2005, 2017 and 2025.

`decode` takes a capture file, the bytes of one hour exactly as the gateway received them, and goes

    bytes -> deciphered (sm4) -> spans (frames) -> fields -> heads -> observations (observe)

The options of the feed are those of `Options`.
"""

import numpy as np

from domain.records import Reason
from ingest.decoded import Context, Decoded
from ingest.decoders.hj212.fields import dissect
from ingest.decoders.hj212.frames import ACCEPTED, GARBAGE, spans
from ingest.decoders.hj212.heads import heads_refused, read_heads
from ingest.decoders.hj212.observe import observe
from ingest.decoders.hj212.options import Options
from ingest.decoders.hj212.refuse import issues_refused, spans_refused
from ingest.decoders.hj212.sm4 import deciphered

__all__ = ["Options", "decode"]


def decode(payload: bytes, context: Context) -> Decoded:
    """The observations of a capture file, and one rejection for each bad frame, bad item and run of garbage.

    Every byte that is not white space between frames lies in an accepted frame or in a rejection. A split message
    needs no assembly, since each part repeats DataTime. A frame sent twice gives its rows twice: the keyed upsert of
    the lake makes them one.

    Raises:
        CatalogueError, ValidationError: our own tables or options are wrong; never for what the payload holds.
    """
    if not payload or payload.isspace():
        detail = f"the capture file of {len(payload)} bytes holds no frame; see whether the gateway was connected"
        return Decoded.of(rejections=[context.reject(Reason.EMPTY, detail, length=len(payload))])
    options = Options(**context.options)
    plain = deciphered(payload, options.sm4_keys)
    data = np.frombuffer(plain, dtype=np.uint8)
    cut = spans(data)
    good = cut.kind == ACCEPTED
    content = dissect(data, cut.start[good] + 6, cut.tail[good])
    texts = [plain[first:last].decode("utf-8", "replace") for first, last in content.texts.tolist()]
    known = read_heads(data, cut.start[good], cut.stop[good], content, context, options, texts)
    table, refused = observe(data, known, content, context, texts)
    refused += spans_refused(plain, cut, context)
    refused += heads_refused(known, content, context, options, plain, texts)
    refused += issues_refused(plain, content, context)
    return Decoded.of(
        observations=table,
        rejections=sorted(refused, key=lambda rejection: (rejection.offset, rejection.reason)),
        n_records=int((cut.kind != GARBAGE).sum()),
    )
