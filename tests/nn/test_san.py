"""SAN: what the authors' code computes, without what it holds."""

import copy

import pytest
import torch

from benchmarks.unfolded import UnfoldedSAN
from saccade.cost.count import count
from saccade.cost.forward import forward_macs
from saccade.cost.prescan import prescan_macs
from saccade.cost.second_counter import agree
from saccade.nn.backbones import backbone
from saccade.nn.local_attention import aggregate, aggregate_backward, by_place, pad, short_rows, windows
from saccade.nn.san import SAN, Halving
from saccade.nn.weighing import POSITIONS, weigh
from saccade.records import SaccadeError


def unsettled(network: SAN) -> SAN:
    """With statistics and scales as training leaves them."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return network


def small(dtype: torch.dtype = torch.float64) -> SAN:
    torch.manual_seed(0)
    return unsettled(SAN((1, 2, 1), (32, 64, 96), (3, 7, 7), stem=16, num_classes=5)).to(dtype)


# the last map has 4 x 5, 3 x 3 and 2 x 3 cells under a footprint of 7 x 7
@pytest.mark.parametrize("size", [(32, 40), (24, 24), (16, 24)])
@pytest.mark.parametrize("training", [False, True])
def test_values_gradients_and_statistics_are_those_of_the_unfolded_network(size, training):
    ours = small().train(training)
    theirs = UnfoldedSAN(ours)
    x = torch.randn(3, 3, *size, dtype=torch.float64)
    given = [x.clone().requires_grad_() for _ in range(2)]
    found, expected = ours(given[0]), theirs(given[1])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    towards = torch.randn_like(found)
    found.backward(towards)
    expected.backward(towards)
    torch.testing.assert_close(given[0].grad, given[1].grad, rtol=0, atol=1e-9)
    for (name, own), (_, other) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad, rtol=0, atol=1e-8, msg=name)
    torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.network.named_buffers()), rtol=0, atol=1e-10)


@torch.inference_mode()
def test_the_rest_behind_a_prescan_gives_what_the_whole_gives():
    network, x = small().eval(), torch.randn(2, 3, 24, 40, dtype=torch.float64)
    whole, every = network(x), network.every_attention(x)
    assert list(every) == network.layers == ["layer0.0", "layer1.0", "layer1.1", "layer2.0"]
    for layer, weights in every.items():
        maps, seen = network.prescan(x, layer)
        assert torch.equal(seen, weights)
        torch.testing.assert_close(network.resume(maps, layer), whole)
    features, weights = network.attend(x, "layer1.1")
    assert torch.equal(features, whole) and weights.shape == (2, 2, network.footprint("layer1.1") ** 2, 6, 10)
    torch.testing.assert_close(weights.sum(2), torch.ones_like(weights[:, :, 0]))
    with pytest.raises(SaccadeError, match=r"no attention layer 'layer1\.2'; there are layer0\.0, layer1\.0"):
        network.prescan(x, "layer1.2")


def kernel_rule(size: int, margin: int) -> list[int]:
    """Which cell the authors' CUDA kernel reads for each padded one; below 0: outside of the row."""
    reflected = [abs(cell) for cell in range(-margin, size + margin)]
    return [2 * (size - 1) - cell if cell >= size else cell for cell in reflected]


def our_rule(height: int, width: int) -> list[list[int]]:
    """Which column of the map our rule reads for each padded one, and which row."""
    cells = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")).double()
    rows, columns = pad(cells[..., None], 7)[..., 0].int()
    assert (rows == rows[:, :1]).all() and (columns == columns[:1]).all()
    return [columns[0].tolist(), rows[:, 0].tolist()]


def test_maps_smaller_than_the_footprint_are_continued_as_the_plain_code_does():
    assert our_rule(3, 3) == [[1, 0, 1, 0, 1, 2, 1, 2, 1]] * 2
    assert kernel_rule(3, 3) == [1, 2, 1, 0, 1, 2, 1, 0, -1]
    assert our_rule(2, 2) == [[1, 0, 1, 0, 1, 0, 1, 0]] * 2
    for size in range(4, 12):
        assert our_rule(4, size) == [kernel_rule(size, 3), kernel_rule(4, 3)]
    assert our_rule(3, 5)[0] == [1, 0, 1, 0, 1, 2, 3, 4, 3, 4, 3]  # as small as its smaller side


