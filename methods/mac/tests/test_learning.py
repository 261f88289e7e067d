"""What the hallucinator and the temporal sampler learn from."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file
from small_models import Videos, built, clip, finished, random_clips, run_of, train, trained_phases

from saccade.engine import weights
from saccade.engine.device import seed_everything
from saccade.engine.phase_run import PhaseRun
from saccade.plan.layers import heads_of, resolve
from saccade.project import load_module
from saccade.records import SaccadeError

learning = load_module(ROOT / "methods/mac/learning.py")
model_py = load_module(ROOT / "methods/mac/model.py")


class Recorded:
    """Stands for a hallucinator: what it was fed of its own, and always the same expectation."""

    def through(self, attention, own):
        self.own = own
        return torch.zeros_like(attention[:, 1:])


def gmacs_of(model, video):
    return tuple(macs / 1e9 for macs in model_py.full_and_scanned_macs(model, video))


def fed(epoch, frames=10, **settings):
    """Which frames are fed as they were expected, in training (an epoch) or at test time (None)."""
    model = SimpleNamespace(hallucinator=Recorded())
    run = SimpleNamespace(
        settings=SimpleNamespace(known_frames=5, forcing_decay=0.5, **settings),
        generator=torch.Generator().manual_seed(0),
    )
    learning.belief_loss(run, model, torch.rand(2, frames, 3, 4, 4), epoch)
    return model.hallucinator.own


def test_what_was_seen_is_fed_less_and_less():
    """Warm-up frames always, later ones by lot: all of them in the first two epochs (official code), none in the end
    and at test time."""
    assert fed(0) == fed(1) == [False] * 9
    assert fed(60) == fed(None) == [False] * 5 + [True] * 4
    later = torch.tensor([fed(2, frames=3000)[5:]], dtype=torch.float)
    assert later.mean().item() == pytest.approx(0.5, abs=0.05)


def test_only_what_is_foreseen_counts():
    """Of 7 frames and 5 known ones the expectations of frames 6 and 7."""

    class Perfect:
        def through(self, attention, own):
            expected = attention[:, 1:].clone()
            expected[:, :4] = 0  # of frames 2 to 5
            return expected

    run = SimpleNamespace(settings=SimpleNamespace(known_frames=5, forcing_decay=0.95), generator=None)
    loss = learning.belief_loss(run, SimpleNamespace(hallucinator=Perfect()), torch.rand(2, 7, 3, 4, 4), None)
    assert loss.item() == pytest.approx(-1)


def test_a_clip_without_a_frame_to_foresee_is_refused():
    run = SimpleNamespace(settings=SimpleNamespace(known_frames=5), generator=None)
    with pytest.raises(
        SaccadeError, match="known_frames is 5, of 5 frames: none is left to foresee; set it to 4 or less"
    ):
        learning.belief_loss(run, None, torch.rand(2, 5, 3, 4, 4), None)


def step(efficiency):
    """The loss of a small sampler on one batch, and its gradients by the decisions' bias."""
    model, settings = finished(run_of("mac", "tiny-s0-t2"))
    settings = dataclasses.replace(settings, efficiency=efficiency, dropout=0.0)
    video = clip(settings, 8)
    features = model.look(video, {*model.read, "attention"}, settings).features
    run = SimpleNamespace(settings=settings, generator=torch.Generator().manual_seed(0))
    labels = {head.name: torch.arange(8) % head.num_classes for head in model.heads_known}
    model.train()
    loss, logits = learning.sampling_loss(run, model, {"labels": labels, "epoch": 0}, features, gmacs_of(model, video))
    assert {name: tuple(scores.shape) for name, scores in logits.items()} == {
        head.name: (8, head.num_classes) for head in model.heads_known
    }
    return loss, torch.autograd.grad(loss, [model.sampler.score.bias, model.heads["global"].rnn.weight_ih_l0])


@pytest.mark.parametrize("efficiency", ["code", "paper"])
def test_sampler_and_heads_both_learn(efficiency):
    loss, gradients = step(efficiency)
    assert loss.isfinite()
    for gradient in gradients:
        assert gradient.isfinite().all() and gradient.abs().max() > 0


@pytest.mark.parametrize(
    ("variant", "moves"),
    [("tiny-s0-t2", set()), ("tiny-s0-t2-drifting", {"running_mean", "running_var", "num_batches_tracked"})],
)
def test_of_the_hallucinator_statistics_move_alone_and_where_the_card_says_so(variant, moves, tmp_path):
    """While T_M learns; what the phase leaves behind has them."""
    run = run_of("mac", variant)
    model, _ = built(run)
    (phase,) = [phase for phase in trained_phases(run) if phase.name == "train_times"]
    before = {name: tensor.clone() for name, tensor in model.hallucinator.state_dict().items()}
    train(run, phase, model)
    after = model.hallucinator.state_dict()
    moved = {name for name in before if not after[name].equal(before[name])}
    assert moved == {f"{coder}.1.{name}" for coder in ("encoder", "decoder") for name in moves}
    weights.save(tmp_path / "train_times.json", model, phase.trains, {})
    kept = load_file(tmp_path / "train_times.safetensors")
    names = {name.removeprefix("hallucinator.") for name in kept if name.startswith("hallucinator.")}
    assert names == moved and all(kept[f"hallucinator.{name}"].equal(after[name]) for name in moved)
    assert {name.partition(".")[0] for name in kept} == {"sampler", "heads"} | ({"hallucinator"} if moves else set())


