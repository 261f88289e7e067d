"""Backbones are torchvision's networks, cut before the classifier."""

from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from saccade.nn.backbones import BUILDERS, backbone, trunk
from saccade.records import SaccadeError

NAMES = list(BUILDERS)


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.startswith(("bninception", "conv4", "resnet10", "san"))]
)
def test_parameters_at_width_one_are_torchvisions(name):
    with torch.device("meta"):
        ours, _ = backbone(name)
        theirs = getattr(torchvision.models, name)()
    assert shapes(ours) == {
        key: shape for key, shape in shapes(theirs).items() if not key.startswith(("fc.", "classifier."))
    }


def test_resnet10_is_resnet18_with_one_block_a_stage_and_has_no_published_weights():
    with torch.device("meta"):
        ten, eighteen = shapes(backbone("resnet10")[0]), shapes(backbone("resnet18")[0])
    assert ten == {key: shape for key, shape in eighteen.items() if key.split(".")[1] != "1"}
    with pytest.raises(SaccadeError, match="no ImageNet weights of resnet10"):
        backbone("resnet10", weights="imagenet")


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "mobilenet_v3_small"])
def test_features_with_copied_weights_are_what_torchvisions_classifier_receives(name):
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)().eval()
    ours, num_features = backbone(name)
    ours.load_state_dict({key: value for key, value in theirs.state_dict().items() if key in ours.state_dict()})
    received = []
    classifier = theirs.fc if name.startswith("resnet") else theirs.classifier
    classifier.register_forward_pre_hook(lambda module, inputs: received.append(inputs[0]))
    frames = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        theirs(frames)
        features = ours.eval()(frames)
    assert features.shape == (2, num_features)
    torch.testing.assert_close(features, received[0])


@pytest.mark.parametrize("name", ["conv4", "resnet10", "resnet50", "mobilenet_v2"])
def test_the_maps_of_a_trunk_are_what_its_network_averages(name):
    torch.manual_seed(0)
    whole, _ = backbone(name, width=0.5)
    maps, channels = trunk(name, width=0.5)
    maps.load_state_dict(whole.eval().state_dict())  # the same names
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        found = maps.eval()(x)
        assert found.shape[1] == channels
        torch.testing.assert_close(found.mean((2, 3)), whole(x), rtol=1e-4, atol=1e-5)


def test_the_small_network_has_a_map_cell_for_every_eight_pixels():
    with torch.device("meta"):
        assert trunk("conv4")[0](torch.empty(1, 3, 96, 48)).shape == (1, 32, 12, 6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [0.125, 1.5])
def test_every_width_gives_the_features_it_announces(name, width):
    with torch.device("meta"):
        network, num_features = backbone(name, width=width)
        assert network(torch.randn(2, 3, 64, 64)).shape == (2, num_features)


def test_half_a_resnet_has_half_of_every_channel_count():
    with torch.device("meta"):
        whole, half = shapes(backbone("resnet50")[0]), shapes(backbone("resnet50", width=0.5)[0])
    assert half["conv1.weight"] == (32, 3, 7, 7)
    assert all(half[key][0] * 2 == whole[key][0] for key in whole if whole[key])


def test_the_narrow_stem_gets_torchvisions_initialisation():
    torch.manual_seed(0)
    network, _ = backbone("resnet18", width=0.5)
    fan_out = 32 * 7 * 7  # kaiming, fan out: std = sqrt(2 / fan_out); PyTorch's default would be 0.048
    assert network.conv1.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_input_channels(name):
    with torch.device("meta"):
        network, num_features = backbone(name, width=0.25, in_channels=1)
        assert network(torch.randn(1, 1, 64, 64)).shape == (1, num_features)


def test_unknown_name_lists_the_names():
    with pytest.raises(SaccadeError, match=r"unknown backbone 'resnet101'.*resnet18.*mobilenet_v3_small"):
        backbone("resnet101")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_file_of_weights_is_loaded_and_its_classifier_dropped(tmp_path, suffix):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18(num_classes=7)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(theirs.state_dict(), path)
    else:
        save_file(theirs.state_dict(), path)
    ours, _ = backbone("resnet18", weights=str(path))
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in ours.state_dict().items())


def test_wrong_shapes_are_named(tmp_path):
    save_file(backbone("resnet18", width=0.25)[0].state_dict(), tmp_path / "w.safetensors")
    message = r"w\.safetensors does not fit resnet18.*conv1\.weight \(16, 3, 7, 7\) instead of \(32, 3, 7, 7\)"
    with pytest.raises(SaccadeError, match=message):
        backbone("resnet18", width=0.5, weights=str(tmp_path / "w.safetensors"))


def test_missing_and_unexpected_parameters_are_named(tmp_path):
    state = backbone("resnet18", width=0.25)[0].state_dict()
    state["conv2.weight"] = state.pop("conv1.weight")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(SaccadeError, match=r"missing: conv1\.weight; unexpected: conv2\.weight"):
        backbone("resnet18", width=0.25, weights=str(tmp_path / "w.safetensors"))


class NotAnArray:
    """Something that a pickle can hold and plain tensors can't."""


def test_nothing_is_unpickled(tmp_path):
    torch.save({"conv1.weight": NotAnArray()}, tmp_path / "w.pth")
    with pytest.raises(SaccadeError, match="cannot be read as plain tensors"):
        backbone("resnet18", weights=str(tmp_path / "w.pth"))


@pytest.mark.parametrize("weights", ["imagnet", "nowhere.safetensors"])
def test_weights_that_are_not_there(weights):
    with pytest.raises(SaccadeError, match=rf"weights '{weights}'"):
        backbone("resnet18", width=0.25, weights=weights)


def test_imagenet_without_network_says_where_to_put_the_file(tmp_path, monkeypatch):
    def no_network(*args, **kwargs):
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(SaccadeError, match=rf"no route.*resnet18-f37072fd\.pth into {tmp_path}"):
        backbone("resnet18", weights="imagenet")


def test_imagenet_is_the_first_published_weights(tmp_path, monkeypatch):
    torch.manual_seed(0)
    theirs = torchvision.models.mobilenet_v3_small()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.save(theirs.state_dict(), tmp_path / "checkpoints" / "mobilenet_v3_small-047dcff4.pth")
    ours, _ = backbone("mobilenet_v3_small", weights="imagenet")
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in ours.state_dict().items())
