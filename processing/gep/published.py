"""Published accounts made again by their profiles, beside what the papers print.

The inputs are in gep_study_inputs.csv, as printed and, where other printed digits tell more, unrounded; the printed
results are in gep_published.csv.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from processing.gep.account import Account, account
from processing.gep.profile import profiles
from processing.gep.statement import statement
from processing.gep.values import ALL

_COLUMNS: Mapping[str, tuple[str, str]] = {
    "gep_study_inputs": (
        "study ecosystem quantity printed factor value unit source note",
        "study ecosystem quantity",
    ),
    "gep_published": (
        "row study part item ecosystem quantity quantity_factor value value_factor reproducible source note_en note_zh",
        "row",
    ),
}

#: Half a unit of the last digit, with room for how floats are added.
_HALF = 0.5 + 1e-6


@cache
def _table(name: str) -> pd.DataFrame:
    columns, key = _COLUMNS[name]
    return read_table(TABLES_DIR / f"{name}.csv", columns=columns.split(), key=key.split())


def studies() -> tuple[str, ...]:
    """The profiles of published accounts that can be made again."""
    return tuple(dict.fromkeys(_table("gep_published")["study"]))


def inputs_of(study: str, *, as_printed: bool = False) -> pd.DataFrame:
    """The inputs of a published account in the form of gep_inputs.

    Args:
        study: id of its profile.
        as_printed: the digits as printed, not the unrounded ones.
    """
    frame = _table("gep_study_inputs")
    frame = frame[frame["study"] == study]
    printed = pd.to_numeric(frame["printed"]) * pd.to_numeric(frame["factor"])
    value = printed if as_printed else pd.to_numeric(frame["value"])
    return frame[["ecosystem", "quantity", "unit", "source"]].assign(zone=study, value=value, method=frame["note"])


def study_account(study: str, *, as_printed: bool = False) -> Account:
    """A published account, made again."""
    profile = profiles()[study]
    year = profile.text.valid_from.year
    return account(inputs_of(study, as_printed=as_printed), profile, year=year, region=study)


def recomputed(study: str) -> pd.DataFrame:
    """Every printed row of a study beside ours.

    Columns: row, part, item, ecosystem, quantity, our_quantity, value, our_value, from_printed (our value from the
    inputs as printed), from_rounded (our value when the quantity is rounded as printed before it is priced), how (which
    of ours has the printed digits: rounded, rounded quantity, cut; "" when none has), units_off (of the last printed
    digit), reproducible, note_en, note_zh; quantities and values in units of print.
    """
    whole = study_account(study)
    exact, rough = (_by_row(a) for a in (whole, study_account(study, as_printed=True)))
    frame = _table("gep_published")
    rows = [_beside(r, exact, rough, whole.total) for r in frame[frame["study"] == study].to_dict("records")]
    return pd.DataFrame(rows)


def _by_row(of: Account) -> Mapping[tuple[str, str, str], tuple[float, float]]:
    """(part, item, ecosystem) -> quantity and value; with `all` for the sum over ecosystems."""
    out: dict[tuple[str, str, str], tuple[float, float]] = {}
    for by in (("service", "part", "item"), ("ecosystem", "service", "part", "item")):
        for row in statement(of, by).to_dict("records"):
            out[str(row["part"]), str(row["item"]), str(row["ecosystem"])] = (row["quantity"], row["value_cny"])
    return out


def _beside(
    row: Mapping[str, object],
    exact: Mapping[tuple[str, str, str], tuple[float, float]],
    rough: Mapping[tuple[str, str, str], tuple[float, float]],
    total: float,
) -> dict[str, object]:
    key = (str(row["part"]), str(row["item"]), str(row["ecosystem"]))
    if key[0] == "climate_regulation.water_surface":
        key = (key[0], key[1], ALL)
    quantity, value = exact.get(key, (np.nan, total))
    quantity_text, value_text = str(row["quantity"]), str(row["value"])
    per_quantity, per_value = (float(str(row[c]) or "nan") for c in ("quantity_factor", "value_factor"))
    printed, worth = float(quantity_text or "nan"), float(value_text or "nan")
    ours, ours_value = quantity / per_quantity, value / per_value
    decimals = len(quantity_text.partition(".")[2])
    from_rounded = round(ours, decimals) * per_quantity * (value / quantity) / per_value if printed else np.nan
    how, off = _how(ours_value, from_rounded, worth, 10.0 ** -len(value_text.partition(".")[2]))
    return {
        "row": int(str(row["row"])),
        "part": key[0],
        "item": key[1],
        "ecosystem": str(row["ecosystem"]),
        "quantity": quantity_text,
        "our_quantity": ours,
        "value": value_text,
        "our_value": ours_value,
        "from_printed": rough[key][1] / per_value if key in rough else np.nan,
        "from_rounded": from_rounded,
        "how": how,
        "units_off": off,
        "reproducible": str(row["reproducible"]) == "yes",
        "note_en": str(row["note_en"]),
        "note_zh": str(row["note_zh"]),
    }


def _how(value: float, from_rounded: float, printed: float, unit: float) -> tuple[str, float]:
    """Which of our values has the printed digits, and how many units of the last digit the nearest is off."""
    if np.isnan(printed):
        return "nothing printed", np.nan
    off = abs(value - printed) / unit
    if off <= _HALF:
        return "rounded", off
    if abs(from_rounded - printed) / unit <= _HALF:
        return "rounded quantity", off
    return ("cut" if 0 <= (value - printed) / unit < 1 else ""), off


def page() -> str:
    """The page docs/gep_published.md."""
    parts = [_HEAD]
    for study in studies():
        profile, frame = profiles()[study], recomputed(study)
        agree = frame["how"].isin(["rounded", "rounded quantity", "cut"]) & frame["reproducible"]
        told = (
            f"{int(agree.sum())} of {int(frame['reproducible'].sum())} rows marked reproducible have the printed digits"
        )
        parts.append(
            f"\n## {profile.text.name_zh}\n\n{profile.text.norm}, profile `{study}`: {told}.\n\n{_COLUMNS_OF_PAGE}"
        )
        parts += [_line(r) for r in frame.to_dict("records")]
    return "".join(parts)


_HEAD = """# Published accounts, made again

Every row is computed by the profile of its study and the code of the account (`sanyan gep published`). Inputs are in
`domain/tables/gep_study_inputs.csv` as printed and unrounded: where a paper prints a quantity with few digits and its
value with many, the quantity is solved from the value, and it rounds to the printed quantity (a test holds that);
"from printed inputs" is what the rounded digits give. Off by: distance in units of the last printed digit. How: the
value has the printed digits when it is *rounded*; when the *rounded quantity* is priced, as the paper did; or when it
is *cut*. This page is written by `sanyan gep published --markdown`.
"""


_COLUMNS_OF_PAGE = (
    "| row | part | quantity printed | ours | value printed | ours | from printed inputs | off by | how | why |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)


def _line(r: Mapping[str, object]) -> str:
    name = " ".join(str(r[c]) for c in ("part", "item", "ecosystem") if r[c] and r[c] != ALL) or "total"
    cells = (
        r["row"],
        name,
        r["quantity"],
        _digits(r["our_quantity"]),
        r["value"],
        _digits(r["our_value"]),
        _digits(r["from_printed"]),
        _digits(r["units_off"], 2),
        r["how"] or "not reproduced",
        r["note_en"],
    )
    return "| " + " | ".join(str(c) for c in cells) + " |\n"


def _digits(value: object, figures: int = 9) -> str:
    number = float(str(value))
    return "" if np.isnan(number) else f"{number:.{figures}g}"
