"""The tables of a report: an account as rows people read, each column with its name, unit and decimals.

Every table is pure: the account and what is known of the county in, a `Table` out. Writers (spreadsheet, document,
page, package) only lay tables out; none of them computes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from domain.texts import is_chinese, say
from processing.gep.account import Account
from processing.gep.report import names
from processing.gep.statement import categories, statement
from processing.gep.uses import ranking
from processing.gep.values import ALL, lineage, read

#: CNY of 亿元 and 万元.
YI, WAN = 1e8, 1e4
#: Key of rows and columns of totals; no zone, service or ecosystem has it.
SUM = "(sum)"
CATEGORIES = ("provisioning", "regulating", "cultural")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    key: str
    title: str
    unit: str = ""
    digits: int | None = None  # None: text
    printed: bool = True  # False: only in the workbook and the package

    @property
    def head(self) -> str:
        """Name with unit, as it is printed."""
        if not self.unit:
            return self.title
        chinese = any(map(is_chinese, self.title + self.unit))
        return f"{self.title}（{self.unit}）" if chinese else f"{self.title} ({self.unit})"


@dataclass(frozen=True)
class Table:
    """A table as it is printed; `rows` has a column for each of `columns`, `bold` marks totals."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: pd.DataFrame
    note: str = ""
    bold: tuple[int, ...] = ()

    @property
    def printed(self) -> "Table":
        """The table without columns that are for machines."""
        return replace(self, columns=tuple(c for c in self.columns if c.printed))


@dataclass(frozen=True)
class County:
    """What a report knows beside the account."""

    name: str
    zones: Mapping[str, str]  # code -> name, the townships
    population: Mapping[str, float] = field(default_factory=dict)  # by township; a missing one has no figure per head
    gdp_cny: float = float("nan")
    simulated: bool = False


def column(key: str, lang: str, unit: str = "", digits: int | None = None) -> Column:
    """A column named by the catalogue of texts."""
    return Column(key, say(f"gep.column.{key}", lang), unit, digits)


def table(name: str, lang: str, columns: Sequence[Column], rows: pd.DataFrame, **more: object) -> Table:
    """A table titled by the catalogue of texts."""
    shown = rows.reindex(columns=[c.key for c in columns]).reset_index(drop=True)
    return Table(name, say(f"gep.table.{name}", lang), tuple(columns), shown, **more)  # type: ignore[arg-type]


def yi(lang: str) -> str:
    """The unit 10^8 CNY."""
    return say("gep.unit.yi", lang)


def service_names(lang: str) -> Mapping[str, str]:
    """Service -> its name."""
    frame = read("gep_services")
    return dict(zip(frame["service"], frame[f"name_{lang}"], strict=True))


def ecosystem_names(lang: str) -> Mapping[str, str]:
    """Ecosystem -> its name."""
    frame = read("gep_ecosystems")
    return dict(zip(frame["ecosystem"], frame[f"name_{lang}"], strict=True)) | {ALL: say("gep.all", lang)}


def part_name(account: Account, part: str, lang: str) -> str:
    """The name of the formula that a part of this account is computed by."""
    for line in account.profile.lines:
        if line.part.part == part:
            meta = line.quantity.meta
            return meta.name_zh if lang == "zh" else meta.name_en
    return part


def part_names(account: Account, parts: Iterable[str], lang: str) -> str:
    """The names of parts, one after the other."""
    return ("、" if lang == "zh" else ", ").join(part_name(account, part, lang) for part in parts)


def price_base(account: Account, lang: str) -> str:
    """Whose prices: those of the year, or comparable ones of a base year."""
    if account.base_year is None:
        return say("gep.prices.current", lang)
    return f"{say('gep.prices.comparable', lang)} {account.base_year}"


def mark(status: str, lang: str) -> str:
    """The word for a degree of confirmation."""
    return say(f"gep.status.{status.replace(' ', '_').replace('-', '_')}", lang)


