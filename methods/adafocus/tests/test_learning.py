"""How AdaFocus learns: rewards and updates by hand, what each phase changes, and that a policy finds what it is
rewarded for."""

import copy
import dataclasses
import math
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch

from saccade.cards.method import load_method
from saccade.engine import weights
from saccade.engine.checkpoint import Checkpoint
from saccade.engine.phase_run import PhaseRun
from saccade.nn.patches import random_corners
from saccade.project import load_module
from saccade.records import SaccadeError

FOLDER = Path(__file__).parents[1]
learning, model, phases, policy = (
    load_module(FOLDER / f"{name}.py") for name in ("learning", "model", "phases", "networks/policy")
)
shared = load_module(FOLDER / "tests/test_adafocus.py")  # its small networks and clips
NOUN, build, clip, settings = shared.NOUN, shared.build, shared.clip, shared.settings
LABELS = {"noun": torch.tensor([0, 3])}


def labelled(chosen, videos: int = 2, seed: int = 0) -> dict:
    return clip(videos, chosen, seed=seed) | {"labels": {"noun": torch.arange(videos) % 5}}


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ---- what follows, and what it is worth


def test_returns_add_up_what_follows_at_a_discount():
    found = policy.returns(torch.tensor([[1.0, 2.0, 4.0], [0.0, 0.0, 1.0]]), 0.5)
    assert found.tolist() == [[3.0, 4.0, 4.0], [0.25, 0.5, 1.0]]


