"""A layer of settings as cards write it: values by name, with `phases: {<phase>: {...}}` for what holds in one phase
only. The methods' own dataclasses say which settings exist and of which type. No torch."""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import create_model

from saccade.cards.validation import Body, read_body
from saccade.records import SaccadeError, suggest


class Gate(Body):
    """What a phase must reach, in a number that it reports."""

    metric: str
    at_least: float


# What a layer may say of a phase beside its settings; a gate of `null` lifts that of an earlier layer.
OF_A_PHASE = {**dict.fromkeys(("needs", "trains", "drops", "features"), list[str]), "gate": Gate | None}


def read_layer(
    file: Path, place: str, body: Any, keys: Mapping[str, Any], phases: Collection[str] = ()
) -> dict[str, Any]:
    """The layer's settings, and under `phases` those of single phases, each of its type; raises SaccadeError where one
    is unknown or of another type."""
    known = dict(keys) | ({"phases": dict[str, Any] | None} if phases else {})
    layer = _read(known, body or {}, file, place)
    named = layer.pop("phases", None) or {}
    for phase, inner in named.items():
        if phase not in phases:
            raise SaccadeError(f"{file}: {place}.phases: unknown phase '{phase}'" + suggest(phase, phases))
        said = _read(dict(keys) | OF_A_PHASE, inner, file, f"{place}.phases.{phase}")
        layer.setdefault("phases", {})[phase] = said
    return layer


def check_complete(file: Path, place: str, keys: Mapping[str, Any], *given: Mapping[str, Any]) -> None:
    """Raises SaccadeError where a setting has neither a default nor a value."""
    missing = sorted(set(keys).difference(*given))
    if missing:
        raise SaccadeError(
            f"{file}: {place}: {', '.join(missing)} must be set (no default in {file.parent.name}/settings.py)"
        )


def _read(known: Mapping[str, Any], body: Any, file: Path, place: str) -> dict[str, Any]:
    """What the body says, in its order."""
    found = read_body(_model(tuple(known.items())), body, file, place)
    return {key: getattr(found, key) for key in body}


@cache
def _model(known: tuple[tuple[str, Any], ...]) -> type[Body]:
    fields: dict[str, Any] = {key: (kind, None) for key, kind in known}
    return create_model("Layer", __base__=Body, **fields)
