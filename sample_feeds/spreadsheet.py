"""Spreadsheets with the same bytes each time: openpyxl stamps the clock into the archive, this takes it out again."""

import io
import re
import zipfile
from datetime import datetime

from openpyxl import Workbook

_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms)")


def to_bytes(book: Workbook, moment: datetime) -> bytes:
    """The .xlsx archive of the workbook as if it had been saved at `moment`."""
    raw, out = io.BytesIO(), io.BytesIO()
    book.save(raw)
    text = moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    date = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>" + text + rb"\g<3>", content)
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return out.getvalue()
