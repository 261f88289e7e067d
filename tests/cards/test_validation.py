"""What pydantic finds is told as the project tells it: file, place, and what would be right."""

from typing import Annotated, Any, Literal

import pytest

from saccade.cards.validation import Body, Names, OrEmpty, check_value, read_body
from saccade.records import SaccadeError


class Inner(Body):
    rate: float
    kind: Literal["up", "down"] = "up"
    beside: str | dict[str, str] | None = None


class Outer(Body):
    GIVEN = ("name",)
    name: str = ""
    parts: Annotated[dict[str, Inner], OrEmpty] = {}
    rows: Names = ()
    on: bool = False


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "x.yml: the file must be a mapping of names to values"),
        ({"part": {}}, "x.yml: unknown key 'part'; did you mean 'parts'? (there are: on, parts, rows)"),
        ({"name": "a"}, "x.yml: unknown key 'name' (there are: on, parts, rows)"),
        ({"parts": {"a": None}}, "x.yml: parts.a must be a mapping of names to values"),
        ({"parts": {"a": {}}}, "x.yml: parts.a: 'rate' is missing"),
        ({"parts": {"a": {"rate": "fast"}}}, "x.yml: parts.a.rate: 'fast' is a str, but float is expected"),
        ({"parts": {"a": {"rate": 1, "kind": "on"}}}, "x.yml: parts.a.kind: 'on' is not one of up, down"),
        ({"parts": {"a": {"rate": 1, "beside": 3}}}, "x.yml: parts.a.beside: 3 is a int, but str is expected"),
        ({"rows": "ab"}, "x.yml: rows: 'ab' is a str, but list is expected"),
        ({"rows": ["a", 1]}, "x.yml: rows[1]: 1 is a int, but str is expected"),
        ({"on": 1}, "x.yml: on: 1 is a int, but bool is expected"),
    ],
)
def test_a_mistake_is_one_sentence(body, message):
    with pytest.raises(SaccadeError) as error:
        read_body(Outer, body, "x.yml")
    assert str(error.value) == message


def test_a_body_is_read_with_its_defaults_and_whole_numbers_as_floats():
    found = read_body(Outer, {"parts": {"a": {"rate": 1}}, "rows": ["x"]}, "x.yml")
    assert (repr(found.parts["a"].rate), found.rows, found.on) == ("1.0", ("x",), False)
    assert read_body(Outer, {"parts": None}, "x.yml").parts == {}


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (list[list[str]], [["a"], 3], "x[1]: 3 is a int, but list is expected"),
        (dict[str, Any], {1: 2}, "x.1: 1 is a int, but str is expected"),
        (int, 3.0, "x: 3.0 is a float, but int is expected"),
        (float, None, "x: None is nothing, but float is expected"),
    ],
)
def test_a_value_of_another_type_is_told_with_its_place(kind, value, message):
    with pytest.raises(SaccadeError) as error:
        check_value(kind, value, "x")
    assert str(error.value) == message
