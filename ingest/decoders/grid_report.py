"""Pages of a grid platform's interface: `{"errorCode": "0", ..., "data": {"total", "pages", "list": [...]}}`."""

import json
from collections.abc import Iterator
from typing import Any

from domain.records import Reason
from ingest import reports
from ingest.decoded import Context, Decoded

Options = reports.Options


def decode(payload: bytes, context: Context) -> Decoded:
    """The reports of one page.

    A page that is no whole JSON document, or an error answer, is one `bad_document`; an item that is no report is
    refused by itself, named by its JSON pointer.
    """
    if not payload.strip():
        return _refused(payload, context, Reason.EMPTY, "the page is empty; ask again")
    try:
        items = _listed(json.loads(_decoded(payload)))
    except RecursionError:
        return _refused(payload, context, Reason.BAD_DOCUMENT, "nested too deeply for a page of reports")
    except ValueError as error:
        return _refused(payload, context, Reason.BAD_DOCUMENT, f"{error}; ask again")
    strange = [
        context.reject(Reason.BAD_DOCUMENT, f"/data/list/{i}: an object was expected", length=len(payload))
        for i, item in enumerate(items)
        if not isinstance(item, dict)
    ]
    found = reports.decode(_items(items), context, Options(**context.options))
    if not strange:
        return found
    return Decoded.of(
        reports=found.reports, rejections=(*found.rejections, *strange), n_records=found.n_records + len(strange)
    )


def _listed(document: object) -> list[Any]:
    """The items of a page.

    Raises:
        ValueError: it is no page, or the platform answers with an error.
    """
    if not isinstance(document, dict):
        raise ValueError("/: an object was expected")
    if str(document.get("errorCode", "0")) != "0":
        said = reports.text(document.get("errorMessage"))[:200]
        raise ValueError(f"/errorCode: the platform answers {reports.text(document['errorCode'])[:20]!r} {said!r}")
    data = document.get("data")
    items = data.get("list") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise ValueError("/data/list: a list was expected")
    return items


def _items(items: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((f"/data/list/{i}", item) for i, item in enumerate(items) if isinstance(item, dict))


def _refused(payload: bytes, context: Context, reason: Reason, detail: str) -> Decoded:
    return Decoded.of(rejections=[context.reject(reason, detail, length=len(payload))], n_records=1)


def _decoded(payload: bytes) -> str:
    """UTF-8 with or without a mark, else GB 18030, which older platforms send."""
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError:
        return payload.decode("gb18030")