@torch.inference_mode()
def test_full_and_scanned_frames_cost_what_is_executed():
    """O_full and O_pre of eq. 7 give what videos cost: every frame in full, and none but the first, which needs no
    look ahead before it."""
    model, settings = finished(run_of("mac", "tiny-s1-t1"))
    video = clip(settings, 1)
    full, scanned = gmacs_of(model, video)
    _, ahead, _ = model_py.frame_macs(model, video, model.read)
    answer = (model_py._heads_macs(model, torch.tensor(0)).item() - ahead) / 1e9
    frames = video["rgb"].shape[1]
    for bias, expected in ((1e6, frames * full), (-1e6, full + (frames - 1) * scanned)):
        model.sampler.score.bias[0] = bias
        costs = model_py.predict(model, video, settings).macs.item() / 1e9
        assert costs == pytest.approx(expected + answer)


@pytest.mark.parametrize("variant", ["tiny-s0-t2", "tiny-s1-t4"])
def test_half_precision_learns_and_answers(variant):
    """`amp: bf16`, by which parts of the networks' maps and states are bf16 and others aren't."""
    model, settings = finished(run_of("mac", variant))
    video = clip(settings, 4)
    run = SimpleNamespace(settings=settings, generator=torch.Generator().manual_seed(0))
    labels = {head.name: torch.arange(4) % head.num_classes for head in model.heads_known}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            features = model.look(video, {*model.read, "attention"}, settings).features
        loss, _ = learning.sampling_loss(
            run, model.train(), {"labels": labels, "epoch": 0}, features, gmacs_of(model, video)
        )
        loss.backward()
        assert model.sampler.score.bias.grad.isfinite().all()
        with torch.inference_mode():
            found = model_py.predict(model.eval(), video, settings)
    assert all(values.isfinite().all() for values in found.probabilities.values())


def trained(variant, folder, monkeypatch, measured=4):
    """What `train_times` ends with after two epochs of random clips, and all that the sampler and the hallucinator
    hold."""
    run = run_of("mac", variant)
    settings = dataclasses.replace(resolve(ROOT, run, "train_times").typed, epochs=2, warmup_epochs=0.0)
    phases = load_module(ROOT / "methods/mac/phases.py")
    monkeypatch.setattr(phases, "MEASURED", measured)
    (phase,) = trained_phases(run)
    generator = seed_everything(0, threads=1)
    model, _ = built(run)
    weights.freeze_rest(model, phase.trains)
    videos, heads = Videos(8), heads_of(ROOT, run)
    with random_clips(settings, heads, (4, 4), 0):
        given = PhaseRun(
            settings=settings,
            heads=heads,
            model=model,
            train=videos,
            val=videos,
            device=torch.device("cpu"),
            generator=generator,
            log=folder / "log.jsonl",
            settle=lambda module: weights.settle_rest(module, phase.trains),
        )
        phases.train_times(given)
    own = ("sampler.", "hallucinator.")
    return given.result, {name: value.clone() for name, value in model.state_dict().items() if name.startswith(own)}


@pytest.mark.parametrize("variant", ["tiny-s0-t2", "tiny-s0-t2-drifting", "tiny-s0-t1-paper"])
def test_the_result_tells_which_term_moves_the_sampler(variant, tmp_path, monkeypatch):
    """The official code's efficiency loss doesn't; that of eq. 7 does. Measuring changes nothing that is learned."""
    result, learned = trained(variant, tmp_path, monkeypatch)
    told = {name: value for name, value in result.items() if name.startswith("gradient.")}
    paper = variant.endswith("paper")
    terms = ["classes", "efficiency"] if paper else ["classes", "usage", "efficiency"]
    assert list(told) == [f"gradient.{when}.{term}" for when in ("first", "last") for term in terms]
    for when in ("first", "last"):
        of = {term: told[f"gradient.{when}.{term}"] for term in terms}
        assert all(value > 1e-6 for term, value in of.items() if paper or term != "efficiency")
        assert paper or of["efficiency"] < 1e-4 * of["usage"]
    _, without = trained(variant, tmp_path, monkeypatch, measured=0)
    assert all(value.equal(learned[name]) for name, value in without.items())