def test_returns_are_standardised_over_the_whole_batch():
    found = policy.standardised(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    expected = (torch.tensor([[1.0, 2.0], [3.0, 6.0]]) - 3) / (math.sqrt(14 / 3) + 1e-5)
    torch.testing.assert_close(found, expected)


def test_the_loss_is_that_of_the_paper_that_invented_it():
    """One step by hand: a ratio of e^0.5, beyond the clip of 1.2, and an advantage of 2 - 0.5."""
    one = torch.ones(1, 1)
    loss, moved = policy.ppo_loss(-0.5 * one, -1.0 * one, 0.5 * one, 2.0 * one, 3.0 * one, settings())
    assert loss.item() == pytest.approx(-1.2 * 1.5 + 0.5 * 1.5**2 - 0.01 * 3.0)
    assert moved.item() == pytest.approx(math.exp(0.5) - 1)


@pytest.mark.parametrize(("updates", "moves"), [(1, False), (4, True)])
def test_with_one_update_the_ratio_is_exactly_one(updates, moves):
    chosen = settings(updates=updates)
    net = build(chosen).train()
    optimizer = torch.optim.Adam(net.policies["where"].parameters(), lr=1e-2)
    played = learning.roll_out(net.eval(), labelled(chosen), chosen, draws())
    found = policy.update(
        net.policies["where"],
        lambda scores: policy.place_distribution(scores, chosen),
        played.maps,
        played.places,
        played.reward,
        optimizer,
        chosen,
    )
    assert (found["ratio"] > 0) == moves


@pytest.mark.parametrize("updates", [1, 3])
def test_a_batch_moves_the_statistics_of_a_policy_s_normalisation_once_per_update(updates):
    """Acting doesn't, though it normalises by the batch, too: official code."""
    chosen = settings(**shared.FORMS["shifted"], updates=updates)
    net = build(chosen)
    policies, batch = net.policies, labelled(chosen, 4)
    net.eval()
    policies.train()
    once = copy.deepcopy(policies["where"])
    with torch.no_grad():
        once.with_values(net.policy_input(net.glance(batch["rgb"])))
    found = learning._learn_batch(
        net, batch, chosen, draws(), {"where": torch.optim.Adam(policies.parameters(), lr=0.0)}
    )
    assert found["ratio"] == 0.0  # the update sees what acted
    for name in ("squeeze_norm", "embed_norm"):
        norm, expected = (one.get_submodule(name) for one in (policies["where"], once))
        assert norm.num_batches_tracked == updates and norm.track_running_stats
        if updates == 1:
            assert torch.equal(norm.running_mean, expected.running_mean)


@pytest.mark.parametrize("kind", ["advantage", "confidence", "increments"])
@torch.no_grad()
def test_rewards_are_those_of_frame_after_frame(kind):
    """The same by a loop that plays one frame at a time and asks what a random patch would have given from the same
    state."""
    chosen = settings(reward=kind)
    net, batch = build(chosen), labelled(chosen)
    played = learning.roll_out(net, batch, chosen, draws())
    pooled = net.glance(batch["rgb"]).mean((3, 4))
    own, chance = (
        net.focus(learning.patches_at(batch["rgb"], where, 24)) for where in (played.corners, played.corners_random)
    )
    state, last = torch.zeros(2, 8), torch.zeros(2)
    for number in range(chosen.num_frames):
        after = [net.classifier.states(net.joined(pooled, one)[:, [number]], state)[:, 0] for one in (own, chance)]
        confidence = [
            net.classifier.classify(one)["noun"].softmax(1)[torch.arange(2), batch["labels"]["noun"]] for one in after
        ]
        expected = {
            "advantage": confidence[0] - confidence[1],
            "confidence": confidence[0],
            "increments": confidence[0] - last,
        }[kind]
        torch.testing.assert_close(played.reward[:, number], expected)
        state, last = after[0], confidence[0]  # only the patch that was chosen moves time on


@torch.no_grad()
def test_a_kept_patch_is_worth_what_it_adds_less_its_price():
    chosen = settings(skip="learned", penalty=1e-4)
    net, batch = build(chosen), labelled(chosen)
    played = learning.roll_out(net, batch, chosen, draws(1))
    assert 0 < played.kept.sum() < played.kept.numel()
    assert (played.keep_reward[played.kept == 0] == 0).all()
    pooled = net.glance(batch["rgb"]).mean((3, 4))
    local = net.focus(learning.patches_at(batch["rgb"], played.corners, 24))
    state = torch.zeros(2, 8)
    for number in range(chosen.num_frames):
        given = [
            net.joined(pooled, one)[:, [number]]
            for one in (local, torch.zeros_like(local), local * played.kept[..., None])
        ]
        after = [net.classifier.states(one, state)[:, 0] for one in given]
        with_it, without = (
            net.classifier.classify(one)["noun"].softmax(1)[torch.arange(2), batch["labels"]["noun"]]
            for one in after[:2]
        )
        kept = played.kept[:, number] > 0
        torch.testing.assert_close(played.keep_reward[kept, number], (with_it - without - 1e-4 * 24**2)[kept])
        state = after[2]


def test_the_reward_of_a_random_place_averages_nothing(monkeypatch):
    """Eq. 7 and the text below it: where both places come from one distribution the expectation is 0."""
    chosen = settings(num_frames=8)
    net, generator = build(chosen), draws()
    anywhere = lambda actions, candidates, size, patch: random_corners(actions.shape, size, patch, generator)  # noqa: E731
    monkeypatch.setattr(learning.places, "candidate_corners", anywhere)
    rewards = torch.cat(
        [learning.roll_out(net, labelled(chosen, 16, seed), chosen, generator).reward.flatten() for seed in range(6)]
    )
    assert rewards.std() > 1e-4  # something is at stake
    assert abs(rewards.mean()) < 4 * rewards.std() / math.sqrt(len(rewards))


@torch.no_grad()
def test_one_place_for_a_clip_of_shifted_networks_gets_one_reward():
    chosen = settings(**shared.FORMS["shifted, other frames"])
    net, batch = build(chosen), labelled(chosen)
    played = learning.roll_out(net, batch, chosen, draws())
    assert played.reward.shape == (2, 1) and played.places.shape == (2, 1, 2)
    maps = net.glance(batch["glance.rgb"])
    both = [
        net.focus(learning.patches_at(batch["rgb"], where, 24)) for where in (played.corners, played.corners_random)
    ]
    shares = [
        net.scores(maps.mean((3, 4)), one)["noun"][:, 0].softmax(1)[torch.arange(2), batch["labels"]["noun"]]
        for one in both
    ]
    torch.testing.assert_close(played.reward[:, 0], shares[0] - shares[1])


def test_a_continuous_place_is_drawn_around_its_mean():
    chosen = settings(places="anywhere")
    drawn = policy.sample(policy.place_distribution(torch.zeros(500, 4, 2), chosen), draws())
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02) and drawn.std().item() == pytest.approx(0.25, rel=0.05)


# ---- phases


def phase_run(net, chosen, tmp_path, checkpoint=None, **more) -> PhaseRun:
    class Eight:
        def __len__(self) -> int:
            return 8

        def without_augmentation(self) -> "Eight":
            return self

    return PhaseRun(
        settings=dataclasses.replace(chosen, epochs=2, batch_size=4, **more),
        heads=NOUN,
        model=net,
        train=Eight(),
        val=Eight(),
        device=torch.device("cpu"),
        generator=draws(),
        log=tmp_path / "phase.log.jsonl",
        settle=lambda module: None,
        checkpoint=checkpoint or Checkpoint(),
    )