def summary(account: Account, lang: str) -> Table:
    """T6: one row a part with quantity, value, interval and shares; totals of categories and of all."""
    rows = statement(account, by=("category", "part"))
    valued = rows[rows["value_cny"].notna() & rows["part"].isin([f.part for f in account.valued()])]
    total = valued["value_cny"].sum()
    display = read("gep_services").set_index("service")
    names, out, bold = service_names(lang), [], []
    for category in CATEGORIES:
        ours = rows[rows["category"] == category]
        if ours.empty:
            continue
        of_category = valued.loc[valued["category"] == category, "value_cny"].sum()
        for row in ours.to_dict("records"):
            money = row["unit"] == "CNY"
            scale = YI if money else float(str(display.loc[row["service"], "display"]))
            counted = row["part"] in set(valued["part"])
            worth = row["value_cny"] if counted else np.nan
            out.append(
                {
                    "code": row["part"],
                    "service": names[row["service"]],
                    "part": part_name(account, row["part"], lang),
                    "quantity": row["quantity"] / scale,
                    "unit": yi(lang) if money else scaled_unit(row["unit"], scale, lang),
                    "value": worth / YI,
                    "low": row["low"] / YI if counted else np.nan,
                    "high": row["high"] / YI if counted else np.nan,
                    "of_category": 100 * worth / of_category if of_category else np.nan,
                    "of_all": 100 * worth / total if total else np.nan,
                    "mark": mark(row["status"], lang),
                    "n_unconfirmed": row["n_unconfirmed"],
                }
            )
        bold.append(len(out))
        out.append(_category_row(account, category, of_category, total, lang))
    bold.append(len(out))
    low, high = interval(account.draws_of_total())
    name = say("gep.total" if account.complete else "gep.subtotal", lang)
    out.append({"service": name, "value": total / YI, "low": low / YI, "high": high / YI, "of_all": 100.0})
    columns = (
        column("service", lang),
        column("part", lang),
        Column("code", say("gep.column.code", lang), printed=False),
        column("quantity", lang, digits=2),
        column("unit", lang),
        column("value", lang, yi(lang), 2),
        column("low", lang, yi(lang), 2),
        column("high", lang, yi(lang), 2),
        column("of_category", lang, "%", 2),
        column("of_all", lang, "%", 2),
        column("mark", lang),
        column("n_unconfirmed", lang, digits=0),
    )
    return table("summary", lang, columns, pd.DataFrame(out), bold=tuple(bold), note=say("gep.note.interval", lang))


def _category_row(account: Account, category: str, value: float, total: float, lang: str) -> dict[str, object]:
    draws = [
        f.value.sum(axis=(1, 2, 3))
        for f in account.valued()
        if categories()[f.service] == category and f.value is not None
    ]
    low, high = interval(np.sum(np.broadcast_arrays(*draws), axis=0)) if draws else (np.nan, np.nan)
    return {
        "service": say(f"gep.category.{category}", lang),
        "value": value / YI,
        "low": low / YI,
        "high": high / YI,
        "of_category": 100.0 if value else np.nan,
        "of_all": 100 * value / total if total else np.nan,
    }


def interval(draws: np.ndarray) -> tuple[float, float]:
    """The 5 % and 95 % points of draws without the central estimate; NaN when there are none."""
    if len(draws) < 2:
        return np.nan, np.nan
    low, high = np.quantile(draws[1:], (0.05, 0.95))
    return float(low), float(high)


def scaled_unit(unit: str, scale: float, lang: str) -> str:
    """`万m3` for m3 shown in ten thousands; other scales as powers of ten."""
    name = names.unit(unit, lang)
    if scale == 1:
        return name
    if scale == WAN and lang == "zh":
        return f"万{name}"
    return f"10^{np.log10(scale):.0f} {name}"


