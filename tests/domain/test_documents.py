"""Our YAML is read strictly, and every problem has a line."""

from pathlib import Path

import pytest

from domain.documents import Document, Strict
from domain.errors import CatalogueError


class Item(Strict):
    name: str
    size: int


class Items(Strict):
    items: tuple[Item, ...]


def written(folder: Path, text: str) -> Path:
    path = folder / "things.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as caught:
        Document.read(path).parse(Items)
    return caught.value.problems


def test_a_right_document_is_a_model(tmp_path: Path) -> None:
    path = written(tmp_path, "items:\n  - {name: a, size: 1}\n")
    assert Document.read(path).parse(Items).items == (Item(name="a", size=1),)


def test_every_problem_is_listed_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "items:\n  - name: a\n    size: large\n  - name: b\n    colour: red\n")
    assert problems(path) == (
        "things.yaml:3: items.0.size: Input should be a valid integer, unable to parse string as an integer",
        "things.yaml:4: items.1.size: the key is missing",
        "things.yaml:5: items.1.colour: unknown key; take it out or correct its spelling",
    )


def test_a_repeated_key_is_a_problem_where_it_repeats(tmp_path: Path) -> None:
    path = written(tmp_path, "items:\n  - {name: a, size: 1}\n  - name: b\n    size: 2\n    size: 3\n")
    assert problems(path) == ("things.yaml:5: the key 'size' repeats; take one out",)


@pytest.mark.parametrize("word", ["on", "off", "yes", "no"])
def test_words_are_words(tmp_path: Path, word: str) -> None:
    assert Document.read(written(tmp_path, f"{word}: {word}\nt: true\nf: false\n")).data == {
        word: word,
        "t": True,
        "f": False,
    }


def test_no_yaml_has_a_line_too(tmp_path: Path) -> None:
    assert problems(written(tmp_path, "items:\n  - {name: a\n"))[0].startswith("things.yaml:3: ")


def test_an_empty_file_is_no_model(tmp_path: Path) -> None:
    assert problems(written(tmp_path, ""))[0].startswith("things.yaml:1: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.yaml") == (f"{tmp_path / 'none.yaml'}: the file is missing",)


def test_code_in_yaml_is_refused(tmp_path: Path) -> None:
    assert (
        "could not determine a constructor" in problems(written(tmp_path, "a: !!python/object/apply:os.getcwd []\n"))[0]
    )
