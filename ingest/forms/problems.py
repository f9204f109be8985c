"""What is wrong with a filled form: where, what, and what to do; in words from the catalogue of texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.records import Reason
from domain.texts import say

#: Kind of problem -> the reason a rejection is counted under. Texts: form.problem.<kind> and form.remedy.<kind>.
KINDS: Mapping[str, Reason] = {
    "not_a_workbook": Reason.BAD_DOCUMENT,
    "csv": Reason.BAD_DOCUMENT,
    "unknown_form": Reason.BAD_DOCUMENT,
    "sheet_missing": Reason.BAD_DOCUMENT,
    "sheet_hidden": Reason.BAD_DOCUMENT,
    "sheet_extra": Reason.BAD_DOCUMENT,
    "other_version": Reason.BAD_DOCUMENT,
    "wrong_region": Reason.BAD_DOCUMENT,
    "wrong_year": Reason.BAD_TIME,
    "cover_empty": Reason.MISSING_FIELD,
    "bad_date": Reason.BAD_TIME,
    "future_date": Reason.FUTURE_TIME,
    "head_changed": Reason.BAD_DOCUMENT,
    "wrong_unit": Reason.WRONG_UNIT,
    "merged": Reason.BAD_DOCUMENT,
    "hidden": Reason.BAD_DOCUMENT,
    "row_missing": Reason.MISSING_FIELD,
    "row_twice": Reason.BAD_DOCUMENT,
    "row_unknown": Reason.UNKNOWN_CODE,
    "row_extra": Reason.BAD_DOCUMENT,
    "name_differs": Reason.BAD_DOCUMENT,
    "object_unnamed": Reason.MISSING_FIELD,
    "object_twice": Reason.BAD_DOCUMENT,
    "township_unknown": Reason.UNKNOWN_CODE,
    "outside": Reason.BAD_DOCUMENT,
    "not_a_number": Reason.BAD_VALUE,
    "number_with_unit": Reason.WRONG_UNIT,
    "number_as_text": Reason.BAD_VALUE,
    "a_date": Reason.BAD_VALUE,
    "percent": Reason.WRONG_UNIT,
    "formula_error": Reason.BAD_VALUE,
    "formula_unknown": Reason.BAD_VALUE,
    "out_of_range": Reason.BAD_VALUE,
    "not_whole": Reason.BAD_VALUE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a form."""

    kind: str  # of `KINDS`
    sheet: str
    cell: str  # "C7", "C7:D9", "5:9" for rows, "" for the whole sheet or file
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def reason(self) -> Reason:
        """What a rejection is counted under."""
        return KINDS[self.kind]

    @property
    def place(self) -> str:
        """`数据 Data!C7`, the sheet alone, or "" for the file."""
        return f"{self.sheet}!{self.cell}" if self.cell else self.sheet

    def what(self, lang: str | None = None) -> str:
        """What is wrong."""
        return say(f"form.problem.{self.kind}", lang, **self.values)

    def remedy(self, lang: str | None = None) -> str:
        """What to do."""
        return say(f"form.remedy.{self.kind}", lang)