def test_a_map_of_one_cell_is_refused():
    with pytest.raises(SaccadeError, match="a map of 1 x 1 cells can't be reflected, each side needs at least 2"):
        backbone("san-tiny")[0].eval()(torch.zeros(1, 3, 8, 8))


def test_every_multiply_add_of_the_sums_is_counted():
    values, weights = torch.randn(8, 6, 7, 2), torch.randn(4, 9, 4, 5, 2)
    expected, products = torch.zeros(8, 4, 5, 2), 0
    for channel, row, column, sample in torch.cartesian_prod(*map(torch.arange, expected.shape)).tolist():
        for place in range(9):
            value = values[channel, row + place // 3, column + place % 3, sample]
            expected[channel, row, column, sample] += value * weights[channel % 4, place, row, column, sample]
            products += 1
    counted = count(aggregate, values, weights)
    torch.testing.assert_close(counted.result, expected)
    assert counted.macs == products
    assert count(aggregate_backward, expected, values, weights).macs == 2 * products


@torch.inference_mode()
@pytest.mark.parametrize("footprint", [3, 7])
def test_short_rows_are_summed_and_weighed_as_long_ones_are(footprint):
    """The frames alone have rows of 7 numbers, and together of 28."""
    margin, places = footprint - 1, footprint**2
    queries, keys = torch.randn(8, 5, 7, 4).double(), torch.randn(8, 5 + margin, 7 + margin, 4).double()
    values, shown = torch.randn(12, 5 + margin, 7 + margin, 4).double(), torch.rand(POSITIONS, places, 5, 7).double()
    first, last, bias = torch.randn(8, 8 + POSITIONS).double(), torch.randn(3, 8).double(), torch.randn(3).double()
    norm = [torch.rand(8).double() for _ in range(4)]

    def seen(frames: slice) -> list[torch.Tensor]:
        read = (maps[..., frames].contiguous() for maps in (queries, keys))
        scores = weigh(*read, shown, first, norm, 1e-5, False, last, bias)[0]
        return [scores, aggregate(values[..., frames].contiguous(), scores)]

    assert not short_rows(queries) and short_rows(queries[..., :1])
    alone = [seen(slice(frame, frame + 1)) for frame in range(4)]
    for together, parts in zip(seen(slice(None)), zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(torch.cat(parts, -1), together, rtol=0, atol=1e-10)


def test_every_multiply_add_of_the_weights_is_counted():
    """A loop over cells and places, in which every convolution multiplies by itself."""
    queries, keys, places = torch.randn(4, 3, 2, 2), torch.randn(4, 5, 4, 2), torch.rand(POSITIONS, 9, 3, 2)
    first, last, bias = torch.randn(4, 4 + POSITIONS), torch.randn(3, 4), torch.randn(3)
    norm = [torch.rand(4), torch.randn(4), torch.randn(4), torch.rand(4)]
    around, products = by_place(windows(keys, 3, 2)), 0
    expected = torch.empty(3, 9, 3, 2, 2)
    for place, row, column, sample in torch.cartesian_prod(*map(torch.arange, expected.shape[1:])).tolist():
        relation = (queries[:, row, column, sample] - around[place][:, row, column, sample]).relu()
        read = torch.cat([relation, places[:, place, row, column]])
        hidden = torch.nn.functional.batch_norm((first @ read)[None], norm[2], norm[3], norm[0], norm[1])[0].relu()
        expected[:, place, row, column, sample] = last @ hidden + bias
        products += first.numel() + last.numel()
    products += 3 * 2 * 2 * POSITIONS**2  # the coordinates' own convolution, at every cell of every sample
    counted = count(weigh, queries, keys, places, first, norm, 1e-5, False, last, bias)
    torch.testing.assert_close(counted.result[0], expected, rtol=1e-4, atol=1e-4)
    assert counted.macs == products


@pytest.mark.parametrize("name", ["san10", "san15", "san19"])
def test_the_authors_networks_cost_and_hold_what_they_say(name):
    """San19: 17,596,156 parameters with the ImageNet classifier; SAN's README: 10.5 M, 14.1 M, 17.6 M."""
    with torch.device("meta"):
        network, num_features = backbone(name)
        x = torch.empty(1, 3, 112, 112)
    parameters = sum(value.numel() for value in network.parameters())
    with_classifier = parameters + 2048 * 1000 + 1000
    assert round(with_classifier / 1e6, 1) == {"san10": 10.5, "san15": 14.1, "san19": 17.6}[name]
    if name == "san19":
        assert (num_features, parameters, with_classifier) == (2048, 15_547_156, 17_596_156)
        first, second = agree(network.eval(), x)
        assert first == second == forward_macs(network, (3, 112, 112))


def by_hand(layer: str) -> int:
    """Multiply-adds of SAN19 at 112 up to a block, without stem: convolutions, and sums over footprints."""
    macs, before, side = 3 * 64 * 112**2, 64, 56
    for stage, (blocks, channels) in enumerate(zip((3, 3, 4, 6, 3), (64, 256, 512, 1024, 2048), strict=True)):
        cells, places, small = side**2, 9 if stage == 0 else 49, channels // 16
        macs += before * channels * cells
        for block in range(blocks):
            macs += cells * channels * (2 * small + 2 * channels // 4) + 4 * cells  # three convolutions in, one out
            macs += cells * places * ((small + 2) * small + small * channels // 32)  # the weights
            macs += cells * places * channels // 4  # the sums
            if f"layer{stage}.{block}" == layer:
                return macs
        before, side = channels, side // 2
    return macs


def test_what_a_prescan_costs():
    with torch.device("meta"):
        network = backbone("san19")[0].eval()
    shape = (3, 112, 112)
    assert prescan_macs(network, shape, "layer3.0") == by_hand("layer3.0")
    assert forward_macs(network, shape) == by_hand("layer4.2")
    with torch.no_grad():
        maps, _ = network.prescan(torch.empty((1, *shape), device="meta"), "layer3.0")
        resumed = count(network.resume, maps, "layer3.0").macs
    assert resumed == by_hand("layer4.2") - by_hand("layer3.0")
    assert copy.deepcopy(network).state_dict().keys() == network.state_dict().keys()


def test_weights_load_whole_under_their_published_names_and_only_into_the_same_network(tmp_path):
    """The ImageNet file has 665 tensors of 17,646,314 numbers, those of its classifier among them."""
    with torch.device("meta"):
        state = backbone("san19")[0].state_dict()
    assert len(state) + 2 == 665 and sum(value.numel() for value in state.values()) + 2049 * 1000 == 17_646_314
    block = ("sam.conv_w.0.weight", "sam.conv_w.5.bias", "sam.conv_p.weight", "bn2.weight", "conv.bias")
    assert {f"layer4.2.{name}" for name in block} | {"conv_in.weight", "bn_in.bias", "conv4.weight"} <= set(state)
    torch.manual_seed(0)
    own, _ = backbone("san10", width=0.125)
    file = str(tmp_path / "san10.pth")
    classifier = {"fc.weight": torch.zeros(1000, 256), "fc.bias": torch.zeros(1000)}
    torch.save({**own.state_dict(), **classifier}, file)
    loaded, _ = backbone("san10", width=0.125, weights=file)
    assert all(torch.equal(value, own.state_dict()[name]) for name, value in loaded.state_dict().items())
    with pytest.raises(SaccadeError, match=r"san10\.pth does not fit san15 .*missing: layer0\.2\.bn1\.weight"):
        backbone("san15", width=0.125, weights=file)


@pytest.mark.parametrize("size", [2, 3, 7, 8])
def test_halving_is_pytorchs_pooling(size):
    x = torch.randn(3, 2, size, size)
    assert Halving()(x).equal(torch.nn.functional.max_pool2d(x, 2, 2))