def feed(monkeypatch, chosen, sizes=(4, 4)):
    """Batches of clips of these sizes, in place of videos."""

    def batches(dataset, batch_size, *, epoch, start=0, **_):
        yield from (labelled(chosen, sizes[number], seed=10 * epoch + number) for number in range(start, len(sizes)))

    monkeypatch.setattr("saccade.engine.phase_run.batches", batches)


@pytest.fixture
def clips(monkeypatch):
    feed(monkeypatch, settings())


TRAINS = {name: phase.trains for name, phase in load_method(FOLDER.parents[1], "adafocus").phases.items()}
STAGES = {
    "adafocus": ["pretrain_global", "pretrain_local", "warm_up", "warm_up_jointly", "learn_policy", "fine_tune"],
    "no reuse": ["warm_up", "learn_policy", "fine_tune"],
    "one place a clip": ["learn_policy", "fine_tune"],
    "anywhere": ["learn_policy", "fine_tune"],
    "skipping": ["learn_policy", "fine_tune", "calibrate"],
    "whole, no glance": ["pretrain_local", "warm_up"],
    "resized": ["warm_up"],
    "glance alone": ["fine_tune"],
    "random": ["fine_tune"],
    "shifted": ["pretrain_global", "warm_up", "learn_policy", "fine_tune"],
    "shifted, other frames": ["warm_up", "learn_policy", "fine_tune"],
    "shifted, whole": ["pretrain_local", "warm_up_jointly"],
    "shifted, per frame": ["learn_policy", "fine_tune"],
}


@pytest.mark.parametrize(("form", "phase"), [(form, phase) for form, some in STAGES.items() for phase in some])
def test_each_phase_changes_what_it_trains_and_nothing_else(form, phase, monkeypatch, tmp_path):
    """On two batches, the last of which is a single clip."""
    change = {"look": "random"} if phase == "warm_up" and "look" not in shared.FORMS[form] else {}
    chosen = settings(**{"pretrained_local": phase == "pretrain_local", **shared.FORMS[form], **change})
    net = build(chosen)
    feed(monkeypatch, chosen, (4, 1))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    weights.freeze_rest(net, TRAINS[phase])
    run = phase_run(net, chosen, tmp_path)
    getattr(phases, phase)(dataclasses.replace(run, settle=lambda module: weights.settle_rest(module, TRAINS[phase])))
    after = net.state_dict()
    changed = {key for key in after if not torch.equal(before[key], after[key])}
    assert all(torch.isfinite(value).all() for value in after.values())
    for glob in TRAINS[phase]:  # each part learns, but f_G's head where its scores aren't asked for
        assert any(fnmatchcase(key, glob) for key in changed) or (glob == "global_head.*" and chosen.temporal == "gru")
    assert all(any(fnmatchcase(key, glob) for glob in TRAINS[phase]) for key in changed)


@pytest.mark.parametrize("skip", ["none", "learned"])
def test_learning_where_to_look_changes_the_policies_and_nothing_else(skip, clips, tmp_path):
    chosen = settings(skip=skip)
    net = build(chosen)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    weights.freeze_rest(net, ["policies.*"])
    phases.learn_policy(phase_run(net, chosen, tmp_path))
    changed = {key for key, value in net.state_dict().items() if not torch.equal(before[key], value)}
    assert changed and all(key.startswith("policies.") for key in changed)
    assert {key.split(".")[1] for key in changed} == ({"where", "skip"} if skip == "learned" else {"where"})


class Killed(Exception):  # noqa: N818
    pass


def test_killed_between_two_batches_it_ends_with_the_same_policies(clips, tmp_path, monkeypatch):
    chosen = settings()

    def learned(checkpoint):
        net = build(chosen)
        phases.learn_policy(phase_run(net, chosen, tmp_path, checkpoint))
        return net.policies.state_dict()

    whole = learned(Checkpoint())
    update, calls = learning.update, []

    def killed(*given):
        calls.append(1)
        if len(calls) == 4:  # the last batch of the second epoch
            raise Killed
        return update(*given)

    monkeypatch.setattr(learning, "update", killed)
    file = tmp_path / "state.safetensors"
    with pytest.raises(Killed):
        net = build(chosen)
        run = phase_run(net, chosen, tmp_path)
        phases.learn_policy(
            dataclasses.replace(run, checkpoint=Checkpoint(file, minutes=0, generators=[run.generator]))
        )
    monkeypatch.setattr(learning, "update", update)
    net = build(chosen)
    run = phase_run(net, chosen, tmp_path)
    phases.learn_policy(dataclasses.replace(run, checkpoint=Checkpoint(file, minutes=0, generators=[run.generator])))
    assert all(torch.equal(whole[key], value) for key, value in net.policies.state_dict().items())


