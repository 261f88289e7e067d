"""What only VideoEpitoma can get wrong: the networks and their costs, what a choice of timesteps computes, costs and
decodes, and what the phases learn from."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from small_models import built, clip, one, run_of

from saccade.cost.count import count
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import SaccadeError
from saccade.video.in_memory import FramesInMemory

FOLDER = Path(__file__).parents[1]
model, places = load_module(FOLDER / "model.py"), load_module(FOLDER / "networks/places.py")
i3d, shufflenet3d, heavy = (load_module(FOLDER / f"networks/{name}.py") for name in ("i3d", "shufflenet3d", "heavy"))
Settings = load_module(FOLDER / "settings.py").Settings
ANY = {"num_frames": 8, "resize": 0, "crop": 0, "epochs": 1, "batch_size": 2, "lr": 0.1}
GIGA = 10**9


def macs(network, *shape):
    with torch.device("meta"):
        return count(network.eval(), torch.empty(1, *shape)).macs / GIGA


# ---- the networks, at 224 pixels (dossier of the paper: Table 1's cells)


def test_i3d_costs_what_inception_v1_inflated_does():
    """13.894 G a snippet of 8 frames; 12.980 G without the 1x1x1 convolutions, which Table 1 leaves out."""
    with torch.device("meta"):
        network = i3d.I3D("published")
    assert macs(network, 3, 8, 224, 224) == pytest.approx(13.894, abs=5e-4)
    assert network.num_features == 1024


@pytest.mark.parametrize(("groups", "printed"), [(3, 16.98), (2, 17.39)])
def test_shufflenet3d_costs_what_its_published_code_does(groups, printed):
    with torch.device("meta"):
        network = shufflenet3d.ShuffleNet3D("published", 2.0, groups)
    assert 16 * macs(network, 3, 8, 224, 224) == pytest.approx(printed, abs=5e-3)


def test_resnet_is_that_of_the_paper_and_not_torchvisions():
    """3.856 G a frame, where strides come first; torchvision's costs 6 % more."""
    with torch.device("meta"):
        network = heavy.ResNet("published", 1.0, "none")
    assert 16 * macs(network, 3, 1, 224, 224) == pytest.approx(61.7, abs=0.05)


def test_tensorflows_padding_puts_the_odd_zero_behind():
    x = torch.ones(1, 1, 8, 6, 6)
    found = i3d.padded(x, (7, 7, 3), (2, 2, 1))
    assert found.shape == (1, 1, 13, 11, 8)  # 2 before and 3 behind; 2, 3; 1, 1
    assert found[0, 0, :, 5, 4].tolist() == [0] * 2 + [1] * 8 + [0] * 3


