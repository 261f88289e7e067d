"""What the card says of a phase's settings, tested on every phase of the contract's variants: it reads no other
sections than those, and no setting of another one changes its weights."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import torch
from conftest import ROOT
from small_models import call_phase
from training import VIDEOS, covered, short_settings, start

from saccade.cards.method import IMPORT, Phase, load_method
from saccade.plan.layers import resolve
from saccade.plan.phases import phases_of
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.project import names
from saccade.records import SaccadeError
from saccade.settings import Input, Machine

TOY = ROOT / "tests/toy"
LOADED = ("input", "compute")  # what loader and step read for every phase
Case = tuple[Path, Run, Phase]
AS_CODED = (
    "segments",
    "short_videos",
    "clips",
    "colours",
    "resampling",
    "crop_rounding",
)  # settings that name an official code
WITHOUT_CODE = ("tcnn", "epitoma")  # methods of which none was published


def cases() -> list[Case]:
    """Every phase of the variants that a card names for its contract, published weights aside."""
    places = [(ROOT, name, "motion-digits", "") for name in names(ROOT, "methods")]
    places += [(TOY, name, "dots", "a") for name in names(TOY, "methods")]
    runs = [
        (root, Run("demo", data, edition, method, variant, 0))
        for root, method, data, edition in places
        for variant in load_method(root, method).contract
    ]
    return [(root, run, phase) for root, run in runs for phase in phases_of(root, run) if phase.name != IMPORT]


def label(case: Case) -> str:
    _, run, phase = case
    return f"{run.method}-{run.variant}-{phase.name}"


def sections(root: Path, run: Run, phase: Phase) -> dict[str, str]:
    """{setting: its section} of the sections that the card doesn't say the phase reads."""
    known = load_method(root, run.method).sections
    return {
        key: section
        for section, keys in known.items()
        if phase.reads is not None and section not in phase.reads
        for key in keys
    }


def recorded(settings: Any) -> tuple[Any, set[str]]:
    """The same settings, and a set into which goes what is read of them from now on."""
    fields, read = {item.name for item in dataclasses.fields(settings)}, set()

    class Recorded(type(settings)):
        def __getattribute__(self, name: str) -> Any:
            if name in fields:
                read.add(name)
            return super().__getattribute__(name)

    copy = object.__new__(Recorded)
    vars(copy).update(vars(settings))
    return copy, read


@pytest.mark.parametrize("case", cases(), ids=label)
def test_a_phase_reads_no_setting_outside_of_its_sections(case):
    root, run, phase = case
    settings, read = recorded(short_settings(root, run, phase))
    model, generator = start(root, run, phase, settings)
    read.clear()  # a model has parts that the phase doesn't train
    call_phase(run, phase, settings, model, generator, batches=(VIDEOS,), root=root)
    machine = {item.name for item in dataclasses.fields(Machine)}
    assert read - machine, "nothing was recorded"
    unsaid = sections(root, run, phase)
    wrong = [f"`{key}` of the section `{unsaid[key]}`" for key in sorted(read & set(unsaid))]
    assert not wrong, (
        f"phase {phase.name} of {run.method}/{run.variant} reads {', '.join(wrong)}: add it to the phase's `reads`"
    )
    assert phase.reads is None or set(LOADED) <= set(phase.reads), f"phase {phase.name}: every phase reads {LOADED}"


def others(kind: Any, value: Any) -> Iterator[Any]:
    """Other values of that type."""
    if kind is bool:
        yield not value
    elif kind is int:
        yield from (value + 1, value - 1)
    elif kind is float:
        yield from (value / 2 or 0.5, 2 * value)
    elif get_origin(kind) is list:
        yield [*value, get_args(kind)[0](1)]
    elif get_origin(kind) is dict:
        yield value | {"other": 0.5}
    else:
        yield from (other for other in get_args(kind) if other != value)


def changed(settings: Any, key: str, kind: Any) -> Any:
    """The settings with another value of `key`; None where they refuse every other one."""
    for value in others(kind, getattr(settings, key)):
        try:
            return dataclasses.replace(settings, **{key: value})
        except ValueError:
            continue
    return None


def weights_of(root: Path, run: Run, phase: Phase, settings: Any) -> dict[str, torch.Tensor]:
    model, generator = start(root, run, phase, settings)
    call_phase(run, phase, settings, model, generator, batches=(VIDEOS,), root=root)
    return covered(model, phase)


@pytest.mark.parametrize("case", [case for case in cases() if sections(*case)], ids=label)
def test_no_setting_that_a_phase_does_not_read_changes_its_weights(case):
    """Bit for bit, each setting by itself: neither what the parts start from nor what training draws."""
    root, run, phase = case
    settings = short_settings(root, run, phase)
    kinds = get_type_hints(type(settings))
    expected = weights_of(root, run, phase, settings)
    for key in sections(root, run, phase):
        other = changed(settings, key, kinds[key])
        if other is None:
            continue
        try:
            found = weights_of(root, run, phase, other)
        except SaccadeError:  # a network that can't be built so
            continue
        moved = [name for name in expected if not torch.equal(expected[name], found[name])]
        assert not moved, (
            f"phase {phase.name} of {run.method}/{run.variant} doesn't read `{key}`, but with {getattr(other, key)!r} "
            f"for {getattr(settings, key)!r} {len(moved)} of {len(expected)} tensors differ: {', '.join(moved[:3])}"
        )


