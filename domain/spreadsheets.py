"""Spreadsheets whose bytes depend on their content alone: openpyxl and zip both write the time of day otherwise."""

import io
import re
import zipfile
from datetime import UTC, datetime

from openpyxl import Workbook

_OLDEST = (1980, 1, 1, 0, 0, 0)  # the first time a zip archive can hold
_TIMES = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:\2>)")


def to_bytes(book: Workbook, written_at: datetime) -> bytes:
    """The workbook as an .xlsx file that says it was written at `written_at`; same content, same bytes."""
    stamp = written_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    plain, fixed = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _TIMES.sub(rb"\g<1>" + stamp + rb"\g<3>", content)
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return fixed.getvalue()
