import json

import pytest
import torch
from torch import nn

from saccade.engine import device, loop, optimizer, phase_run
from saccade.records import SaccadeError
from saccade.settings import Recipe


def recipe(**changes) -> Recipe:
    return Recipe(**{"epochs": 4, "batch_size": 4, "lr": 0.1, "momentum": 0.0, "schedule": "constant"} | changes)


def toy_batches(seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    for number in range(3):
        x = torch.randn(4, 2, generator=generator)
        yield {"x": x, "labels": {"noun": (x[:, 0] > 0).long()}, "video_id": [f"v{number}{k}" for k in range(4)]}


def loss(model, batch):
    logits = model(batch["x"])
    return nn.functional.cross_entropy(logits, batch["labels"]["noun"]), {"noun": logits}


def from_number(epoch, start):
    return list(toy_batches(epoch))[start:]


def trained(tmp_path, seed=0, **changes):
    device.seed_everything(seed, threads=1)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    log = tmp_path / "train.log.jsonl"
    result = loop.fit(
        model, loss, recipe(**changes), from_number, toy_batches, steps=3, device=torch.device("cpu"), log=log
    )
    return model, result, [json.loads(line) for line in log.read_text().splitlines()]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    first, second, other = (trained(tmp_path, seed)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["0.weight"], other["0.weight"])


def test_the_log_has_one_line_per_epoch_and_the_loss_falls(tmp_path):
    _, result, lines = trained(tmp_path, epochs=12)
    assert [line["epoch"] for line in lines] == list(range(1, 13))
    assert set(lines[0]) == {"epoch", "epochs", "lr", "train.loss", "val.loss", "val.noun.top1", "seconds"}
    assert lines[-1]["train.loss"] < 0.7 * lines[0]["train.loss"]
    assert result["epoch"] == 12


@pytest.mark.parametrize(
    ("changes", "epoch", "expected"),
    [
        ({"schedule": "constant"}, 3, 0.1),
        ({"schedule": "step", "milestones": [1, 3]}, 0.9, 0.1),
        ({"schedule": "step", "milestones": [1, 3]}, 1, 0.01),
        ({"schedule": "step", "milestones": [1, 3]}, 3.5, 0.001),
        ({"schedule": "cosine"}, 0, 0.1),
        ({"schedule": "cosine"}, 2, 0.05),
        ({"schedule": "cosine"}, 4, 0.0),
        ({"schedule": "cosine", "warmup_epochs": 2.0}, 1, 0.05),
        ({"schedule": "cosine", "warmup_epochs": 2.0}, 3, 0.05),
        # PySlowFast's: from 0.02 to what a cosine over all epochs has come to
        ({"schedule": "cosine", "cosine_from": "start", "warmup_epochs": 2.0, "warmup_from": 0.02}, 0, 0.02),
        ({"schedule": "cosine", "cosine_from": "start", "warmup_epochs": 2.0, "warmup_from": 0.02}, 1, 0.035),
        ({"schedule": "cosine", "cosine_from": "start", "warmup_epochs": 2.0, "warmup_from": 0.02}, 2, 0.05),
        ({"schedule": "cosine", "cosine_from": "start", "warmup_epochs": 2.0, "warmup_from": 0.02}, 3, 0.014644661),
        ({"schedule": "step", "milestones": [2], "warmup_epochs": 1.0, "warmup_from": 0.02}, 0.5, 0.06),
    ],
)
def test_the_learning_rate_by_hand(changes, epoch, expected):
    assert optimizer.rate(recipe(**changes), epoch) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("every", "rates"), [("batch", [0.1, 0.0853553, 0.05, 0.0146447]), ("epoch", [0.1, 0.1, 0.05, 0.05])]
)
def test_the_rate_is_set_at_every_batch_or_epoch(every, rates, tmp_path):
    """Two epochs of two batches under a cosine, of a weight whose gradient is 1."""
    settings = recipe(epochs=2, lr=0.1, schedule="cosine", lr_every=every)
    moved, model = [], nn.Linear(1, 1, bias=False)

    def loss(module, _):
        moved.append(float(module.weight.detach()))
        return module.weight.sum(), {}

    one = {"video_id": ["v"], "labels": {}}
    where = {"steps": 2, "device": torch.device("cpu"), "log": tmp_path / "log"}
    loop.fit(model, loss, settings, lambda epoch, start: [one, one][start:], lambda: [], **where)
    moved.append(float(model.weight.detach()))
    assert [was - now for was, now in zip(moved, moved[1:], strict=False)] == pytest.approx(rates, abs=1e-6)


def test_a_warm_up_from_nothing_needs_a_rate_that_moves_within_the_epoch():
    with pytest.raises(
        ValueError, match="lr_every is epoch, warmup_epochs 1.0 and warmup_from 0: the whole first epoch"
    ):
        recipe(lr_every="epoch", warmup_epochs=1.0)


@pytest.mark.parametrize(("drop_last", "steps"), [(False, 3), (True, 2)])
def test_an_epoch_has_as_many_batches_as_the_videos_make(drop_last, steps):
    assert run_of(8, 3, drop_last).steps == steps


def test_where_the_last_batch_is_left_out_and_is_the_only_one_the_message_says_what_to_set():
    message = "drop_last is true, and the training split's 2 videos make no batch of 3: .* batch_size to 2 or less"
    run = run_of(2, 3, drop_last=True)
    with pytest.raises(SaccadeError, match=message):
        run.fit(loss)
    with pytest.raises(SaccadeError, match=message):
        next(run.batches(0))