def test_a_reward_that_is_not_finite_stops_with_where_it_happened(clips, tmp_path, monkeypatch):
    chosen = settings()
    monkeypatch.setattr(learning, "update", lambda *_: {"loss": math.nan})
    with pytest.raises(SaccadeError, match="loss is nan in epoch 1, batch 1; try a smaller lr"):
        phases.learn_policy(phase_run(build(chosen), chosen, tmp_path))


@torch.no_grad()
def test_thresholds_keep_the_share_they_are_asked_for(clips, tmp_path):
    chosen = settings(skip="learned")
    net = build(chosen)
    phases.calibrate(phase_run(net, chosen, tmp_path))
    assert len(net.thresholds.from_train) == len(net.thresholds.from_val) == 8 * chosen.num_frames
    for keep in (0.0, 0.25, 0.5, 1.0):
        at_point = dataclasses.replace(chosen, keep=keep)
        seen = [model.predict(net, labelled(chosen, 4, seed=number), at_point).decisions for number in range(2)]
        kept = sum(decision["kept"] for batch in seen for decision in batch)
        assert kept == round(keep * 8 * chosen.num_frames)


def test_an_uncalibrated_threshold_says_what_is_missing():
    chosen = settings(skip="learned")
    net = model.build(chosen, NOUN).eval()
    with pytest.raises(SaccadeError, match="`calibrate` must run first"):
        model.predict(net, clip(1, chosen), chosen)


def test_of_several_labels_one_is_drawn():
    many = torch.tensor([[0.0, 1, 0, 1], [1, 0, 0, 0]]).repeat(200, 1)
    found = learning.one_label({"tags": many}, draws())["tags"].reshape(200, 2)
    assert set(found[:, 0].tolist()) == {1, 3} and set(found[:, 1].tolist()) == {0}
    assert 0.4 < (found[:, 0] == 1).float().mean() < 0.6


# ---- a toy task


class Bright:
    """In place of f_C: confidence rises with the brightness of the patch."""

    def states(self, features, before=None):
        return features

    def classify(self, states):
        return {"noun": torch.cat([8 * states, torch.zeros_like(states)], dim=-1)}


def test_the_policy_finds_the_patch_that_pays():
    """A light in one of nine places; f_L tells how bright its patch is."""
    chosen = settings(
        num_frames=2, candidates=3, patch_size=16, reuse=False, policy_size=32, policy_channels=16, map_size=6
    )
    net, generator = build(chosen), draws()
    net.policies["where"].actor.reset_parameters()  # no preferences
    net.maps = lambda part, frames: (
        frames.mean((2, 3, 4), keepdim=True)
        if part == "local"
        else net.global_cnn(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
    )
    del net.classifier
    object.__setattr__(net, "classifier", Bright())
    optimizer = torch.optim.Adam(net.policies.parameters(), lr=3e-3)

    def lights(videos: int) -> tuple[dict, torch.Tensor]:
        where = torch.randint(9, (videos, 2), generator=generator)
        rgb = torch.zeros(videos, 2, 3, 48, 48)
        for number, frame in ((n, f) for n in range(videos) for f in range(2)):
            row, column = divmod(int(where[number, frame]), 3)
            rgb[number, frame, :, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 1
        return {"rgb": rgb, "labels": {"noun": torch.zeros(videos, dtype=torch.long)}, "video_id": [""] * videos}, where

    def right(videos: int = 100) -> float:
        batch, where = lights(videos)
        return (learning.roll_out(net, batch, chosen, generator, greedy=True).places == where).float().mean().item()

    net.global_cnn.train()
    # its normalisations know their data, as a trained network's do; else the light would be lost in a constant
    for _ in range(20):
        net.glance(lights(32)[0]["rgb"])
    net.eval()
    before = right()
    for _ in range(400):
        learning._learn_batch(net, lights(32)[0], chosen, generator, {"where": optimizer})
    assert before < 0.4 and right() > 0.9
