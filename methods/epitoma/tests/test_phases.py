"""What the phases learn from: their losses by hand, the timesteps they draw, and that a stopped training ends as an
undisturbed one."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from small_models import built, run_of
from torch import nn

from saccade.engine import phase_run, weights
from saccade.engine.checkpoint import Checkpoint
from saccade.engine.device import seed_everything
from saccade.plan.layers import heads_of, resolve
from saccade.plan.phases import phase_of
from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
phases, places = load_module(FOLDER / "phases.py"), load_module(FOLDER / "networks/places.py")
Settings = load_module(FOLDER / "settings.py").Settings
ANY = {"num_frames": 8, "resize": 0, "crop": 0, "epochs": 1, "batch_size": 2, "lr": 0.1}
SMALL = {"timesteps": 8, "cached_timesteps": 8, "train_timesteps": 3, "selected": 1, "noise": False}
SPARSE = {"l0_weight": 0.3, "l0_target": 0.2, "l0_warmup_epochs": 2.0}
PARTS = {  # phase -> the features that it classifies, and with which part of the model
    "train_selector": ("light", "selector_classifier"),
    "train_jointly": ("heavy", "classifier"),
}


class Asked:
    """Stands for a run: remembers the loss and the batches that its phase would train and be watched on."""

    def __init__(self, phase, given=(), features=None, **chosen):
        self.settings = Settings(**{**ANY, **SMALL, **SPARSE, **chosen})
        self.generator = torch.Generator().manual_seed(0)
        self.features = features or {"finetune_light": {}, "finetune_heavy": {}}
        self.given = list(given)
        getattr(phases, phase)(self)

    def batches(self, epoch, start):
        return self.given[start:]

    def val_batches(self):
        return self.given

    def fit(self, loss, train, val):
        self.loss, self.train, self.val = loss, train, val


# ---- the loss of a selector and a classifier


class Mean(nn.Module):
    """Scores of two classes: the mean features of the timesteps that are there."""

    def forward(self, features, there):
        return {"noun": (features * there[..., None]).sum(1) / there.sum(1, keepdim=True)}


class Wrong(nn.Module):
    def forward(self, features, there):
        raise AssertionError("the other phase's classifier was asked")


class Given(nn.Module):
    """A model whose gating values are the LightNet's features, as they are."""

    def __init__(self, phase):
        super().__init__()
        for part in ("classifier", "selector_classifier"):
            setattr(self, part, Mean() if PARTS[phase][1] == part else Wrong())

    def selector(self, light):
        return light[..., 0]


ALPHA = [math.log(3), 0.0, -math.log(3)]  # sigmoids 3/4, 1/2, 1/4: gates 3/4, 1/2 and closed; 1/2 open in expectation
FEATURES = [[4.0, 0.0], [0.0, 8.0], [40.0, 80.0]]


def batch(phase, epoch=None):
    """One video of class 0. In joint training HeavyNet features are FEATURES; alone, they are told by the LightNet's
    first number, which is the gating value, too."""
    light = [[alpha, heavy[1]] for alpha, heavy in zip(ALPHA, FEATURES, strict=True)]
    found = {"light": torch.tensor([light]), "heavy": torch.tensor([FEATURES]), "labels": {"noun": torch.tensor([0])}}
    return found | ({} if epoch is None else {"epoch": epoch})


def cross_entropy(true, other):
    return math.log1p(math.exp(other - true))


SCORES = {  # of features times gates, over the two timesteps that are left; at test time gates are 1
    "train_jointly": {"training": (4 * 0.75 / 2, 8 * 0.5 / 2), "validation": (4 / 2, 8 / 2)},
    "train_selector": {"training": (ALPHA[0] * 0.75 / 2, 8 * 0.5 / 2), "validation": (ALPHA[0] / 2, 8 / 2)},
}


def loss_of(phase, training=True, epoch=0, **chosen):
    value, scores = Asked(phase, **chosen).loss(Given(phase).train(training), batch(phase, epoch if training else None))
    return value.item(), scores["noun"].tolist()[0]


