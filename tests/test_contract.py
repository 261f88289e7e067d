"""The contract of a method, tested on every card: the variants that it names, random weights, tiny input, CPU.

A new method is tested here by having a card; what only it can get wrong belongs into its own folder. What phases do to
weights is in test_contract_phases.py, what the named variants leave out in test_contract_coverage.py.
"""

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from small_models import built, clip, contract_runs, finished, is_part, kinds_of_points, one, run_of, save_phases

from saccade.cards.dataset import load_dataset
from saccade.cards.entries import Entry
from saccade.cards.method import IMPORT, load_method
from saccade.cost import second_counter
from saccade.cost.count import count
from saccade.engine import device, weights
from saccade.engine.inference import need_declared_frames
from saccade.engine.shared_clips import groups_of
from saccade.plan.layers import heads_of, resolve
from saccade.plan.phases import weights_of
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.project import load_module, names
from saccade.records import Prediction

METHODS = names(ROOT, "methods")
RUNS = [run for method in METHODS for run in contract_runs(method) if not is_part(run)]


def named(run: Run, *more: str) -> str:
    return "-".join([run.method, run.variant, *more])


@pytest.fixture(scope="module", params=RUNS, ids=named)
def method(request):
    run = request.param
    return run, *finished(run), load_module(ROOT / "methods" / run.method / "model.py")


POINTS = [(run, point) for run in RUNS for point in kinds_of_points(run)]


@pytest.mark.parametrize(("run", "point"), [pytest.param(r, p, id=named(r, p.name)) for r, p in POINTS])
@torch.inference_mode()
def test_a_video_costs_what_it_executes_and_does_not_depend_on_its_batch_mates(run, point):
    """Of three videos: declared multiply-adds are those counted while they are executed, together and each alone, and
    those that a second counter finds; scores, decisions and costs are equal alone and together. A method that asks for
    frames declares as many decoded ones as it has decoded."""
    model, _ = finished(run)
    settings = resolve(ROOT, run, point=point.name).typed
    predict = load_module(ROOT / "methods" / run.method / "model.py").predict
    batch = clip(settings, 3)
    executed = count(predict, model, batch, settings)
    together = executed.result
    assert executed.macs == together.macs.sum().item()
    need_declared_frames(batch, together)
    for number in range(3):
        alone = one(clip(settings, 3), number)  # its frames on demand have decoded nothing yet
        counted = count(predict, model, alone, settings)
        need_declared_frames(alone, counted.result)
        assert counted.macs == counted.result.macs[0].item() > 0
        assert point.mixes_videos or equal(counted.result, together, number)
    ours, theirs = second_counter.agree(predict, model, one(batch, 1), settings)
    assert ours == pytest.approx(theirs, rel=0.01)


def equal(alone: Prediction, together: Prediction, number: int) -> bool:
    """Whether a video got the same by itself as among others."""
    told = [(found.macs[n], found.frames[n], found.decisions[n]) for found, n in ((alone, 0), (together, number))]
    decoded = [found.decoded_frames for found in (alone, together)]
    same_decoded = decoded == [None, None] or decoded[0][0] == decoded[1][number]
    return (
        told[0] == told[1]
        and same_decoded
        and all(
            torch.allclose(alone.probabilities[head][0], probabilities[number], rtol=0, atol=1e-5)
            for head, probabilities in together.probabilities.items()
        )
    )


ON_DEMAND = {run for run, point in POINTS if resolve(ROOT, run, point=point.name).typed.on_demand}


@pytest.mark.parametrize("run", sorted(ON_DEMAND, key=named), ids=named)
@torch.inference_mode()
def test_what_points_leave_for_each_other_in_a_clip_on_demand_changes_no_answer(run):
    """Neither where they are asked in the order of their names nor the other way round, and whatever it saves."""
    model, _ = finished(run)
    predict = load_module(ROOT / "methods" / run.method / "model.py").predict
    points = {point.name: resolve(ROOT, run, point=point.name).typed for point in kinds_of_points(run)}
    for group in groups_of(points):
        alone = {name: predict(model, clip(settings, 2), settings) for name, settings in group.items()}
        for order in (sorted(group), sorted(group, reverse=True)):
            shared = clip(group[order[0]], 2) | {"memory": {}}
            for name in order:
                found = predict(model, dict(shared), group[name])
                assert all(equal(one_of(alone[name], number), found, number) for number in range(2)), name


def one_of(found: Prediction, number: int) -> Prediction:
    """The answer of one video."""
    rows = slice(number, number + 1)
    scores = {head: values[rows] for head, values in found.probabilities.items()}
    more = None if found.decoded_frames is None else found.decoded_frames[rows]
    return Prediction(scores, found.macs[rows], found.frames[rows], found.decisions[rows], more)


