"""What only this method can get wrong; the contract that every method keeps is tested in tests/test_contract.py."""

from pathlib import Path

import pytest
import torch

from saccade.project import load_module
from saccade.records import Head

FOLDER = Path(__file__).parents[1]
HEADS = (Head("noun", "single", ("a", "b", "c")),)
RECIPE = {"resize": 0, "crop": 0, "epochs": 1, "batch_size": 2, "lr": 0.1}


@torch.inference_mode()
@pytest.mark.parametrize(("confidence", "looks"), [(0.0, 1), (1.0, 4)])
def test_a_sure_answer_ends_the_looking(confidence, looks):
    model, settings = load_module(FOLDER / "model.py"), load_module(FOLDER / "settings.py").Settings
    chosen = settings(backbone="resnet10", width=0.25, num_frames=4, confidence=confidence, **RECIPE)
    network = model.build(chosen, HEADS).eval()
    rgb = torch.randn(2, 4, 3, 32, 32)
    found = model.predict(network, {"rgb": rgb, "indices": torch.arange(4).expand(2, 4)}, chosen)
    assert found.frames.tolist() == [looks, looks]
    assert found.decisions == [{"frames": list(range(looks))}] * 2
    expected = network(rgb[:, :looks])["noun"].softmax(1)
    torch.testing.assert_close(found.probabilities["noun"], expected, rtol=0, atol=1e-5)