@pytest.mark.parametrize("phase", PARTS)
def test_the_loss_is_cross_entropy_of_what_open_gates_let_through(phase):
    """Closed timesteps are not among those that the classifier sees: zeros would make the mean smaller."""
    expected = SCORES[phase]["training"]
    value, scores = loss_of(phase)
    assert scores == pytest.approx(expected) and value == pytest.approx(cross_entropy(*expected))


@pytest.mark.parametrize("phase", PARTS)
@pytest.mark.parametrize(
    ("epoch", "chosen", "more"),
    [
        (1, {}, 0.0),  # still warming up
        (2, {}, 0.3 * (0.5 - 0.2)),
        (9, {}, 0.3 * (0.5 - 0.2)),
        (2, {"l0_target": 0.0}, 0.3 * 0.5),
        (2, {"l0_target": 0.6}, 0.0),  # fewer are open than may be: nothing is gained by closing more
        (2, {"l0_weight": 1.0}, 0.5 - 0.2),
        (0, {"l0_warmup_epochs": 0.0}, 0.3 * (0.5 - 0.2)),
    ],
)
def test_l0_is_added_once_it_is_warm_above_its_target(phase, epoch, chosen, more):
    expected = cross_entropy(*SCORES[phase]["training"]) + more
    assert loss_of(phase, epoch=epoch, **chosen)[0] == pytest.approx(expected)


@pytest.mark.parametrize("phase", PARTS)
def test_l0_closes_gates_that_let_nothing_through(phase):
    """Its gradient is that of the mean sigmoid, also of the gate that is closed."""
    asked, model, given = Asked(phase), Given(phase).train(), batch(phase, 2)
    light = given["light"].requires_grad_()
    asked.loss(model, given)[0].backward()
    assert light.grad[0, 2, 0].item() == pytest.approx(0.3 * 0.25 * 0.75 / 3)


@pytest.mark.parametrize("phase", PARTS)
def test_validation_has_open_and_closed_gates_without_l0_or_noise(phase):
    expected = SCORES[phase]["validation"]
    asked = Asked(phase, noise=True, l0_warmup_epochs=0.0)
    before = asked.generator.get_state()
    value, scores = asked.loss(Given(phase).eval(), batch(phase))
    assert scores["noun"].tolist()[0] == pytest.approx(expected)
    assert value.item() == pytest.approx(cross_entropy(*expected))
    assert torch.equal(asked.generator.get_state(), before)


@pytest.mark.parametrize("phase", PARTS)
def test_training_draws_its_noise_from_the_runs_generator(phase):
    found = [Asked(phase, noise=True) for _ in range(2)]
    losses = [[asked.loss(Given(phase).train(), batch(phase, 0))[0].item() for _ in range(3)] for asked in found]
    assert losses[0] == losses[1] and len({*losses[0], cross_entropy(*SCORES[phase]["training"])}) == 4


@pytest.mark.parametrize("phase", PARTS)
def test_gates_carry_the_classifiers_gradient_to_the_selector_and_to_nothing_else(phase):
    """Without L0, of the whole network."""
    network, settings = built(run_of("epitoma", "tiny-i3d-e2e"))
    asked = Asked(phase, l0_weight=0.0, context=settings.context)
    generator = torch.Generator().manual_seed(0)
    sizes = {"light": network.selector.concepts.in_features, "heavy": network.heavy.num_features}
    given = {name: torch.randn(2, 3, size, generator=generator) for name, size in sizes.items()}
    labels = {head.name: torch.tensor([0, 1]) for head in network.heads_known}
    asked.loss(network.train(), given | {"labels": labels, "epoch": 0})[0].backward()
    moved = {
        name.split(".")[0]
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }
    assert moved == {"selector", PARTS[phase][1]}


# ---- the timesteps of a batch