@pytest.mark.parametrize("name", METHODS)
@torch.inference_mode()
def test_a_point_that_says_it_mixes_videos_does(name):
    for family in {point.family for run, point in POINTS if run.method == name and point.mixes_videos}:
        runs = [(run, point) for run, point in POINTS if run.method == name and point.family == family]
        assert any(mixes(run, point) for run, point in runs), f"{family}: no video depends on its batch-mates"


def mixes(run: Run, point: Entry) -> bool:
    model, _ = finished(run)
    settings = resolve(ROOT, run, point=point.name).typed
    predict = load_module(ROOT / "methods" / run.method / "model.py").predict
    batch = clip(settings, 3)
    together = predict(model, batch, settings)
    return not all(equal(predict(model, one(batch, number), settings), together, number) for number in range(3))


SAME_POINTS = [(run, point) for run, point in POINTS if point.same_as]


@pytest.mark.parametrize(("run", "point"), [pytest.param(r, p, id=named(r, p.name)) for r, p in SAME_POINTS])
@torch.inference_mode()
def test_a_point_that_only_computes_otherwise_gives_the_same_answers(run, point):
    model, _ = finished(run)
    predict = load_module(ROOT / "methods" / run.method / "model.py").predict
    own, other = (resolve(ROOT, run, point=name).typed for name in (point.name, point.same_as))
    first, second = (predict(model, clip(settings, 2), settings) for settings in (own, other))
    for head in first.probabilities:
        torch.testing.assert_close(first.probabilities[head], second.probabilities[head], rtol=0, atol=1e-5)
    assert first.decisions == second.decisions


OFF = [run for run in RUNS if load_method(ROOT, run.method).variants[run.variant].same_as]


@pytest.mark.parametrize("run", OFF, ids=named)
@torch.inference_mode()
def test_with_its_choices_off_a_method_is_the_static_network(run):
    model, settings = finished(run)
    other, static = built(run_of(run.method, load_method(ROOT, run.method).variants[run.variant].same_as))
    own = model.state_dict()
    other.load_state_dict({key: own[key] for key in other.state_dict()})
    predict = load_module(ROOT / "methods" / run.method / "model.py").predict
    first, second = predict(model, clip(settings, 2), settings), predict(other, clip(static, 2), static)
    for head in first.probabilities:
        torch.testing.assert_close(first.probabilities[head], second.probabilities[head], rtol=0, atol=1e-5)


@torch.inference_mode()
def test_a_prediction_has_a_row_of_probabilities_per_video_and_head(method):
    run, model, settings, module = method
    found = module.predict(model, clip(settings, 2), settings)
    for head in heads_of(ROOT, run):
        probabilities = found.probabilities[head.name]
        assert probabilities.shape == (2, head.num_classes)
        assert probabilities.min() >= 0 and probabilities.max() <= 1
    assert found.macs.dtype == found.frames.dtype == torch.int64


def test_a_trained_model_comes_back_from_its_phases(method, tmp_path):
    """To the last bit, in the same memory layout. Built, loaded and placed outside of inference mode, as the steps do:
    recurrent layers compute otherwise with weights that were made inside it."""
    run, model, settings, module = method
    products = save_phases(run, model, tmp_path)
    torch.manual_seed(1)
    other = module.build(settings, heads_of(ROOT, run)).eval()
    weights.load(other, products, whole=True)
    model = copy.deepcopy(model)
    for _ in range(2):
        assert layouts(model) == layouts(other)
        with torch.inference_mode():
            first, second = (module.predict(net, clip(settings, 2), settings).probabilities for net in (model, other))
        assert all(torch.equal(first[head], second[head]) for head in first)
        for net in (model, other):
            device.place(net, torch.device("cpu"))


def layouts(model) -> dict[str, tuple[int, ...]]:
    """The strides of every parameter and buffer."""
    return {name: tensor.stride() for name, tensor in [*model.named_parameters(), *model.named_buffers()]}


def test_the_same_seed_builds_the_same_model(method):
    run, *_ = method
    (model, _), (again, _) = built(run), built(run)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_every_setting_of_a_card_resolves_for_every_variant_and_point(name):
    for variant in load_method(ROOT, name).variants:
        run = run_of(name, variant)
        weights_of(ROOT, run)
        for point, _ in points_of(ROOT, run):
            assert dataclasses.is_dataclass(resolve(ROOT, run, point=point.name).typed)


@pytest.mark.parametrize("name", METHODS)
def test_every_phase_of_a_card_is_a_function(name):
    phases = load_module(ROOT / "methods" / name / "phases.py")
    for phase in load_method(ROOT, name).phases:
        assert callable(getattr(phases, "import_released" if phase == IMPORT else phase))


def test_every_dataset_card_can_be_read():
    for name in names(ROOT, "data"):
        assert Path(load_dataset(ROOT, name).folder).is_dir()