# (method, phase, setting) -> why it can't have another value in that phase.
FIXED = {
    ("adafocus", "warm_up", "online"): "it goes with learned places; stage I has random ones",
    ("adafocus", "warm_up_jointly", "online"): "its contract variant has shifted networks, which need all frames",
    ("adafocus", "warm_up_jointly", "first"): "its contract variant has shifted networks, which need all frames",
    ("adafocus", "warm_up_jointly", "skip"): "its contract variant has shifted networks, which need all frames",
    ("adafocus", "calibrate", "per_clip"): "with one place for a clip nothing is skipped",
    ("tcnn", "train", "original"): "without another video the original is all that there is",
    ("tcnn", "train", "augments"): "without another video nothing augments",
    ("epitoma", "finetune_light", "cached_timesteps"): "all of a short video's timesteps are known, and trained on",
    ("epitoma", "finetune_light", "heavy_weights"): "the name of a file, which isn't there",
    ("epitoma", "train_selector", "heavy_weights"): "the name of a file, which isn't there",
    ("epitoma", "finetune_heavy", "light_weights"): "the name of a file, which isn't there",
    ("epitoma", "train_classifier", "light_weights"): "the name of a file, which isn't there",
} | {
    ("epitoma", phase, "pool"): "0, or at least as many as are selected of it"
    for phase in ("finetune_light", "finetune_heavy", "train_selector", "train_classifier", "train_jointly")
}


def test_a_setting_that_no_variant_of_a_phase_may_change_is_on_record():
    """What one variant refuses, another one is tried with; FIXED says why none is."""
    refused: dict[tuple[str, str, str], bool] = {}
    for root, run, phase in cases():
        settings = short_settings(root, run, phase)
        kinds = get_type_hints(type(settings))
        for key in sections(root, run, phase):
            name = (run.method, phase.name, key)
            refused[name] = refused.get(name, True) and changed(settings, key, kinds[key]) is None
    assert {name for name, always in refused.items() if always} == set(FIXED)


@pytest.mark.parametrize("budget", ["demo", "study", "own", "own-imagenet"])
def test_input_is_the_authors_where_it_is_published_and_ours_elsewhere(budget):
    """What embedded runs, and those on videos of one's own, look at is what it was before the authors' codes could be
    followed to the pixel."""
    ours = {item.name: item.default for item in dataclasses.fields(Input)}
    for root, run, phase in cases():
        if root != ROOT or f"budgets.{budget}" not in load_method(root, run.method).layers:
            continue
        other = dataclasses.replace(run, budget=budget)
        points = [point.name for point, _ in points_of(root, other) if not point.requires]
        for found in [resolve(root, other, phase.name), *(resolve(root, other, point=point) for point in points)]:
            assert {key: found.values[key] for key in AS_CODED} == {key: ours[key] for key in AS_CODED}, run.method
            assert found.values["train_crop"] != "tsn", run.method
        published = resolve(root, dataclasses.replace(run, budget="paper"), phase.name).values
        coded = run.method not in WITHOUT_CODE
        assert all((published[key] != ours[key]) == coded for key in ("resampling", "crop_rounding")), run.method


@pytest.mark.parametrize("method", names(ROOT, "methods"))
def test_budgets_of_few_videos_leave_none_out(method):
    """Embedded data, and a user's own, may be fewer videos than one batch."""
    layers = load_method(ROOT, method).layers
    for budget in ("demo", "study", "own", "own-imagenet"):
        chosen = {**layers.get("settings", {}), **layers.get(f"budgets.{budget}", {})}
        assert f"budgets.{budget}" not in layers or not chosen.get("drop_last"), f"{budget}: set drop_last to false"


def test_short_videos_are_shown_as_each_code_shows_them():
    """TSM's and TSN's code in training and on val otherwise than by the test script."""

    def of(method: str, variant: str, data: str, phase: str | None = None) -> str:
        return resolve(ROOT, Run("paper", data, "", method, variant, 0), phase).values["short_videos"]

    for method, variant, phase in (("tsm", "resnet50-t8", "train"), ("tsn", "resnet50", "train")):
        assert (of(method, variant, "something-v2", phase), of(method, variant, "something-v2")) == ("first", "spread")
    assert of("adafocus", "adafocus-128", "activitynet", "warm_up") == "last"
    for variant in ("adafocus-tsm-144", "adafocus-tsm-144-released"):
        assert of("adafocus", variant, "something-v1") == "first"
