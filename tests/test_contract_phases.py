"""What the phases of a method do to its weights, tested on every card: each phase of the variants that it names for its
contract."""

import pytest
import torch
from conftest import ROOT
from small_models import built, contract_runs, train, trained_phases

from saccade.engine import weights
from saccade.project import names

RUNS = [run for method in names(ROOT, "methods") for run in contract_runs(method)]
PHASES = [
    pytest.param(run, phase, id=f"{run.method}-{run.variant}-{phase.name}")
    for run in RUNS
    for phase in trained_phases(run)
]


@pytest.mark.parametrize(("run", "phase"), PHASES)
def test_a_phase_changes_only_what_it_trains_and_the_same_seed_gives_the_same_weights(run, phase, tmp_path):
    results = []
    for _ in range(2):
        model, _ = built(run, phase=phase.name)
        before = {key: value.clone() for key, value in model.state_dict().items()}
        train(run, phase, model, tmp_path / "log.jsonl")
        results.append(model.state_dict())
    after, again = results
    changed = {key for key in after if not torch.equal(before[key], after[key])}
    assert changed and changed <= set(weights.covered(after, phase.trains))
    assert all(torch.isfinite(value).all() for value in after.values())
    assert all(torch.equal(after[key], again[key]) for key in after)