def townships(account: Account, county: County, lang: str) -> Table:
    """T7: every township with value, per area and head, share and rank; then what no township has, without rank."""
    found = ranking(account, county.population or None)
    by_town = found["zone"].isin(account.zoned.zones)
    found = found[by_town | (found["value_cny"].abs() > 0)]
    out = pd.DataFrame(
        {
            "rank": found["rank"],
            "zone": found["zone"],
            "name": [county.zones.get(z, say("gep.district", lang)) for z in found["zone"]],
            "km2": found["area_km2"],
            "value": found["value_cny"] / YI,
            "share": found["share_pct"],
            "per_km2": found["cny_per_km2"] / WAN,
            "per_head": found["cny_per_head"],
        }
    )
    columns = (
        column("rank", lang, digits=0),
        column("zone", lang),
        column("name", lang),
        column("km2", lang, "km²", 2),
        column("value", lang, yi(lang), 2),
        column("share", lang, "%", 2),
        column("per_km2", lang, say("gep.unit.wan_km2", lang), 2),
        column("per_head", lang, say("gep.unit.yuan_head", lang), 0),
    )
    return table("townships", lang, columns, out, note=say("gep.note.townships", lang))


def matrix(account: Account, lang: str, *, down: str, across: str, county: County | None = None) -> Table:
    """Values by two dimensions with their totals, 亿元: service by ecosystem (T8) or township by service.

    Args:
        account: the account.
        lang: zh or en.
        down: dimension of the rows: zone or service.
        across: dimension of the columns: ecosystem or service.
        county: names of townships.
    """
    rows = statement(account, by=(down, across), level=1, complete_only=True)
    rows = rows[rows["value_cny"].notna()]
    wide = rows.pivot_table(index=down, columns=across, values="value_cny", aggfunc="sum", sort=False) / YI
    names = {
        "service": service_names(lang),
        "ecosystem": {**ecosystem_names(lang), ALL: say("gep.unplaced", lang)},
        "zone": dict(county.zones) | {account.region: say("gep.district", lang)} if county else {},
    }
    order = {"service": list(service_names(lang)), "ecosystem": list(ecosystem_names(lang)), "zone": sorted(wide.index)}
    wide = wide.reindex(index=[k for k in order[down] if k in wide.index])
    wide = wide[[k for k in order[across] if k in wide.columns]]
    keys = list(wide.columns)
    wide = wide.assign(**{SUM: wide.sum(axis=1)})
    wide.loc[SUM] = wide.sum()
    wide.insert(0, "name", [names[down].get(k, say("gep.sum", lang)) for k in wide.index])
    columns = (
        column("name", lang),
        *(Column(k, names[across].get(k, k), "", 2) for k in keys),
        Column(SUM, say("gep.sum", lang), "", 2),
    )
    name = f"{down}_by_{across}"
    return table(name, lang, columns, wide, bold=(len(wide) - 1,), note=say("gep.note.yi", lang))


def extents(account: Account, county: County, lang: str) -> Table:
    """T1: area of each ecosystem of level I in each township, km2, with totals and shares."""
    area = pd.DataFrame(account.zoned.area_m2 / 1e6, index=account.zoned.zones, columns=account.zoned.ecosystems)
    top = area.T.groupby([lineage(e)[-2] if e != ALL else e for e in area.columns], sort=False).sum().T
    keys = list(top.columns)
    top = top.assign(**{SUM: top.sum(axis=1)})
    top.loc[SUM] = top.sum()
    top.loc["share"] = 100 * top.loc[SUM] / top.loc[SUM, SUM] if top.loc[SUM, SUM] else np.nan
    said = dict(county.zones) | {SUM: say("gep.sum", lang), "share": say("gep.share", lang)}
    top.insert(0, "name", [said.get(z, z) for z in top.index])
    names = ecosystem_names(lang)
    columns = (
        column("name", lang),
        *(Column(k, names.get(k, k), "", 2) for k in keys),
        Column(SUM, say("gep.sum", lang), "", 2),
    )
    note = say("gep.note.km2", lang)
    return table("extents", lang, columns, top, bold=(len(top) - 2, len(top) - 1), note=note)
