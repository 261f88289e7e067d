"""What only TSN can get wrong; the contract that every method keeps is tested in tests/test_contract.py."""

from pathlib import Path

import pytest
import torch

from saccade.project import load_module
from saccade.records import Head

FOLDER = Path(__file__).parent
HEADS = (Head("noun", "single", ("a", "b", "c")), Head("tags", "multi", ("x", "y")))


@pytest.fixture(scope="module")
def tsn():
    torch.manual_seed(0)
    model, settings = load_module(FOLDER / "model.py"), load_module(FOLDER / "settings.py")
    chosen = settings.Settings(
        heads=["noun", "tags"], num_frames=4, resize=0, crop=0, epochs=1, batch_size=2, lr=0.1, backbone="resnet18", width=0.125
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
        module.predict(net, {"rgb": torch.rand(1, t, 3, 32, 32), "indices": torch.zeros(1, t, dtype=torch.int64)}, settings).macs
        for t in (1, 4)
    )
    assert four.item() == 4 * one.item() > 0