def test_a_shuffle_deals_each_group_some_of_every_group():
    x = torch.arange(6.0).view(1, 6, 1, 1, 1)
    assert shufflenet3d.shuffled(x, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_a_single_frame_is_averaged_over_space_alone():
    x = torch.ones(1, 1, 1, 4, 4)
    assert shufflenet3d.halved(x)[0, 0, 0, 1, 1] == 1
    assert shufflenet3d.halved(x.expand(1, 1, 4, 4, 4))[0, 0, 1, 1, 1] == 1


# ---- what a choice computes


@pytest.fixture(scope="module")
def small():
    run = run_of("epitoma", "tiny-i3d")
    network, settings = built(run)
    torch.nn.init.normal_(network.selector.concepts.weight)
    torch.nn.init.normal_(network.classifier.attention.back.weight, std=0.1)
    return network, settings


def asked(settings, **chosen):
    return dataclasses.replace(settings, **chosen)


@torch.inference_mode()
def test_selecting_all_timesteps_is_the_plain_classifier(small):
    """By rank and by threshold with gates that are all open: the same scores for the same timesteps."""
    network, settings = small
    batch = clip(settings, 2)
    plain = model.predict(network, batch, asked(settings, choose="centre", selected=8))
    ranked = model.predict(network, batch, asked(settings, choose="selector", selected=8, pool=8))
    torch.nn.init.constant_(network.selector.gate[2].bias, 1e4)
    opened = model.predict(network, batch, asked(settings, choose="threshold", pool=8))
    for found in (ranked, opened):
        assert torch.equal(found.probabilities["noun"], plain.probabilities["noun"])
        assert [one["timesteps"] for one in found.decisions] == [one["timesteps"] for one in plain.decisions]
    extra = ranked.macs - plain.macs  # the LightNet and the selector
    assert (extra == opened.macs - plain.macs).all() and (extra > 0).all()


class Watched(FramesInMemory):
    """A video that remembers what was asked of it."""

    def __init__(self, pictures):
        super().__init__(pictures, len(pictures))
        self.asked = []

    def get(self, numbers, resize=None, crop=None):
        self.asked.append((list(map(int, numbers)), resize))
        return super().get(numbers, resize, crop)


@torch.inference_mode()
def test_timesteps_that_are_not_selected_are_never_decoded(small):
    """The LightNet asks for the middle of each of the pool's timesteps, small; the HeavyNet for the snippets chosen."""
    network, settings = small
    batch = clip(settings, 1)
    video = batch["frames"][0] = Watched(torch.randn(64, 3, 48, 48))
    some = asked(settings, timesteps=8, cached_timesteps=8, train_timesteps=8, selected=2)
    found = model.predict(model.build(some, network.heads_known).eval(), batch, some)
    pool, chosen = (found.decisions[0][key] for key in ("pool", "timesteps"))
    assert pool == [1, 3, 5, 7] and len(chosen) == 2 and set(chosen) < set(pool)
    light, snippets = video.asked
    assert light == ([8 * place + 4 for place in pool], settings.light_resize)
    assert snippets == ([8 * place + frame for place in chosen for frame in range(8)], None)
    assert found.frames.tolist() == [4 + 16] and found.decisions[0]["frames"] == [8 * place + 4 for place in chosen]


@torch.inference_mode()
def test_what_a_point_computed_serves_the_next_and_changes_nothing(small):
    network, settings = small
    batch = clip(settings, 1)
    alone = [
        model.predict(network, batch, asked(settings, choose=choose, selected=4)) for choose in ("centre", "selector")
    ]
    video = batch["frames"][0] = Watched(batch["frames"][0].get(range(64)))
    shared = batch | {"memory": {}}
    together = [
        model.predict(network, shared, asked(settings, choose=choose, selected=4)) for choose in ("centre", "selector")
    ]
    for first, second in zip(alone, together, strict=True):
        torch.testing.assert_close(first.probabilities["noun"], second.probabilities["noun"], rtol=0, atol=1e-5)
        assert first.macs.tolist() == second.macs.tolist()
        assert first.decoded_frames.tolist() == second.decoded_frames.tolist()
        assert first.decisions == second.decisions
    seen = set(together[0].decisions[0]["timesteps"])
    new = [place for place in together[1].decisions[0]["timesteps"] if place not in seen]
    assert len(video.asked) == (3 if new else 2)


@torch.inference_mode()
def test_the_selectors_cost_buys_timesteps_to_the_nearest_whole_number():
    """Beside ResNet-50, of 3.86 G a timestep, a pool of 16 (0.89 G) buys none more, one of 128 (7.1 G) two, which is
    0.6 G more than the selector takes."""
    run = Run("paper", "motion-digits", "", "epitoma", "resnet50", 0)
    settings = asked(resolve(ROOT, run).typed, light_weights="none", heavy_weights="none", selected=8)
    with torch.device("meta"):
        network = model.build(settings, (model.Head("noun", "single", ("a", "b")),)).eval()
    batch = {"frames": [None], "frame_size": torch.tensor([[240, 320]])}
    assert model.selectors_worth(network, batch, 0, settings) == 0
    assert model.selectors_worth(network, batch, 0, asked(settings, selected=64)) == 2


def test_a_point_cannot_change_the_network(small):
    network, settings = small
    with pytest.raises(SaccadeError, match="context is False here, and True in the variant.*make another variant"):
        model.predict(network, one(clip(settings, 1), 0), asked(settings, context=False))


@pytest.mark.parametrize(
    ("name", "value"), [("timesteps", 64), ("timestep_frames", 4), ("light_resize", 24), ("light_crop", 24)]
)
@torch.inference_mode()
def test_points_that_share_memory_cannot_mean_other_places_or_see_other_frames(small, name, value):
    """By its number in the grid a place would be given the features of another, or of other pictures of it."""
    network, settings = small
    assert getattr(settings, name) != value
    shared = one(clip(settings, 1), 0) | {"memory": {}}
    model.predict(network, shared, settings)
    assert shared["memory"]
    with pytest.raises(SaccadeError, match=f"{name} is {value} here, and {getattr(settings, name)} in the variant"):
        model.predict(network, shared, asked(settings, **{name: value}))


# ---- phases


def test_settings_that_do_not_go_together():
    for chosen, message in (
        ({"selected": 300}, "selected is 300, more than the grid's timesteps, 256"),
        ({"cached_timesteps": 16}, "train_timesteps is 32, but training knows 16"),
        ({"train_fewest": 40}, "train_fewest is 40, above train_timesteps, 32"),
        ({"pool": 4}, "pool is 4: 8 timesteps can't be selected of it"),
        ({"choose": "threshold"}, "choose is threshold and pool 0"),
        ({"choose": "truth"}, "name `informative` in the setting truth"),
    ):
        with pytest.raises(ValueError, match=message):
            Settings(**{**ANY, **chosen})


def test_fine_tuning_sees_frames_as_the_finished_network_does():
    phases = load_module(FOLDER / "phases.py")
    run = type("Run", (), {"settings": Settings(**{**ANY, "light_resize": 24})})()
    with pytest.raises(SaccadeError, match="light_resize 24, light_crop 0, but phase finetune_light has resize 0"):
        phases.finetune_light(run)
    run.settings = Settings(**ANY)
    with pytest.raises(SaccadeError, match="snippet_frames 1, but i3d sees 8 frames"):
        phases.finetune_heavy(run)


def test_features_of_the_places_that_training_knows(small):
    """Of 64 frames with 8 places of which 4 are known: those in the middle of each quarter."""
    network, settings = small
    phases = load_module(FOLDER / "phases.py")
    some = asked(settings, timesteps=8, cached_timesteps=4, train_timesteps=4, selected=4)
    batch = clip(some, 2)
    with torch.inference_mode():
        light = phases.finetune_light_features(network, batch, some)
        snippets = phases.finetune_heavy_features(network, batch, some)
        middles = batch["frames"][1].get([12, 28, 44, 60], settings.light_resize, 0)
        torch.testing.assert_close(light[1]["light"], network.light(middles), rtol=0, atol=1e-5)
    assert snippets[0]["heavy"].shape == (4, network.heavy.num_features)
    assert np.array_equal(phases.cached(some), places.centre(8, 4))