KNOWN = {  # of two videos with 8 timesteps, whose features tell video and timestep
    name: {f"v{video}": {name: 100.0 * video + 10 * sign * torch.arange(8.0)[:, None]} for video in range(2)}
    for name, sign in (("light", 1), ("heavy", -1))
}
BATCH = {"video_id": ["v1", "v0"], "video_frames": torch.tensor([64, 64])}


def drawn(generator, fewest=0, **chosen):
    settings = Settings(**{**ANY, **SMALL, "train_timesteps": 4, **chosen})
    return phases.with_features(BATCH, KNOWN, settings, generator, fewest)


def timesteps(found, name="light"):
    """Of each video the numbers of its timesteps, those that are there."""
    sign = {"light": 1, "heavy": -1}[name]
    return [
        [round(sign * (value - 100 * int(video[1:])) / 10) for value in row[there].flatten().tolist()]
        for video, row, there in zip(found["video_id"], found[name], found["there"], strict=True)
    ]


def test_without_a_generator_timesteps_are_centres():
    found = drawn(None, fewest=1)
    assert timesteps(found) == timesteps(found, "heavy") == [[1, 3, 5, 7]] * 2
    assert found["there"].all() and found["light"].shape == (2, 4, 1)
    assert {name: found[name] for name in BATCH} == BATCH


def test_the_rule_centre_draws_nothing():
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    assert timesteps(drawn(generator, train_rule="centre")) == [[1, 3, 5, 7]] * 2
    assert torch.equal(generator.get_state(), before)


def test_drawn_timesteps_rise_are_the_same_of_both_networks_and_others_for_each_video_and_time():
    generator = torch.Generator().manual_seed(0)
    found = [drawn(generator) for _ in range(20)]
    chosen = [tuple(map(tuple, timesteps(one))) for one in found]
    assert chosen == [tuple(map(tuple, timesteps(one, "heavy"))) for one in found]
    every = [video for one in chosen for video in one]
    assert all(list(video) == sorted(set(video)) and len(video) == 4 for video in every)
    assert {place for video in every for place in video} == set(range(8)) and len(set(every)) > 10
    assert any(first != second for first, second in chosen)


def test_from_fewest_on_numbers_are_even_by_logarithm_and_the_rest_is_padding_that_is_not_there():
    """From 1 to 4: 1 comes with log 2 / log 5 = 0.431, 4 with log(5 / 4) / log 5 = 0.139."""
    generator = torch.Generator().manual_seed(0)
    found = [drawn(generator, fewest=1) for _ in range(1000)]
    counts = torch.cat([one["there"].sum(1) for one in found])
    assert [(counts == number).double().mean().item() for number in (1, 4)] == pytest.approx([0.431, 0.139], abs=0.03)
    for one in found[:50]:
        assert one["there"].int().diff(dim=1).max() <= 0  # in front
        assert (one["light"][~one["there"]] == 0).all() and (one["heavy"][~one["there"]] == 0).all()
        assert all(number == sorted(set(number)) for number in timesteps(one))


def test_a_phase_draws_in_training_and_watches_centres():
    asked = Asked("train_jointly", [BATCH] * 2, {f"finetune_{name}": found for name, found in KNOWN.items()})
    trained, watched = list(asked.train(5, 1)), list(asked.val())
    assert [one["epoch"] for one in trained] == [5] and len(watched) == 2
    assert all(timesteps(one) == [list(places.centre(8, 3))] * 2 and "epoch" not in one for one in watched)
    assert timesteps(trained[0]) != timesteps(watched[0])
    # in the validation of a finished training nothing was drawn: it goes on as it would have without
    again = Asked("train_jointly", [BATCH] * 2, {f"finetune_{name}": found for name, found in KNOWN.items()})
    list(again.val())
    assert timesteps(next(again.train(5, 1))) == timesteps(trained[0])


def test_only_off_the_shelf_classifiers_learn_from_fewer():
    chosen = {"train_timesteps": 8, "train_fewest": 1}
    known = {f"finetune_{name}": found for name, found in KNOWN.items()}
    fewer = {
        phase: not all(one["there"].all() for one in Asked(phase, [BATCH] * 20, known, **chosen).train(0, 0))
        for phase in (*PARTS, "train_classifier")
    }
    assert fewer == {"train_selector": False, "train_jointly": False, "train_classifier": True}


