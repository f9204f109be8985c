"""AND, OR and NOT against a plain reading of every moment, and cases with a sentence each."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from alerts.compositions import compose
from alerts.conditions import Composition, Input, On, OnAll, OnAny, inputs_of, is_told
from alerts.judging import judge_input
from alerts.samples import Samples

STALE = 3


def leaf(n: int) -> dict[str, Any]:
    return {"on": {"indicator": f"air.x{n}", "period": "PT1H"}, "condition": {"op": ">", "value": n}}


def composition(form: Mapping[str, Any]) -> Composition:
    return TypeAdapter(On).validate_python(form)


def samples(values: Mapping[int, float], subject: str = "s") -> Samples:
    """Values by the moment they end; each begins one before."""
    end = np.array(sorted(values), dtype=np.int64)
    value = np.array([values[e] for e in sorted(values)], dtype=float)
    return Samples((subject,), np.zeros(len(end), dtype=np.int64), end - 1, end, value)


def composed(form: Mapping[str, Any], *series: Mapping[int, float]) -> list[tuple[int, bool, float, float]]:
    """moment, verdict, value told, threshold told."""
    on = composition(form)
    parts = [(s, judge_input(i, s, {})) for i, s in zip(inputs_of(on), map(samples, series), strict=True)]
    found, judged = compose(on, parts, STALE)
    rows = zip(found.end, judged.breach, found.value, judged.threshold, strict=True)
    return [(int(e), bool(b), float(v), float(t)) for e, b, v, t in rows]


@pytest.mark.parametrize(
    ("says", "form", "series", "expected"),
    [
        ("Both must be true.", {"all": [leaf(0), leaf(1)]}, [{1: 1, 2: 1}, {1: 0, 2: 5}],
         [(1, False, 1, 0), (2, True, 1, 0)]),
        ("One is enough, and its value is told.", {"any": [leaf(0), leaf(1)]}, [{1: -1, 2: -1}, {1: 0, 2: 5}],
         [(1, False, -1, 0), (2, True, 5, 1)]),
        ("Not: the other side.", {"all": [leaf(0), {"not": leaf(1)}]}, [{1: 1, 2: 1}, {1: 0, 2: 5}],
         [(1, True, 1, 0), (2, False, 1, 0)]),
        ("What is not known decides nothing.", {"all": [leaf(0), leaf(1)]}, [{1: 1}, {}], []),
        ("Unless the other one settles it.", {"all": [leaf(0), leaf(1)]}, [{1: -1}, {}], [(1, False, -1, 0)]),
        ("So it is with OR.", {"any": [leaf(0), leaf(1)]}, [{1: 1, 2: -1}, {}], [(1, True, 1, 0)]),
        ("A value counts until it is stale.", {"all": [leaf(0), leaf(1)]}, [{1: 1, 2: 1, 3: 1, 4: 1}, {1: 5}],
         [(1, True, 1, 0), (2, True, 1, 0), (3, True, 1, 0)]),
        ("A slower part judges at its own end too.", {"all": [leaf(0), leaf(1)]}, [{1: 1}, {2: 5}], [(2, True, 1, 0)]),
    ],
)  # fmt: skip
def test_case(says: str, form: Mapping[str, Any], series: list[Any], expected: list[Any]) -> None:
    assert composed(form, *series) == expected, says


def plain(part: Composition | Input, values: list[float | None]) -> bool | None:
    """The same read one moment and one part at a time; `values` are taken from the left."""
    if isinstance(part, Input):
        value = values.pop(0)
        return None if value is None else value > part.condition.value  # type: ignore[union-attr]
    if not isinstance(part, OnAll | OnAny):
        found = plain(part.not_, values)
        return None if found is None else not found
    parts = [plain(p, values) for p in (part.all if isinstance(part, OnAll) else part.any)]
    decisive = isinstance(part, OnAny)
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


forms = st.recursive(
    st.integers(0, 3).map(leaf),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
).filter(lambda form: "on" not in form and is_told(composition(form)))


@given(forms, st.data())
def test_every_moment_is_what_a_plain_reading_says(form: Mapping[str, Any], data: st.DataObject) -> None:
    on = composition(form)
    series = [data.draw(st.dictionaries(st.integers(1, 8), st.integers(-1, 5), max_size=6)) for _ in inputs_of(on)]
    expected = {}
    for moment in sorted({m for one in series for m in one}):
        newest = [max((e for e in one if moment - STALE < e <= moment), default=None) for one in series]
        values = [None if e is None else float(one[e]) for e, one in zip(newest, series, strict=True)]
        verdict = plain(on, list(values))
        if verdict is not None:
            expected[moment] = verdict
    found = {e: b for e, b, _, _ in composed(form, *series)}
    assert found.items() <= expected.items()
    assert {m for m in expected if m not in found} <= {m for m in expected if not _told_at(form, series, m)}


def _told_at(form: Mapping[str, Any], series: list[Any], moment: int) -> bool:
    """Whether any part that is not negated has a value at a moment."""
    return any(
        told and any(moment - STALE < e <= moment for e in one)
        for told, one in zip(_signs(composition(form), True), series, strict=True)
    )


def _signs(part: Composition | Input, sign: bool) -> list[bool]:
    if isinstance(part, Input):
        return [sign]
    if not isinstance(part, OnAll | OnAny):
        return _signs(part.not_, not sign)
    return [s for p in (part.all if isinstance(part, OnAll) else part.any) for s in _signs(p, sign)]


def test_a_silence_is_no_part() -> None:
    silent = {"silence": "station", "feed": "f", "cadences": 3, "grace": "PT1H"}
    with pytest.raises(ValidationError):
        composition({"all": [{"on": silent, "condition": {"op": ">", "value": 1}}]})
