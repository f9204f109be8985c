"""YAML documents of ours (rules, feeds, layouts): read strictly, with the line of every problem.

Booleans are those of YAML 1.2, true and false: `on`, `off`, `yes` and `no` are words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import CatalogueError


class Strict(BaseModel):
    """A model that refuses unknown keys and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


M = TypeVar("M", bound=BaseModel)

_PLAIN = {
    "extra_forbidden": "unknown key; take it out or correct its spelling",
    "missing": "the key is missing",
}


class _Loader(yaml.SafeLoader):
    """Plain data only, with the booleans of YAML 1.2."""


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its data, and where each part of them is written."""

    name: str
    data: Any
    root: yaml.Node | None

    @classmethod
    def read(cls, path: Path) -> "Document":
        """Read the file.

        Raises:
            CatalogueError: no such file, no YAML, or a key given twice in one mapping (YAML itself keeps the last).
        """
        if not path.is_file():
            raise CatalogueError([f"{path}: the file is missing"])
        return cls.of(path.name, path.read_text(encoding="utf-8"))

    @classmethod
    def of(cls, name: str, text: str) -> "Document":
        """The document of a text; its problems are told under a name.

        Raises:
            CatalogueError: no YAML, or a key given twice in one mapping.
        """
        try:
            loader = _Loader(text)
            root = loader.get_single_node()
            data = None if root is None else loader.construct_document(root)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise CatalogueError([f"{name}:{line}: {error.problem}; it must be YAML"]) from error
        repeats = [f"{name}:{line}: the key {key!r} repeats; take one out" for line, key in _repeats(root)]
        if repeats:
            raise CatalogueError(repeats)
        return cls(name, data, root)

    def line(self, where: Iterable[object]) -> int:
        """The line of the deepest part of `where` that exists, counted from 1; parts that do not exist are skipped."""
        line, node = 1, self.root
        for key in where:
            found = _child(node, key)
            if found is not None:
                line, node = found[0].start_mark.line + 1, found[1]
        return line

    def problem(self, where: Sequence[object], what: str) -> str:
        """`file:line: what`, the form of every problem of our tables."""
        return f"{self.name}:{self.line(where)}: {what}"

    def parse(self, model: type[M]) -> M:
        """The data as a model.

        Raises:
            CatalogueError: every problem at once, each with its line.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise CatalogueError([self.problem(e["loc"], self._said(e)) for e in error.errors()]) from error

    def _said(self, error: Any) -> str:
        where = ".".join(str(part) for part in error["loc"])
        plain = _PLAIN.get(error["type"], error["msg"].removeprefix("Value error, "))
        return f"{where}: {plain}" if where else plain


def _child(node: yaml.Node | None, key: object) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if str(name.value) == str(key):
                return name, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None


def _repeats(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(str(key.value))
            yield from _repeats(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeats(value)
