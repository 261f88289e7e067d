"""What the card says of a phase's settings, tested on every phase of the contract's variants: it reads no other
sections than those."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from training import short_settings, start, train

from saccade.cards.method import IMPORT, Phase, load_method
from saccade.plan.phases import phases_of
from saccade.plan.runs import Run
from saccade.project import names
from saccade.settings import Machine

TOY = ROOT / "tests/toy"
LOADED = ("input", "compute")  # what loader and step read for every phase
Case = tuple[Path, Run, Phase]


def cases() -> list[Case]:
    """Every phase of the variants that a card names for its contract, published weights aside."""
    places = [(ROOT, name, "motion-digits", "") for name in names(ROOT, "methods")] + [(TOY, "toy", "dots", "a")]
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
    train(root, run, phase, settings, model, generator)
    machine = {item.name for item in dataclasses.fields(Machine)}
    assert read - machine, "nothing was recorded"
    unsaid = sections(root, run, phase)
    wrong = [f"`{key}` of the section `{unsaid[key]}`" for key in sorted(read & set(unsaid))]
    assert not wrong, (
        f"phase {phase.name} of {run.method}/{run.variant} reads {', '.join(wrong)}: add it to the phase's `reads`"
    )
    assert phase.reads is None or set(LOADED) <= set(phase.reads), f"phase {phase.name}: every phase reads {LOADED}"