def run_of(videos, batch_size, drop_last):
    settings = recipe(batch_size=batch_size, drop_last=drop_last)
    nothing = dict.fromkeys(("heads", "model", "val", "device", "generator", "log", "settle"))
    return phase_run.PhaseRun(settings=settings, train=range(videos), **nothing)


def test_factors_scale_the_rate_of_the_parameters_they_name(tmp_path):
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    before = [float(layer.weight.detach()) for layer in model]
    loop.fit(
        model,
        lambda module, _: (3 * module[0].weight.sum() + 3 * module[1].weight.sum(), {}),
        recipe(epochs=1, lr=0.1, lr_factors={"0.*": 0.5}),
        lambda epoch, start: [{"video_id": ["v"], "labels": {}}],
        lambda: [],
        steps=1,
        device=torch.device("cpu"),
        log=tmp_path / "train.log.jsonl",
    )
    moved = [was - float(layer.weight.detach()) for was, layer in zip(before, model, strict=True)]
    assert moved == pytest.approx([0.5 * 0.1 * 3, 0.1 * 3])


def test_a_factor_of_nothing_is_named():
    with pytest.raises(
        SaccadeError, match=r"lr_factors: 'classifier\.\*' covers nothing of the model, whose first names are weight"
    ):
        optimizer.make_optimizer(nn.Linear(1, 1), recipe(lr_factors={"classifier.*": 2.0}))


def test_weight_decay_spares_the_parameters_it_is_told_to():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    groups = optimizer.make_optimizer(model, recipe(weight_decay=0.5, undecayed=["1.*"])).param_groups
    assert {group["weight_decay"]: len(group["params"]) for group in groups} == {0.5: 2, 0.0: 2}
    groups = optimizer.make_optimizer(model, recipe(weight_decay=0.5, decay_vectors=False)).param_groups
    assert {group["weight_decay"]: len(group["params"]) for group in groups} == {0.5: 1, 0.0: 3}
    with pytest.raises(SaccadeError, match="undecayed: 'norm' covers nothing"):
        optimizer.make_optimizer(model, recipe(undecayed=["norm"]))


def test_sgd_takes_the_step_that_the_formula_says(tmp_path):
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    batch = {"video_id": ["v"], "labels": {}}
    loop.fit(
        model,
        lambda module, _: ((3 * module.weight**2).sum(), {}),  # gradient 6 w
        recipe(epochs=1, lr=0.1, weight_decay=0.5),
        lambda *_: [batch],
        lambda: [],
        steps=1,
        device=torch.device("cpu"),
        log=tmp_path / "log",
    )
    assert model.weight.item() == pytest.approx(1 - 0.1 * (6 + 0.5))


def test_gradients_are_clipped_to_the_norm(tmp_path):
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    one = [{"video_id": ["v"], "labels": {}}]
    big = lambda module, _: ((100 * module.weight).sum(), {})  # noqa: E731
    settings = recipe(epochs=1, lr=0.1, clip_norm=2.0)
    loop.fit(
        model, big, settings, lambda *_: one, lambda: [], steps=1, device=torch.device("cpu"), log=tmp_path / "log"
    )
    assert model.weight.item() == pytest.approx(1 - 0.1 * 2.0, abs=1e-5)


def test_a_loss_that_is_not_finite_stops_with_the_batch_named(tmp_path):
    model = nn.Linear(1, 1)
    before = model.weight.clone()
    bad = [{"video_id": ["clip7"], "labels": {}}]
    with pytest.raises(SaccadeError, match=r"loss is nan in epoch 1, batch 1 \(videos clip7"):
        loop.fit(
            model,
            lambda module, _: (module.weight.sum() * float("nan"), {}),
            recipe(),
            lambda *_: bad,
            lambda: [],
            steps=1,
            device=torch.device("cpu"),
            log=tmp_path / "log",
        )
    assert torch.equal(model.weight, before)


def test_best_keeps_the_epoch_with_the_best_validation(tmp_path):
    model = nn.Linear(1, 1, bias=False)
    wanted = iter([1.0, 5.0, 2.0])  # the loss on val falls, then rises

    def walk(module, batch):
        if batch["video_id"] == ["val"]:
            return (module.weight - 3.0).abs().sum(), {}
        with torch.no_grad():
            module.weight.fill_(next(wanted))
        return (module.weight * 0).sum(), {}

    result = loop.fit(
        model,
        walk,
        recipe(epochs=3, selection="best"),
        lambda *_: [{"video_id": ["train"], "labels": {}}],
        lambda: [{"video_id": ["val"], "labels": {}}],
        steps=1,
        device=torch.device("cpu"),
        log=tmp_path / "log",
    )
    assert model.weight.item() == 2.0 and result["epoch"] == 3


def test_bf16_trains_and_fp16_on_a_cpu_is_refused(tmp_path):
    assert trained(tmp_path, epochs=1, amp="bf16")[1]["train.loss"] > 0
    with pytest.raises(SaccadeError, match="fp16 needs a GPU"):
        trained(tmp_path, epochs=1, amp="fp16")


def test_nothing_to_train_is_an_error(tmp_path):
    model = nn.Linear(1, 1).requires_grad_(False)
    with pytest.raises(SaccadeError, match="no parameter is trainable"):
        optimizer.make_optimizer(model, recipe())


def test_a_model_with_2d_and_3d_convolutions_can_be_placed():
    model = device.place(nn.ModuleDict({"flat": nn.Conv2d(3, 4, 3), "deep": nn.Conv3d(3, 4, 3)}), torch.device("cpu"))
    assert model["flat"].weight.is_contiguous(memory_format=torch.channels_last)
    assert model["deep"].weight.is_contiguous(memory_format=torch.channels_last_3d)