# ---- stopped and taken up

VIDEOS, SIZE = 8, 3  # batches of 3, 3 and 2 videos


class Interrupted(Checkpoint):
    """Ends the work, as a kill would, at a saved state."""

    left = math.inf

    def keep(self, facts, **parts):
        super().keep(facts, **parts)
        self.left -= 1
        if self.left == 0:
            raise InterruptedError


def shuffled(videos, size, *, epoch, start=0, shuffle, **_):
    order = torch.randperm(VIDEOS, generator=torch.Generator().manual_seed(epoch)) if shuffle else torch.arange(VIDEOS)
    for numbers in order.split(size)[start:]:
        names = [f"v{number}" for number in numbers.tolist()]
        labels = {head: numbers % 2 for head in ("noun", "verb")}
        yield {"video_id": names, "labels": labels, "video_frames": torch.full((len(names),), 64)}


def trained(phase, folder, stops):
    """What the phase leaves: the bytes of its product and of its log's losses. stops: after how many saved states each
    process ends, before the last one."""
    run = run_of("epitoma", "tiny-light" if phase == "train_selector" else "tiny-i3d-e2e")
    chosen = {
        "heavy_size": "tiny",
        "epochs": 2,
        "batch_size": SIZE,
        "eval_batch_size": 4,
        "warmup_epochs": 0.5,
        "l0_warmup_epochs": 1.0,
    }
    chosen |= {"cached_timesteps": 8, "train_timesteps": 4, "dropout": 0.2, "cache_mb": 0}
    settings = dataclasses.replace(resolve(ROOT, run, phase).typed, **chosen)
    assert settings.noise and settings.train_rule == "random"
    trains = phase_of(ROOT, run, phase).trains
    for left in (*stops, math.inf):
        torch.manual_seed(0)
        model = load_module(FOLDER / "model.py").build(settings, heads_of(ROOT, run))
        weights.freeze_rest(model, trains)
        generator = seed_everything(0, threads=1)
        noise = torch.Generator().manual_seed(7)
        sizes = {"light": model.selector.concepts.in_features, "heavy": model.heavy.num_features}
        features = {
            f"finetune_{name}": {
                f"v{number}": {name: torch.randn(8, size, generator=noise)} for number in range(VIDEOS)
            }
            for name, size in sizes.items()
        }
        checkpoint = Interrupted(folder / "state.safetensors", {"of": phase}, 0, [generator])
        checkpoint.left = left
        started = phase_run.PhaseRun(
            settings=settings,
            heads=heads_of(ROOT, run),
            model=model,
            train=range(VIDEOS),
            val=range(VIDEOS),
            device=torch.device("cpu"),
            generator=generator,
            log=folder / "log.jsonl",
            settle=lambda module: weights.settle_rest(module, trains),
            checkpoint=checkpoint,
            features=features,
        )
        if left == math.inf:
            getattr(phases, phase)(started)
        else:
            with pytest.raises(InterruptedError):
                getattr(phases, phase)(started)
    assert checkpoint.resumed == len(stops)
    weights.save(folder / f"{phase}.json", model, trains, {"result": started.result})
    return (folder / f"{phase}.safetensors").read_bytes(), started.result


@pytest.mark.parametrize("phase", PARTS)
def test_stopped_trainings_end_with_the_same_bytes(phase, tmp_path, monkeypatch):
    """Stopped within an epoch, at the end of a validation, and behind the first batch of an epoch."""
    monkeypatch.setattr(phase_run, "batches", shuffled)
    found = []
    for name, stops in (("undisturbed", ()), ("stopped", (2, 3, 3))):
        (tmp_path / name).mkdir()
        found.append(trained(phase, tmp_path / name, stops))
    assert found[0] == found[1]
