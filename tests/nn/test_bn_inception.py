"""BN-Inception is the network of TSN's and TBN's codes: its size, its price by the rule of Mac et al., its names."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from saccade.cost.image_networks import elements, gmacs
from saccade.nn import bn_inception
from saccade.nn.backbones import backbone, trunk
from saccade.nn.bn_inception import BNInception
from saccade.records import SaccadeError


@pytest.fixture(scope="module")
def network() -> nn.Module:
    with torch.device("meta"):
        return backbone("bninception")[0].eval()


def by_the_authors_rule(channels: int, side: int) -> float:
    """Giga-products of one input, and an operation a bias and ReLU, two a normalisation, one a pooled element."""
    with torch.device("meta"):
        network = backbone("bninception", in_channels=channels)[0].eval()
    shape = (1, channels, side, side)
    found = elements(network, shape)
    return gmacs(network, shape) + found["bias"] + 2 * found["BN"] + found["ReLU"] + found["pool"]


def test_it_costs_what_mac_et_al_count():
    """Table I prints 4.62 for pictures and sound, 6.95 with flow; the authors' own counts 4.6231 and 2.3246."""
    pictures, sound, flow = (by_the_authors_rule(*size) for size in ((3, 224), (1, 256), (10, 224)))
    assert pictures + sound == pytest.approx(4.6231, abs=5e-5) and flow == pytest.approx(2.3246, abs=5e-5)
    assert round(pictures + sound + flow, 2) == 6.95


def test_it_has_as_many_parameters_as_the_published_one():
    with torch.device("meta"):
        whole = BNInception(num_classes=1000)
    assert sum(value.numel() for value in whole.parameters()) == 11_295_240
    assert len([one for one in whole.modules() if isinstance(one, nn.Conv2d)]) == 69


def test_its_names_are_those_of_the_published_files(network):
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes["conv1_7x7_s2.weight"] == (64, 3, 7, 7) and shapes["conv1_7x7_s2.bias"] == (64,)
    assert shapes["conv2_3x3_reduce_bn.running_var"] == (64,) and shapes["inception_3a_pool_proj.weight"][1] == 192
    assert shapes["inception_4c_double_3x3_2.weight"] == (160, 160, 3, 3)
    assert shapes["inception_5b_1x1_bn.bias"] == (352,) and "inception_3c_1x1.weight" not in shapes


@pytest.mark.parametrize(
    ("side", "sides"),
    [(224, (56, 28, 28, 14, 7, 7)), (256, (64, 32, 32, 16, 8, 8)), (48, (12, 6, 6, 3, 2, 2)), (32, (8, 4, 4, 2, 1, 1))],
)
def test_every_pooling_keeps_its_last_step(network, side, sides):
    names, seen = ("pool1_3x3_s2", "pool2_3x3_s2", "inception_3b_pool", "inception_3c_pool", "inception_4e_pool"), []
    parts = [network.get_submodule(name) for name in (*names, "inception_5b_pool")]
    hooks = [part.register_forward_hook(lambda _, __, maps: seen.append(maps.shape[-1])) for part in parts]
    assert network(torch.empty(1, 3, side, side, device="meta")).shape == (1, 1024)
    [hook.remove() for hook in hooks]
    assert tuple(seen) == sides


@pytest.mark.parametrize("classifier", ["fc", "last_linear"])
def test_a_published_file_is_loaded_be_it_as_old_as_its_vectors(tmp_path, classifier):
    torch.manual_seed(0)
    state = BNInception(width=0.25, num_classes=10).state_dict()
    old = {
        name.replace("fc.", f"{classifier}."): value[None] if value.dim() == 1 else value
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    save_file(old, tmp_path / "w.safetensors")
    network, features = backbone("bninception", width=0.25, weights=str(tmp_path / "w.safetensors"))
    assert features == 256
    loaded = {name: value for name, value in network.state_dict().items() if not name.endswith("tracked")}
    assert loaded.keys() == {name for name in old if not name.startswith(classifier)}
    assert all(torch.equal(value, state[name]) for name, value in loaded.items())


def test_a_map_of_odd_size_is_halved_by_all_branches_and_its_last_cells_count():
    torch.manual_seed(0)
    network = backbone("bninception", width=0.125)[0].eval()
    maps = torch.rand(1, 8, 3, 5)
    pooled = network.get_submodule("inception_4e_pool")(bn_inception._to_even(maps))
    assert pooled.shape[-2:] == (2, 3) and pooled[0, 0, 1, 2] == maps[0, 0, 2, 4]
    assert torch.equal(pooled[..., 0, 0], maps[..., :3, :3].amax((2, 3)))
    even = torch.rand(1, 8, 4, 6)
    assert bn_inception._to_even(even) is even


def test_it_has_no_trunk():
    with pytest.raises(SaccadeError, match="bninception has no trunk"):
        trunk("bninception")
