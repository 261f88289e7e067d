"""The contract of a method, tested on every card: its smallest variant, random weights, tiny input, CPU.

A new method is tested here by having a card; what only it can get wrong belongs into its own folder.
"""

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from small_models import built, clip, one, smallest

from saccade.cards.dataset import load_dataset
from saccade.cards.method import IMPORT, load_method
from saccade.cost import second_counter
from saccade.cost.count import count
from saccade.engine import device, loop, weights
from saccade.plan.layers import heads_of, resolve
from saccade.plan.phases import phases_of, weights_of
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.project import load_module, names


@pytest.fixture(scope="module", params=names(ROOT, "methods"))
def method(request):
    run = smallest(request.param)
    model, settings = built(run)
    return run, model, settings, load_module(ROOT / "methods" / run.method / "model.py")


@torch.inference_mode()
def test_declared_macs_are_the_macs_counted_while_executing_each_video(method):
    _, model, settings, module = method
    batch = clip(3)
    declared = module.predict(model, batch, settings).macs
    for number in range(3):
        counted = count(module.predict, model, one(batch, number), settings)
        assert counted.macs == declared[number].item() > 0


@torch.inference_mode()
def test_a_second_counter_agrees(method):
    _, model, settings, module = method
    executed, static = second_counter.agree(module.predict, model, clip(1), settings)
    assert executed == pytest.approx(static, rel=0.01)


@torch.inference_mode()
def test_a_video_does_not_depend_on_its_batch_mates(method):
    _, model, settings, module = method
    batch = clip(3)
    together = module.predict(model, batch, settings)
    for number in range(3):
        alone = module.predict(model, one(batch, number), settings)
        for head, probabilities in together.probabilities.items():
            torch.testing.assert_close(alone.probabilities[head][0], probabilities[number], rtol=0, atol=1e-5)
        assert alone.macs[0] == together.macs[number] and alone.frames[0] == together.frames[number]
        assert alone.decisions[0] == together.decisions[number]


@torch.inference_mode()
def test_a_prediction_has_a_row_of_probabilities_per_video_and_head(method):
    run, model, settings, module = method
    found = module.predict(model, clip(2), settings)
    for head in heads_of(ROOT, run):
        probabilities = found.probabilities[head.name]
        assert probabilities.shape == (2, head.num_classes)
        assert probabilities.min() >= 0 and probabilities.max() <= 1
    assert found.macs.dtype == found.frames.dtype == torch.int64


def test_a_trained_model_comes_back_from_its_phases(method, tmp_path):
    """To the last bit, in the same memory layout. Built, loaded and placed outside of inference mode, as the steps do:
    recurrent layers compute otherwise with weights that were made inside it."""
    run, model, settings, module = method
    products = []
    for need in weights_of(ROOT, run):
        products.append(tmp_path / f"{len(products)}.json")
        weights.save(products[-1], model, need.phase.trains, {})
    torch.manual_seed(1)
    other = module.build(settings, heads_of(ROOT, run)).eval()
    weights.load(other, products, whole=True)
    model = copy.deepcopy(model)
    for _ in range(2):
        assert layouts(model) == layouts(other)
        with torch.inference_mode():
            first, second = (module.predict(net, clip(2), settings).probabilities for net in (model, other))
        assert all(torch.equal(first[head], second[head]) for head in first)
        for net in (model, other):
            device.place(net, torch.device("cpu"))


def layouts(model) -> dict[str, tuple[int, ...]]:
    """The strides of every parameter and buffer."""
    return {name: tensor.stride() for name, tensor in [*model.named_parameters(), *model.named_buffers()]}


class Eight:
    """Stands for eight training videos: what phases see of them comes from `batches`."""

    def __len__(self) -> int:
        return 8

    def without_augmentation(self) -> "Eight":
        return self


def trained(method, monkeypatch, tmp_path, phase):
    """The run's model before and after two epochs of the phase on eight random clips."""
    run, _, _, _ = method
    model, settings = built(run)
    settings = dataclasses.replace(settings, epochs=2, batch_size=4, warmup_epochs=0.0, selection="last")
    heads = heads_of(ROOT, run)

    def batches(dataset, batch_size, *, epoch, **_):
        labels = {head.name: torch.arange(4) % head.num_classes for head in heads}
        for number in range(2):
            yield clip(4, seed=10 * epoch + number) | {"labels": labels}

    monkeypatch.setattr(loop, "batches", batches)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    weights.freeze_rest(model, phase.trains)
    phases = load_module(ROOT / "methods" / run.method / "phases.py")
    generator = device.seed_everything(0, threads=1)
    getattr(phases, phase.name)(
        loop.PhaseRun(
            settings=settings,
            heads=heads,
            model=model,
            train=Eight(),
            val=Eight(),
            device=torch.device("cpu"),
            generator=generator,
            log=tmp_path / f"{phase.name}.log.jsonl",
            settle=lambda module: weights.settle_rest(module, phase.trains),
        )
    )
    return before, model.state_dict()


def test_a_phase_changes_only_what_it_trains_and_the_same_seed_gives_the_same_weights(method, monkeypatch, tmp_path):
    for phase in phases_of(ROOT, method[0]):
        before, after = trained(method, monkeypatch, tmp_path, phase)
        changed = {key for key in after if not torch.equal(before[key], after[key])}
        assert changed and changed <= set(weights.covered(after, phase.trains))
        _, again = trained(method, monkeypatch, tmp_path, phase)
        assert all(torch.equal(after[key], again[key]) for key in after)


def test_the_same_seed_builds_the_same_model(method):
    run, model, *_ = method
    again, _ = built(run)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))


def test_every_setting_of_a_card_resolves_for_every_variant_and_point(method):
    name = method[0].method
    for variant in load_method(ROOT, name).variants:
        run = Run("demo", "motion-digits", "", name, variant, 0)
        weights_of(ROOT, run)
        for point, _ in points_of(ROOT, run):
            assert dataclasses.is_dataclass(resolve(ROOT, run, point=point.name).typed)


def test_every_phase_of_a_card_is_a_function(method):
    phases = load_module(ROOT / "methods" / method[0].method / "phases.py")
    for phase in load_method(ROOT, method[0].method).phases:
        assert callable(getattr(phases, "import_released" if phase == IMPORT else phase))


def test_a_method_imports_no_step_and_no_other_method(method):
    folder = ROOT / "methods" / method[0].method
    for file in sorted(folder.glob("*.py")):
        for line in file.read_text().splitlines():
            for forbidden in (
                *(f"saccade.steps.{step}" for step in ("train", "predict", "measure", "prepare", "score", "report")),
                "methods.",
            ):
                assert not line.startswith((f"from {forbidden}", f"import {forbidden}")), f"{file}: {line}"


def test_every_dataset_card_can_be_read():
    for name in names(ROOT, "data"):
        assert Path(load_dataset(ROOT, name).folder).is_dir()
