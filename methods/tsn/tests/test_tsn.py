"""What only TSN can get wrong; the contract that every method keeps is tested in tests/test_contract.py."""

import dataclasses
from pathlib import Path

import pytest
import torch

from saccade.cost.forward import forward_macs
from saccade.plan.layers import resolve
from saccade.plan.phases import weights_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
HEADS = (Head("noun", "single", ("a", "b", "c")), Head("tags", "multi", ("x", "y")))


@pytest.fixture(scope="module")
def tsn():
    torch.manual_seed(0)
    model, settings = load_module(FOLDER / "model.py"), load_module(FOLDER / "settings.py")
    chosen = settings.Settings(
        heads=["noun", "tags"],
        num_frames=4,
        resize=0,
        crop=0,
        epochs=1,
        batch_size=2,
        lr=0.1,
        backbone="resnet18",
        width=0.125,
    )
    return model, model.build(chosen, HEADS).eval(), chosen


@torch.inference_mode()
def test_the_score_of_a_video_is_the_mean_of_its_frames_scores(tsn):
    _, net, _ = tsn
    rgb = torch.rand(2, 4, 3, 32, 32)
    alone = torch.stack([net(rgb[:, [frame]])["noun"] for frame in range(4)])
    torch.testing.assert_close(net(rgb)["noun"], alone.mean(0))


@torch.inference_mode()
def test_the_order_of_frames_does_not_matter(tsn):
    _, net, _ = tsn
    rgb = torch.rand(1, 4, 3, 32, 32)
    torch.testing.assert_close(net(rgb)["noun"], net(rgb.flip(1))["noun"])


@torch.inference_mode()
def test_one_label_gives_a_distribution_and_many_labels_give_independent_probabilities(tsn):
    module, net, settings = tsn
    rgb = torch.rand(2, 4, 3, 32, 32)
    found = module.predict(net, {"rgb": rgb, "indices": torch.zeros(2, 4, dtype=torch.int64)}, settings).probabilities
    torch.testing.assert_close(found["noun"].sum(1), torch.ones(2))
    torch.testing.assert_close(found["tags"], net(rgb)["tags"].sigmoid())


@torch.inference_mode()
def test_cost_is_proportional_to_the_frames(tsn):
    module, net, settings = tsn
    one, four = (
        module.predict(
            net, {"rgb": torch.rand(1, t, 3, 32, 32), "indices": torch.zeros(1, t, dtype=torch.int64)}, settings
        ).macs
        for t in (1, 4)
    )
    assert four.item() == 4 * one.item() > 0


@pytest.fixture(scope="module")
def recurrent(tsn):
    module, _, settings = tsn
    chosen = dataclasses.replace(settings, consensus="gru", hidden_size=8)
    torch.manual_seed(0)
    return module, module.build(chosen, HEADS).eval(), chosen


def clip(videos: int, frames: int = 4) -> dict:
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(videos, frames, 3, 32, 32, generator=generator)
    return {"rgb": rgb, "indices": torch.arange(frames).expand(videos, frames)}


@torch.inference_mode()
def test_the_gru_reads_the_frames_in_order(recurrent):
    _, net, _ = recurrent
    rgb = clip(1)["rgb"]
    assert not torch.allclose(net(rgb)["noun"], net(rgb.flip(1))["noun"])
    assert torch.equal(net(rgb)["noun"], net.steps(rgb)["noun"][:, -1])


@pytest.mark.parametrize("consensus", ["tsn", "recurrent"])
@torch.inference_mode()
def test_a_beginning_is_predicted_from_its_own_frames_at_their_own_cost(consensus, request):
    module, net, settings = request.getfixturevalue(consensus)
    beginning = module.predict(net, clip(2), dataclasses.replace(settings, first=3))
    whole = module.predict(net, {key: value[:, :3] for key, value in clip(2).items()}, settings)
    assert torch.equal(beginning.probabilities["noun"], whole.probabilities["noun"])
    assert beginning.macs.tolist() == whole.macs.tolist() and beginning.frames.tolist() == [3, 3]
    assert beginning.decisions == [{"frames": [0, 1, 2]}] * 2


@pytest.mark.parametrize(("variant", "per_frame"), [("resnet50-average", 4.0875), ("resnet50-gru", 4.0968)])
def test_the_baselines_of_adafocus_cost_what_its_layers_add_up_to(variant, per_frame):
    """By hand for 200 classes: 4.08714 of ResNet-50, and 2048 x 200 or 3 x 1024 x (2048 + 1024) + 1024 x 200, in
    millions."""
    settings = resolve(ROOT, Run("paper", "motion-digits", "", "tsn", variant, 0)).typed
    with torch.device("meta"):
        head = Head("activity", "single", tuple(map(str, range(200))))
        net = load_module(FOLDER / "model.py").build(dataclasses.replace(settings, weights="none"), (head,)).eval()
    assert forward_macs(net, (16, 3, 224, 224)) / 16e9 == pytest.approx(per_frame, abs=5e-5)


@pytest.mark.parametrize("budget", ["demo", "study", "paper"])
def test_the_recurrent_variants_start_from_the_average_of_their_backbone(budget):
    for variant, other in (("resnet50-gru", "resnet50-average"), ("resnet10-tiny-gru", "resnet10-tiny")):
        run = Run(budget, "motion-digits", "", "tsn", variant, 0)
        assert [str(need.product) for need in weights_of(ROOT, run)] == [
            f"results/{budget}/motion-digits/tsn/{other}/seed0/train.json",
            f"results/{budget}/motion-digits/tsn/{variant}/seed0/recurrent.json",
        ]


def test_the_gru_learns_at_a_hundred_times_the_rate_of_its_backbone():
    """AdaFocus's code, stage I: 0.05 and 5e-4."""
    settings = resolve(ROOT, Run("paper", "motion-digits", "", "tsn", "resnet50-gru", 0), "recurrent").typed
    assert settings.lr == 0.05
    assert settings.lr * settings.lr_factors["backbone.*"] == pytest.approx(5e-4)
