"""Values of the right type and bodies with the right keys, by pydantic; what it finds becomes a `SaccadeError` that
says file, place and what would be right. No torch."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from saccade.records import SaccadeError, suggest

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid", protected_namespaces=())
PYTHON_NAMES = {"string": "str", "dict": "dict", "tuple": "list"}


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
    return TypeAdapter(kind, config=ConfigDict(strict=True))


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
    elif kind.endswith("_type"):
        expected = kind.removesuffix("_type")
        says = f"{value!r} is a {type(value).__name__}, but {PYTHON_NAMES.get(expected, expected)} is expected"
    else:
        says = first["msg"].removeprefix("Value error, ")
    if says.startswith("must be a mapping"):
        return SaccadeError(f"{where}the file {says}" if where.endswith(": ") else f"{where} {says}")
    return SaccadeError(f"{where.removesuffix(': ')}: {says}")


def _place(path: Sequence[Any], body: Any) -> str:
    """`.runs.Eight[0]`: the path as it stands in the file, without the names that pydantic gives a union's options."""
    place = ""
    for step in path:
        known = step in body if isinstance(body, Mapping) else isinstance(step, int) and isinstance(body, list | tuple)
        if known:
            place += f"[{step}]" if isinstance(step, int) and not isinstance(body, Mapping) else f".{step}"
            body = body[step]
    return place
