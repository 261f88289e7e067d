"""Reads the datasets' cards, `data/<d>/card.yml`, strictly: every mistake is a `SaccadeError` naming file, place and
remedy. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from saccade.cards.heads import FROM_RAW, HeadBody, read_heads
from saccade.cards.plain_yaml import read_yaml
from saccade.cards.published import FileBodies, Listed, ListedBodies, PublishedFile, published_files, published_lists
from saccade.cards.typed_settings import check_complete, read_layer
from saccade.cards.validation import AsTuple, Body, Names, OrEmpty, read_body
from saccade.editions import WRITTEN, named_like_one, parse_edition
from saccade.project import NAME, card_file, load_module, settings_class
from saccade.records import Head, SaccadeError, suggest
from saccade.settings import Modality
from saccade.unforeseen import why_no_file

Probe = Literal["whole", "packets"]


@dataclass(frozen=True)
class Dataset:
    """A dataset's card; `expects` are the paths below raw/ that acquisition must bring. Heads whose classes raw/ tells
    have none while it is empty; `listing` is a digest of what lies there, '' where the card doesn't ask; `wrong` says
    why what lies there can't be used, '' where it can; `untrainable` why nothing can be trained on it, '' where
    something can: it may be tested on all the same.

    videos_of: the dataset whose raw/ holds its videos, where that isn't its own ('').
    obtained: how its files come here: `automatic` (acquire fetches them), `manual` (the user fetches them, who has an
    account or an agreement), `unavailable` (only who already has them), '' (generated here, or the user's own)."""

    name: str
    file: Path
    title: str
    source: str
    licence: str
    heads_by_edition: Mapping[str, Mapping[str, Head]]  # of the card's own; to be asked through `heads_in`
    derive: Mapping[str, tuple[str, ...]]
    modalities: tuple[Modality, ...]  # what its videos may hold; a run that needs another one is not run
    truth: bool  # whether prepare gives the ground truth of every frame
    clusters_apart: bool  # whether no cluster may be in two splits
    whole_classes: bool  # whether each class must have a usable video in train and in test
    min_frames: int  # fewer, and a video is too short to be used
    probe: Probe  # whether prepare decodes all of each file, or reads its packets where these tell what it holds
    allow_missing: float
    expects: tuple[str, ...]
    acquire: str
    terms: str  # what its publisher asks of who uses it, told before anything is fetched
    obtained: str
    videos_of: str
    files: tuple[PublishedFile, ...]
    listed: tuple[Listed, ...]
    counts: Mapping[str, Mapping[str, int]]  # {edition: {split: how many videos its published lists name}}
    keys: Mapping[str, Any]
    defaults: Mapping[str, Any]
    layers: Mapping[str, Mapping[str, Any]]
    editions: tuple[str, ...]  # the card's own; each has subsets (`saccade.subsets`)
    means: Mapping[str, tuple[str, ...]]  # editions that tables also show averaged, as <dataset>@<mean>
    budgets: tuple[str, ...]
    from_raw: tuple[str, ...] = ()  # the heads whose classes raw/ tells
    listing: str = ""
    wrong: str = ""
    untrainable: str = ""

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def classes_known(self) -> bool:
        """Whether each head has classes; not where raw/ tells them and is empty."""
        return all(head.classes for head in self.heads_in("").values())

    def heads_in(self, edition: str) -> Mapping[str, Head]:
        """The heads in an edition of the dataset, '' for none, of a subset with its classes alone. Raises SaccadeError
        where there is no such edition or subset."""
        named = parse_edition(edition)
        if named.own not in self.heads_by_edition:
            hint = suggest(named.own, self.editions)
            raise SaccadeError(f"{self.file}: unknown edition '{named.own}'{hint}; {WRITTEN}")
        heads = self.heads_by_edition[named.own]
        return named.subset.heads(self.name, heads) if named.subset else heads


class _Card(Body):
    """card.yml as it is written."""

    dataset: str
    title: str
    source: str
    licence: str
    heads: dict[str, HeadBody]
    derive: Annotated[dict[str, Names], OrEmpty] = {}
    modalities: Annotated[tuple[Modality, ...], AsTuple] = ("rgb", "audio")
    truth: bool = False
    clusters_apart: bool = False
    whole_classes: bool = False
    min_frames: int = 1
    probe: Probe = "whole"
    allow_missing: float = 0.0
    expects: Names = ()
    acquire: str | None = None
    terms: str = ""
    obtained: Literal["automatic", "manual", "unavailable", ""] = ""
    videos_of: str = ""
    files: Annotated[FileBodies, OrEmpty] = {}
    listed: ListedBodies = ()
    counts: Annotated[dict[str, dict[str, int]], OrEmpty] = {}
    settings: Annotated[dict[str, Any], OrEmpty] = {}
    budgets: Annotated[dict[str, Any], OrEmpty] = {}
    editions: Annotated[dict[str, Any], OrEmpty] = {}
    means: Annotated[dict[str, Names], OrEmpty] = {}


@lru_cache
def load_dataset(root: Path, name: str) -> Dataset:
    """The card of dataset `name`; raises SaccadeError where it's unknown or anything in it is. What is wrong with raw/
    is no error here: it stops only who needs that data (`Dataset.wrong`)."""
    file = card_file(root, "data", name, "dataset")
    card = read_body(_Card, read_yaml(file), file)
    if card.dataset != name:
        raise SaccadeError(f"{file}: dataset is '{card.dataset}' but the folder is '{name}'; they must be equal")
    from_raw = tuple(head for head, body in card.heads.items() if body.classes == FROM_RAW)
    found, listing, untrainable, wrong = _look(file.parent) if from_raw else ({}, "", "", "")
    _check_editions(file, card)
    heads = read_heads(file, card.heads, card.editions, found)
    for label, parts in card.derive.items():
        for part in parts:
            if part not in card.heads:
                raise SaccadeError(f"{file}: derive.{label}: unknown head '{part}'" + suggest(part, card.heads))
    keys, defaults = settings_class(file.parent)
    layers = {"settings": read_layer(file, "settings", card.settings, keys)}
    for kind, bodies in (("budgets", card.budgets), ("editions", card.editions)):
        layers |= {f"{kind}.{label}": read_layer(file, f"{kind}.{label}", body, keys) for label, body in bodies.items()}
    for label in [label for label in layers if label.startswith("budgets.")] or ["settings"]:
        check_complete(file, label, keys, defaults, layers["settings"], layers[label])
    if not 0 <= card.allow_missing <= 1:
        raise SaccadeError(f"{file}: allow_missing: {card.allow_missing} is not a share between 0 and 1")
    if card.min_frames < 1:
        raise SaccadeError(f"{file}: min_frames: {card.min_frames} must be 1 or more")
    _check_means(file, card, heads)
    files = published_files(card.files, str(file))
    return Dataset(
        name=name,
        file=file,
        title=card.title,
        source=card.source,
        licence=card.licence,
        heads_by_edition=heads,
        derive=card.derive,
        modalities=card.modalities,
        truth=card.truth,
        clusters_apart=card.clusters_apart,
        whole_classes=card.whole_classes,
        min_frames=card.min_frames,
        probe=card.probe,
        allow_missing=card.allow_missing,
        expects=card.expects,
        acquire=card.acquire or "",
        terms=card.terms,
        obtained=card.obtained,
        videos_of=card.videos_of,
        files=files,
        listed=published_lists(card.listed, files, str(file)),
        counts=card.counts,
        keys=keys,
        defaults=defaults,
        layers=layers,
        editions=tuple(card.editions),
        means=card.means,
        budgets=tuple(card.budgets),
        from_raw=from_raw,
        listing=listing,
        wrong=wrong,
        untrainable=untrainable,
    )


def is_embedded(root: Path, name: str) -> bool:
    """Whether the dataset's videos are generated here; False, too, where its card is wrong: its own runs say so."""
    try:
        return load_dataset(root, name).source == "embedded"
    except SaccadeError:
        return False


def _look(folder: Path) -> tuple[dict[str, list[str]], str, str, str]:
    """({head: its classes}, the digest of raw/, why nothing can be trained on it, '') as the dataset's own listing.py
    says; ({}, '', '', why) where what lies in raw/ can't be used."""
    try:
        return *load_module(folder / "listing.py").look(folder / "raw"), ""
    except SaccadeError as error:
        return {}, "", "", str(error)
    except OSError as error:
        return {}, "", "", why_no_file(error)


def _check_editions(file: Path, card: _Card) -> None:
    for name in card.editions:
        if not NAME.fullmatch(name):
            raise SaccadeError(f"{file}: editions: '{name}' must be lower-case letters, digits, '-', '_' or '.'")
    for name in (*card.editions, *card.means):
        if named_like_one(name):
            raise SaccadeError(f"{file}: '{name}' can't name an edition; {WRITTEN}")


def _check_means(file: Path, card: _Card, heads: Mapping[str, Mapping[str, Head]]) -> None:
    for name, members in card.means.items():
        if name in card.editions or not NAME.fullmatch(name):
            raise SaccadeError(f"{file}: means: '{name}' must be a name in lower-case letters that no edition has")
        for member in members:
            if member not in card.editions:
                raise SaccadeError(f"{file}: means.{name}: unknown edition '{member}'" + suggest(member, card.editions))
            if heads[member] != heads[members[0]]:
                raise SaccadeError(
                    f"{file}: means.{name}: {members[0]} and {member} have other classes, and what is right of some "
                    "says nothing of others; leave one of them out"
                )
