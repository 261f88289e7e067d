"""Reads the datasets' cards, `data/<d>/card.yml`, strictly: every mistake is a `SaccadeError` naming file, place and
remedy. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from saccade.cards.yaml import as_mapping, check_complete, check_value, read_layer, read_yaml, refuse_unknown_keys
from saccade.project import NAME, card_file, load_module, settings_class
from saccade.records import Head, SaccadeError, suggest

FROM_RAW = "from-raw"  # a head's classes, where they are what lies in raw/; the dataset's listing.py tells them


@dataclass(frozen=True)
class Dataset:
    """A dataset's card; `expects` are the paths below raw/ that acquisition must bring. Heads whose classes raw/ tells
    have none while it is empty; `listing` is a digest of what lies there, '' where the card doesn't ask."""

    name: str
    file: Path
    title: str
    source: str
    licence: str
    heads: Mapping[str, Head]
    derive: Mapping[str, tuple[str, ...]]
    truth: bool  # whether prepare gives the ground truth of every frame
    clusters_apart: bool  # whether no cluster may be in two splits
    allow_missing: float
    expects: tuple[str, ...]
    acquire: str
    keys: Mapping[str, Any]
    defaults: Mapping[str, Any]
    layers: Mapping[str, Mapping[str, Any]]
    editions: tuple[str, ...]
    means: Mapping[str, tuple[str, ...]]  # editions that tables also show averaged, as <dataset>@<mean>
    budgets: tuple[str, ...]
    listing: str = ""

    @property
    def folder(self) -> Path:
        return self.file.parent


@lru_cache
def load_dataset(root: Path, name: str) -> Dataset:
    """The card of dataset `name`; raises SaccadeError where it's unknown or anything in it is."""
    file = card_file(root, "data", name, "dataset")
    card = as_mapping(file, "", read_yaml(file))
    text = ["dataset", "title", "source", "licence", "heads"]
    more = [
        "derive",
        "truth",
        "clusters_apart",
        "allow_missing",
        "expects",
        "acquire",
        "settings",
        "budgets",
        "editions",
        "means",
        "checks",
    ]
    refuse_unknown_keys(file, "", card, text + more, required=text)
    if card["dataset"] != name:
        raise SaccadeError(f"{file}: dataset is '{card['dataset']}' but the folder is '{name}'; they must be equal")
    bodies = {
        head: as_mapping(file, f"heads.{head}", body) for head, body in as_mapping(file, "heads", card["heads"]).items()
    }
    asked = any(body.get("classes") == FROM_RAW for body in bodies.values())
    found, listing = load_module(file.parent / "listing.py").look(file.parent / "raw") if asked else ({}, "")
    heads = {head: _head(file, head, body, found) for head, body in bodies.items()}
    derive = {}
    for label, parts in as_mapping(file, "derive", card.get("derive") or {}).items():
        for part in check_value(list[str], parts, f"{file}: derive.{label}"):
            if part not in heads:
                raise SaccadeError(f"{file}: derive.{label}: unknown head '{part}'" + suggest(part, heads))
        derive[label] = tuple(parts)
    keys, defaults = settings_class(file.parent)
    layers: dict[str, Mapping[str, Any]] = {
        "settings": read_layer(file, "settings", card.get("settings") or {}, keys, {})
    }
    for kind in ("budgets", "editions"):
        for label, body in as_mapping(file, kind, card.get(kind) or {}).items():
            layers[f"{kind}.{label}"] = read_layer(file, f"{kind}.{label}", body or {}, keys)
    for label in [label for label in layers if label.startswith("budgets.")] or ["settings"]:
        check_complete(file, label, keys, defaults, layers["settings"], layers[label])
    allow = check_value(float, card.get("allow_missing", 0.0), f"{file}: allow_missing")
    if not 0 <= allow <= 1:
        raise SaccadeError(f"{file}: allow_missing: {allow} is not a share between 0 and 1")
    return Dataset(
        name=name,
        file=file,
        title=str(card["title"]),
        source=str(card["source"]),
        licence=str(card["licence"]),
        heads=heads,
        derive=derive,
        truth=check_value(bool, card.get("truth", False), f"{file}: truth"),
        clusters_apart=check_value(bool, card.get("clusters_apart", False), f"{file}: clusters_apart"),
        allow_missing=allow,
        expects=tuple(check_value(list[str], card.get("expects") or [], f"{file}: expects")),
        acquire=str(card.get("acquire") or ""),
        keys=keys,
        defaults=defaults,
        layers=layers,
        editions=tuple(card.get("editions") or {}),
        means=_means(file, card.get("means") or {}, card.get("editions") or {}),
        budgets=tuple(card.get("budgets") or {}),
        listing=listing,
    )


def _means(file: Path, body: Any, editions: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    means = {}
    for name, members in as_mapping(file, "means", body).items():
        if name in editions or not NAME.fullmatch(name):
            raise SaccadeError(f"{file}: means: '{name}' must be a name in lower-case letters that no edition has")
        for member in check_value(list[str], members, f"{file}: means.{name}"):
            if member not in editions:
                raise SaccadeError(f"{file}: means.{name}: unknown edition '{member}'" + suggest(member, editions))
        means[name] = tuple(members)
    return means


def _head(file: Path, name: str, body: Mapping[str, Any], found: Mapping[str, Sequence[str]]) -> Head:
    refuse_unknown_keys(file, f"heads.{name}", body, ["kind", "classes"], required=["kind", "classes"])
    kind = check_value(Literal["single", "multi"], body["kind"], f"{file}: heads.{name}.kind")
    if body["classes"] == FROM_RAW:
        if found and name not in found:
            raise SaccadeError(
                f"{file}: heads.{name}: {file.parent / 'listing.py'} tells the classes of {', '.join(found)} only"
            )
        return Head(name, kind, tuple(found.get(name, ())))
    classes = check_value(list[str], body["classes"], f"{file}: heads.{name}.classes")
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise SaccadeError(f"{file}: heads.{name}.classes: two or more different names are needed")
    return Head(name, kind, tuple(classes))
