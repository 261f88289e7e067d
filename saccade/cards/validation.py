"""Values of the right type and bodies with the right keys, by pydantic; what it finds becomes a `SaccadeError` that
says file, place and what would be right. No torch."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from saccade.records import SaccadeError, suggest

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())
PYTHON_NAMES = {"string": "str", "dict": "dict", "tuple": "list"}
# how a bound that a value misses is told; pydantic gives the number
BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "too_short": "must have {min_length} or more",
    "too_long": "must have {max_length} and no more",
    "finite_number": "is not a finite number",
}
LONGEST = 80  # letters of a value that a message shows
LIKE_A_NUMBER = re.compile(r"[-+]?[0-9][0-9_:,.]*")


def _empty_for_none(value: Any) -> Any:
    return {} if value is None else value


def _as_tuple(value: Any) -> Any:
    return () if value is None else tuple(value) if isinstance(value, list) else value


AsTuple = BeforeValidator(_as_tuple)  # a list; one with nothing behind its key is empty
Names = Annotated[tuple[str, ...], AsTuple]
OrEmpty = BeforeValidator(_empty_for_none)  # a mapping whose key may stand there with nothing behind it


class Body(BaseModel):
    """A mapping of a YAML file: its fields are the keys that may stand there, those without a default must. What the
    reader adds to it (its own name) is `GIVEN`, and no key."""

    model_config = STRICT
    GIVEN: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, body: Any) -> Any:
        if isinstance(body, cls):
            return body
        if not isinstance(body, Mapping):
            raise PydanticCustomError("body", "must be a mapping of names to values")
        known = [key for key in cls.model_fields if key not in cls.GIVEN]
        for key in body:
            if key not in known:
                hint = suggest(key, known)
                raise PydanticCustomError("body", "unknown key '{key}'{hint}", {"key": key, "hint": hint})
        return body


Model = TypeVar("Model", bound=BaseModel)


def read_body(model: type[Model], body: Any, file: object, place: str = "") -> Model:
    """The body of `place` in `file` as the model; raises SaccadeError where a key or a value is wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _to_error(error, body, f"{file}: {place}") from None


def check_value(kind: Any, value: Any, where: str) -> Any:
    """`value` as type `kind`, or a SaccadeError saying what is expected; a whole number is a float, true is no
    number."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        raise _to_error(error, value, where) from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def _to_error(error: ValidationError, body: Any, start: str) -> SaccadeError:
    """The first thing that is wrong, as our message; `start` says where the body stands."""
    first = error.errors(include_url=False)[0]
    path = first["loc"][:-1] if first["type"] == "missing" else first["loc"]
    inside, kind, value = _place(path, body), first["type"], first["input"]
    where = start + (inside.lstrip(".") if start.endswith(": ") else inside)
    if kind == "missing":
        says = f"'{first['loc'][-1]}' is missing"
    elif kind == "literal_error":
        says = f"{value!r} is not one of {first['ctx']['expected'].replace(' or ', ', ').replace(chr(39), '')}"
    elif kind in BOUNDS:
        says = f"{_shortened(value)} {BOUNDS[kind].format(**first.get('ctx', {}))}"
    elif kind.endswith("_type"):
        expected = kind.removesuffix("_type")
        says = f"{_shortened(value)} is {_called(value)}, but {PYTHON_NAMES.get(expected, expected)} is expected"
        if expected in ("int", "float") and isinstance(value, str) and LIKE_A_NUMBER.fullmatch(value):
            says += "; write a number plainly, as 10 or 0.001: no zero before it, no `_`, `:` or `,` in it, no quotes"
    else:
        says = first["msg"].removeprefix("Value error, ")
    if says.startswith("must be a mapping"):
        return SaccadeError(f"{where}the file {says}" if where.endswith(": ") else f"{where} {says}")
    return SaccadeError(f"{where.removesuffix(': ')}: {says}")


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."


def _called(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _place(path: Sequence[Any], body: Any) -> str:
    """`.runs.Eight[0]`: the path as it stands in the file, without the names that pydantic gives a union's options."""
    place = ""
    for step in path:
        known = step in body if isinstance(body, Mapping) else isinstance(step, int) and isinstance(body, list | tuple)
        if known:
            place += f"[{step}]" if isinstance(step, int) and not isinstance(body, Mapping) else f".{step}"
            body = body[step]
    return place
