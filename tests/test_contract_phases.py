"""What the phases of a method do to its weights, tested on every card: each phase of the variants that it names for its
contract."""

import pytest
import torch
from conftest import ROOT, TOY
from small_models import built, clip, contract_runs, features_by, one, train, trained_phases

from saccade.engine import weights
from saccade.plan.features import features_of, features_settings
from saccade.plan.phases import phase_of, phases_of
from saccade.plan.runs import Run
from saccade.project import names

RUNS = [run for method in names(ROOT, "methods") for run in contract_runs(method)]
PHASES = [
    pytest.param(run, phase, id=f"{run.method}-{run.variant}-{phase.name}")
    for run in RUNS
    for phase in trained_phases(run)
]
TOY_RUN = Run("demo", "dots", "a", "cached", "mean", 0)


def cached_features() -> list[object]:
    """The phases whose features those of a contract's variants train on, and those of the toy project."""
    trained = [(ROOT, run, phase) for run in RUNS for phase in trained_phases(run)]
    trained += [(TOY, TOY_RUN, phase) for phase in phases_of(TOY, TOY_RUN)]
    found = {
        (root, each.run, each.phase.name) for root, run, phase in trained for each in features_of(root, run, phase)
    }
    return [pytest.param(*one, id=f"{one[1].method}-{one[1].variant}-{one[2]}") for one in sorted(found, key=str)]


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


@pytest.mark.parametrize(("root", "run", "phase"), cached_features())
def test_features_of_a_video_do_not_depend_on_its_batch_mates(root, run, phase):
    """Nor are they the same for all videos."""
    seen = clip(features_settings(root, run, phase_of(root, run, phase)), 3)
    together = features_by(root, run, phase, seen)
    for number, found in enumerate(together):
        (alone,) = features_by(root, run, phase, one(seen, number))
        assert alone and set(alone) == set(found)
        for name, tensor in alone.items():
            assert torch.allclose(tensor.double(), found[name].double(), atol=1e-5, rtol=1e-4), name
    assert any(not torch.equal(together[0][name], together[1][name]) for name in together[0])
