"""The report as one web page that needs nothing beside itself: pictures inside, no script, no outside address."""

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.texts import say
from processing.gep.report.content import Document, Heading, Paragraph, Picture
from processing.gep.report.layout import LONGEST, printed

LAYOUT = "page.html.j2"


def page(document: Document) -> bytes:
    """The page (HTML, UTF-8); every text is escaped, the same document gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    kinds = {Heading: "heading", Paragraph: "paragraph", Picture: "picture"}
    rendered = environment.get_template(LAYOUT).render(
        document=document,
        blocks=[(kinds.get(type(block), "table"), block) for block in document.blocks],
        headings=[b.text for b in document.blocks if isinstance(b, Heading)],
        annexes=[t for t in document.annexes if len(t.rows) <= LONGEST],
        annexes_title=say("gep.heading.annexes", document.lang),
        contents=say("gep.heading.contents", document.lang),
        traced={part for part, _ in document.traces},
        traces_title=say("gep.heading.traces", document.lang),
        traces_note=say("gep.note.traces", document.lang),
        printed=printed,
        data=lambda picture: base64.b64encode(picture.png).decode(),
    )
    return rendered.encode()
