"""The chapters of a report that stand between two years: the accounts of SEEA EA, and the change."""

from domain.texts import say
from processing.charts_gep import steps
from processing.gep.change import decomposition
from processing.gep.report import comparison, seea_tables, tables
from processing.gep.report.content import Block, Content, Heading, Paragraph, Picture
from processing.gep.report.tables import YI


def ecosystem_accounts(content: Content, lang: str) -> list[Block]:
    """Extent, condition, supply and use, assets in the form of SEEA EA."""
    account, years = content.account, content.years
    causes = None if years is None else decomposition(*years.current)
    sides = ("supply", "use")
    priced = any(account.valued())
    return [
        Heading(say("gep.heading.seea", lang)),
        Paragraph(say("gep.seea.text", lang)),
        seea_tables.extent(content.land_changes, content.before_inputs, account, lang),
        seea_tables.condition(content.before_inputs, content.inputs, account, lang),
        *(seea_tables.monetary(account, lang, side) for side in sides if priced),
        *(seea_tables.physical(account, lang, side) for side in sides),
        seea_tables.assets(causes, account, lang) if priced else Paragraph(say("gep.seea.physical", lang)),
    ]


def change(content: Content, lang: str) -> list[Block]:
    """Two years at current and comparable prices, why they differ, and townships against their targets."""
    index = comparison.index(content.account, lang)
    out: list[Block] = [Heading(say("gep.heading.change", lang)), *([] if index is None else [index])]
    years = content.years
    if not any(content.account.valued()):
        return [*out, Paragraph(say("gep.seea.physical", lang))]
    if years is None:
        parts, year = tables.part_names(content.account, content.unlike, lang), content.account.year - 1
        why = (
            say("gep.change.parts", lang, year=year, parts=parts) if parts else say("gep.change.none", lang, year=year)
        )
        return [*out, Paragraph(why)]
    before, now = years.current
    first, last = (f"{a.total / YI:,.2f}" for a in years.current)
    text = say("gep.change.text", lang, before=before.year, now=now.year, first=first, last=last)
    title = say("gep.figure.change", lang)
    picture = steps(
        comparison.causes(years, lang) / YI, first=str(before.year), last=str(now.year), start=before.total / YI,
        title=title, unit=tables.yi(lang), lang=lang,
        source=say("gep.figure.source", lang, norm=now.profile.text.norm, year=f"{before.year}, {now.year}"),
    )  # fmt: skip
    out.append(Paragraph(text))
    left = comparison.uncompared(years, lang)
    if left:
        out.append(Paragraph(say("gep.change.left", lang, parts=left, base=years.base_year), loud=True))
    return [
        *out,
        comparison.growth(years, lang),
        Picture("change", picture, title),
        comparison.change(years, lang),
        comparison.assessed(years, content.county, content.targets, lang),
    ]
