"""What an account has to tell people: a text of the catalogue with its values, said in the language they read."""

from dataclasses import dataclass
from functools import cache

from domain.texts import language, say
from processing.gep.values import read


@dataclass(frozen=True, slots=True)
class Said:
    """A key of the texts and its values; the value `quantity` holds names of gep_quantities.csv."""

    key: str
    values: tuple[tuple[str, object], ...] = ()

    def text(self, lang: str | None = None) -> str:
        """The text; quantities by their name in this language, with their id."""
        values = {name: _named(str(v), lang) if name == "quantity" else v for name, v in self.values}
        return say(self.key, lang, **values)


def said(key: str, /, **values: object) -> Said:
    """A text of the catalogue with its values."""
    return Said(key, tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Problem:
    """What an account cannot say, or says only by a stated fallback."""

    part: str
    kind: (
        str  # missing (not computed), fallback (computed, in another way), parameter (an error), price (year not moved)
    )
    said: Said
    zones: tuple[str, ...] = ()

    def told(self, lang: str | None = None) -> str:
        """What is the matter, in a language."""
        return self.said.text(lang)

    @property
    def what(self) -> str:
        """The same in English."""
        return self.said.text("en")


def _named(ids: str, lang: str | None) -> str:
    names = _names("zh" if (lang or language()) == "zh" else "en")
    return ", ".join(f"{names[i]} ({i})" if i in names else i for i in ids.split(", "))


@cache
def _names(lang: str) -> dict[str, str]:
    frame = read("gep_quantities")
    return dict(zip(frame["quantity"], frame[f"name_{lang}"], strict=True))
