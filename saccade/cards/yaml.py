"""Reading text strictly: YAML without surprises, values of the right type, and errors that name the file and the
fix."""

import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

from saccade.records import SaccadeError, suggest


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans and floats (`off` is a word, `1e-3` a number), merge keys (`<<: *anchor`), and no key given
    twice."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Keys are compared as they are written: a merged mapping (`<<`) may well give a key that its host gives
        otherwise."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(str(key.value))
        return node


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?)$"),
    list("-+.0123456789"),
)


def check_value(kind: Any, value: Any, where: str) -> Any:
    """`value` as type `kind` (bool, int, float, str, Literal, list, dict, unions), or a SaccadeError saying what is
    expected."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        for option in arguments:
            try:
                return check_value(option, value, where)
            except SaccadeError:
                continue
    elif kind is Any or (kind is type(None) and value is None):
        return value
    elif origin is Literal:
        if value in arguments and type(value) in {type(argument) for argument in arguments}:
            return value
        raise SaccadeError(f"{where}: {value!r} is not one of {', '.join(map(str, arguments))}")
    elif origin is list and isinstance(value, list):
        return [check_value(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value)]
    elif origin is dict and isinstance(value, dict):
        return {
            check_value(arguments[0], key, where): check_value(arguments[1], item, f"{where}.{key}")
            for key, item in value.items()
        }
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    expected = getattr(kind, "__name__", str(kind)) if origin is None else str(kind)
    raise SaccadeError(f"{where}: {value!r} is a {type(value).__name__}, but {expected} is expected")


def read_yaml(file: Path) -> Any:
    try:
        return yaml.load(Path(file).read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise SaccadeError(f"{file} does not exist") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SaccadeError(f"{file}: not valid YAML: {error}") from None


def as_mapping(file: object, place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise SaccadeError(f"{file}: {place or 'the file'} must be a mapping of names to values")
    return dict(value)


def refuse_unknown_keys(
    file: object, place: str, body: Mapping[str, Any], allowed: Iterable[str], required: Sequence[str] = ()
) -> None:
    allowed, where = list(allowed), f"{file}: {place}".rstrip(": ")
    for key in body:
        if key not in allowed:
            raise SaccadeError(f"{where}: unknown key '{key}'" + suggest(key, allowed))
    for key in required:
        if key not in body:
            raise SaccadeError(f"{where}: '{key}' is missing")


def check_complete(file: Path, place: str, keys: Mapping[str, Any], *given: Mapping[str, Any]) -> None:
    """Raises SaccadeError where a setting has neither a default nor a value."""
    missing = sorted(set(keys).difference(*given))
    if missing:
        raise SaccadeError(
            f"{file}: {place}: {', '.join(missing)} must be set (no default in {file.parent.name}/settings.py)"
        )


def read_layer(
    file: Path, place: str, body: Any, keys: Mapping[str, Any], phases: Collection[str] = ()
) -> dict[str, Any]:
    """Settings by name, with `phases: {<phase>: {...}}` for what holds in one phase only."""
    body = as_mapping(file, place, body)
    refuse_unknown_keys(file, place, body, [*keys, "phases"] if phases else keys)
    layer: dict[str, Any] = {
        key: check_value(keys[key], value, f"{file}: {place}.{key}") for key, value in body.items() if key != "phases"
    }
    for phase, inner in as_mapping(file, f"{place}.phases", body.get("phases") or {}).items():
        if phase not in phases:
            raise SaccadeError(f"{file}: {place}.phases: unknown phase '{phase}'" + suggest(phase, phases))
        inner = as_mapping(file, f"{place}.phases.{phase}", inner)
        refuse_unknown_keys(file, f"{place}.phases.{phase}", inner, [*keys, "needs", "drops", "gate"])
        checked = {
            key: check_value(keys.get(key, list[str]), value, f"{file}: {place}.phases.{phase}.{key}")
            for key, value in inner.items()
            if key != "gate"
        }
        if "gate" in inner:
            checked["gate"] = read_gate(file, f"{place}.phases.{phase}.gate", inner["gate"])
        layer.setdefault("phases", {})[phase] = checked
    return layer


def read_gate(file: Path, place: str, body: Any) -> dict[str, Any] | None:
    """`{metric, at_least}`: what a phase must reach; None for `null`, which lifts the gate of an earlier layer."""
    if body is None:
        return None
    gate = as_mapping(file, place, body)
    refuse_unknown_keys(file, place, gate, ["metric", "at_least"], required=["metric", "at_least"])
    kinds = {"metric": str, "at_least": float}
    return {key: check_value(kind, gate[key], f"{file}: {place}.{key}") for key, kind in kinds.items()}
