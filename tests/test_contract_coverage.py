"""What the variants that a card names for its contract leave out: a phase, a line of points, a form of decision."""

import typing
from collections.abc import Iterator

import pytest
from conftest import ROOT
from small_models import SHARED, contract_runs, is_part, kinds_of_points, run_of, trained_phases

from saccade.cards.method import IMPORT, load_method
from saccade.plan.layers import resolve
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.project import load_module, names

METHODS = names(ROOT, "methods")
NETWORKS = (
    "backbone",
    "network",
    "global_backbone",
    "local_backbone",
    "attention_layer",
    "heavy_size",
)  # which network it is decides nothing; tests/nn has them all


@pytest.mark.parametrize("name", METHODS)
def test_the_contract_trains_every_phase_of_the_card(name):
    trained = {phase.name for run in contract_runs(name) for phase in trained_phases(run)}
    left = set(load_method(ROOT, name).phases) - trained - {IMPORT}
    assert not left, f"no variant of methods/{name}/card.yml's `contract` trains {', '.join(sorted(left))}"


@pytest.mark.parametrize("name", METHODS)
def test_the_contract_has_every_form_of_decision_of_the_card(name):
    """Every value of the method's own choices, and every number both on and off, that a variant has at a point."""
    method = load_method(ROOT, name)
    predicted = [variant for variant, entry in method.variants.items() if not entry.part]
    of_card = {form for variant in predicted for form in forms(run_of(name, variant), every_point=True)}
    of_contract = {form for run in contract_runs(name) if not is_part(run) for form in forms(run)}
    left = sorted(f"{key}: {value}" for key, value in of_card - of_contract)
    assert not left, f"no variant of methods/{name}/card.yml's `contract` has {', '.join(left)}"


def forms(run: Run, every_point: bool = False) -> Iterator[tuple[str, object]]:
    """(setting, value) of all that the run's points choose."""
    hints = typing.get_type_hints(load_module(ROOT / "methods" / run.method / "settings.py").Settings)
    own = [key for key in hints if key not in (*SHARED, *NETWORKS)]
    defaults = load_method(ROOT, run.method).defaults
    for point in [point for point, _ in points_of(ROOT, run)] if every_point else kinds_of_points(run):
        values = resolve(ROOT, run, point=point.name).values
        for key in own:
            if typing.get_origin(hints[key]) is typing.Literal or hints[key] is bool:
                yield key, values[key]
            elif not defaults.get(key, 1):  # 0 or nothing means off
                yield key, "on" if values[key] else "off"
