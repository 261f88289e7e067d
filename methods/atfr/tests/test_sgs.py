"""Similarity guided sampling: cases computed by hand, gradients, and what happens where the formulas break."""

import math
from pathlib import Path

import pytest
import torch

from saccade.project import load_module
from saccade.records import SaccadeError

FOLDER = Path(__file__).parents[1]
sgs = load_module(FOLDER / "networks/sgs.py")
EDGE = torch.tensor(1.0) + sgs.EPSILON - 1  # what fp32 makes of it: 1.19e-7


def weights(magnitudes: list[float], bins: int, kernel: str = "linear") -> torch.Tensor:
    """(bins, T) of one clip whose frames have these magnitudes."""
    values = torch.tensor(magnitudes)[None, None]
    return sgs.kernel_weights(sgs.positions(values, torch.ones(1, 1)), [bins], kernel)[0]


def test_the_linear_kernel_by_hand():
    """Delta_max = 4, B = 4: gamma = 1/2, centres 0.5, 1.5, 2.5, 3.5 (eqs. 2, 3); 1.25 is a quarter off, half of
    gamma."""
    found = weights([0.5, 1.25, 1.5, 4.0], 4)
    expected = torch.tensor([[1.0, 0, 0, 0], [0, 0.5, 1.0, 0], [0, 0, 0, 0], [0, 0, 0, EDGE]])
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-7)
    assert sgs.occupied(found[None])[0].tolist() == [True, True, False, True]


def test_the_normalised_linear_kernel_divides_by_the_frames_of_a_bin():
    found = weights([0.5, 1.25, 1.5, 4.0], 4, "linear_normalised")
    torch.testing.assert_close(found[1], torch.tensor([0, 0.25, 0.5, 0]), rtol=0, atol=2e-7)


def test_the_kronecker_kernel_averages_and_takes_the_largest_frame_into_the_last_bin():
    found = weights([0.5, 1.25, 1.5, 4.0], 4, "kronecker")
    assert found.tolist() == [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_a_frame_on_an_inner_border_keeps_a_trace_in_both_bins():
    """As the official linear kernel: all four bins are occupied, and all of them nearly empty."""
    found = weights([1.0, 2.0, 3.0, 4.0], 4)
    assert sgs.occupied(found[None]).all()
    assert found.max() < 1e-6


@pytest.mark.parametrize(("kernel", "bins"), [("linear", [4, 8]), ("kronecker", [4, 8])])
def test_angles_by_hand(kernel, bins):
    """Of the axes z: polar angle 0, of x = y: polar angle pi/2 and azimuth pi/4; bins are pi/2 / 4 and pi/4 / 8
    wide."""
    embeddings = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.3, 0.1]]])
    values, scales = sgs.coordinates(embeddings, "angular", "norm")
    third = math.atan2(math.hypot(0.3, 0.1), 1.0), math.atan2(0.1, 0.3)
    torch.testing.assert_close(values[0, 0], torch.tensor([0.0, math.pi / 2, third[0]]), rtol=0, atol=1e-5)
    torch.testing.assert_close(values[0, 1, 1:], torch.tensor([math.pi / 4, third[1]]), rtol=0, atol=1e-5)
    found = sgs.kernel_weights(sgs.positions(values, scales), bins, kernel)[0]
    assert found.shape == (32, 3)
    place = third[0] / (math.pi / 2) * bins[0], third[1] / (math.pi / 4) * bins[1]  # in bins
    row = int(place[0]) * bins[1] + int(place[1])  # the first coordinate varies slowest
    assert found[:, 2].nonzero().tolist() == [[row]]
    tent = math.prod(1 - 2 * abs(number % 1 - 0.5) for number in place)
    assert found[row, 2].item() == pytest.approx(tent if kernel == "linear" else 1.0, abs=1e-4)


def test_spherical_coordinates_put_the_radius_first():
    embeddings = torch.tensor([[[0.0, 3.0, 4.0], [1.0, 0.0, 0.0]]])
    values, _ = sgs.coordinates(embeddings, "spherical", "norm")
    torch.testing.assert_close(values[0, :, 0], torch.tensor([5.0, torch.pi / 2, 0.9273]), rtol=0, atol=1e-4)
    share = sgs.positions(*sgs.coordinates(torch.randn(2, 6, 3), "spherical", "norm"))
    assert sgs.kernel_weights(share, [2, 4, 4], "linear").shape == (2, 32, 6)


def test_angles_need_three_dimensions():
    with pytest.raises(SaccadeError, match="3 dimensions"):
        sgs.coordinates(torch.randn(1, 4, 2), "angular", "norm")


def test_magnitudes_are_distances_to_the_mean_embedding_or_norms():
    embeddings = torch.tensor([[[3.0, 4.0], [0.0, 0.0]]])
    assert sgs.coordinates(embeddings, "magnitude", "norm")[0].tolist() == [[[5.0, 0.0]]]
    away, _ = sgs.coordinates(embeddings, "magnitude", "dist_to_mean")
    torch.testing.assert_close(away[0, 0], torch.tensor([2.5, 2.5]), rtol=0, atol=1e-5)


# ---- where the formulas break


def test_frames_that_are_all_alike_are_averaged_into_one_bin():
    for magnitudes in ([2.0] * 5, [0.0] * 5, [7.0]):
        found = weights(magnitudes, 4)
        assert sgs.occupied(found[None]).sum() == 1
        torch.testing.assert_close(found.sum(0), torch.full((len(magnitudes),), 1 / len(magnitudes)))


def test_two_frames_are_equally_far_from_their_mean_and_so_are_averaged():
    embeddings = torch.randn(3, 2, 8, generator=torch.Generator().manual_seed(0))
    found = sgs.kernel_weights(sgs.positions(*sgs.coordinates(embeddings, "magnitude", "dist_to_mean")), [2], "linear")
    assert sgs.occupied(found).sum(1).tolist() == [1, 1, 1]
    torch.testing.assert_close(found[:, 0], torch.full((3, 2), 0.5))


@pytest.mark.parametrize("distance", ["dist_to_mean", "norm"])
def test_the_frame_of_the_largest_magnitude_occupies_a_bin_and_is_nearly_erased(distance):
    embeddings = torch.randn(200, 16, 8, generator=torch.Generator().manual_seed(0))
    values, scales = sgs.coordinates(embeddings, "magnitude", distance)
    found = sgs.kernel_weights(sgs.positions(values, scales), [16], "linear")
    largest = values[:, 0].argmax(1)
    assert torch.equal(found[torch.arange(200), 15, largest], EDGE.expand(200))


@pytest.mark.parametrize("similarity", ["magnitude", "angular", "spherical"])
@pytest.mark.parametrize("distance", ["dist_to_mean", "norm"])
@pytest.mark.parametrize("kernel", ["linear", "linear_normalised", "kronecker"])
@pytest.mark.parametrize("case", ["zeros", "equal", "one", "two", "random"])
def test_outputs_and_gradients_are_finite(case, kernel, distance, similarity):
    frames = {"one": 1, "two": 2}.get(case, 6)
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(2, frames, 3, generator=generator)
    if case in ("zeros", "equal"):
        embeddings = embeddings[:, :1].expand(2, frames, 3) * (case == "equal")
    embeddings = embeddings.clone().requires_grad_()
    share = sgs.positions(*sgs.coordinates(embeddings, similarity, distance))
    found = sgs.kernel_weights(share, {"magnitude": [6], "angular": [2, 3], "spherical": [1, 2, 3]}[similarity], kernel)
    assert found.isfinite().all() and (sgs.occupied(found).sum(1) >= 1).all()
    (found * torch.randn(found.shape, generator=generator)).sum().backward()
    assert embeddings.grad.isfinite().all()


# ---- gradients


def test_the_slope_of_the_linear_kernel_is_that_of_equation_8():
    """+1 / gamma left of a centre and on it, -1 / gamma right of it. Delta_max is held still: it has a gradient of its
    own."""
    magnitudes = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64, requires_grad=True)
    share = (magnitudes / 4.0)[None, None]
    sgs.kernel_weights(share, [4], "linear")[0, 0].sum().backward()
    assert magnitudes.grad.tolist() == [2.0, 2.0, -2.0]


def test_the_normalised_linear_kernel_passes_the_linear_one_s_gradient():
    """The code divides the weights by the frames of their bin, and not their gradient."""
    share = torch.tensor([[[0.15, 0.3, 0.9]]])  # two frames in the first of two bins
    coming = torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    slopes = []
    for kernel in ("linear", "linear_normalised"):
        place = share.clone().requires_grad_()
        (sgs.kernel_weights(place, [2], kernel) * coming).sum().backward()
        slopes.append(place.grad)
    assert torch.equal(*slopes) and slopes[0].abs().sum() > 0


def test_the_linear_kernel_passes_a_numerical_gradient_check_through_the_largest_magnitude():
    values = torch.tensor([[[0.31, 1.27, 2.72, 3.9]]], dtype=torch.float64, requires_grad=True)
    features = torch.randn(1, 3, 4, 2, 2, dtype=torch.float64, requires_grad=True)

    def mixed(values, features):
        return sgs.mix(sgs.kernel_weights(sgs.positions(values, torch.ones(1, 1)), [5], "linear"), features)

    assert torch.autograd.gradcheck(mixed, (values, features))


def test_the_kronecker_kernel_passes_gradients_straight_through():
    """Its derivative is zero everywhere; the surrogate is the code's: the incoming gradient over the frames of the
    bin."""
    share = torch.tensor([[[0.1, 0.2, 0.9]]], requires_grad=True)
    found = sgs.kernel_weights(share, [2], "kronecker")[0]
    (found * torch.tensor([[5.0, 5.0, 0.0], [0.0, 0.0, 3.0]])).sum().backward()
    per_half_width = share.grad[0, 0] / (2 * 2)  # a bin is 1/2 of the share, half of it 1/4
    torch.testing.assert_close(per_half_width, torch.tensor([2.5, 2.5, 3.0]))


def test_features_get_the_weights_as_their_gradient():
    """Eq. 7."""
    features = torch.randn(1, 1, 4, 1, 1, requires_grad=True)
    kernel = weights([0.5, 1.25, 1.5, 4.0], 4)[None]
    sgs.mix(kernel, features)[0, 0, 1].sum().backward()
    torch.testing.assert_close(features.grad.flatten(), kernel[0, 1])


# ---- bins and blocks


def test_mixing_equals_a_loop():
    generator = torch.Generator().manual_seed(0)
    kernel, features = torch.rand(2, 3, 5, generator=generator), torch.randn(2, 4, 5, 2, 2, generator=generator)
    loop = torch.stack(
        [sum(kernel[:, b, t, None, None, None] * features[:, :, t] for t in range(5)) for b in range(3)], dim=2
    )
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        torch.testing.assert_close(sgs.mix(kernel, features.contiguous(memory_format=layout)), loop)


def test_occupied_bins_move_to_the_front_in_their_order():
    kernel = torch.tensor([[[0.0, 0], [1, 0], [0, 0], [0, 2]], [[0, 0], [0, 0], [0, 0], [3, 3]]])
    found = sgs.packed(kernel, 2)
    assert found.tolist() == [[[1, 0], [0, 2]], [[3, 3], [0, 0]]]


def test_blocks_bin_their_own_frames_in_time_order():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(2, 1, 8, generator=generator)
    apart = [
        sgs.kernel_weights(sgs.positions(values[..., low : low + 4], torch.ones(2, 1)), [4], "linear") for low in (0, 4)
    ]
    cut = sgs.positions(sgs.in_blocks(values, 4), torch.ones(4, 1))
    found = sgs.out_of_blocks(sgs.kernel_weights(cut, [4], "linear"), 2)
    assert found.shape == (2, 8, 8)
    torch.testing.assert_close(found[:, :4, :4], apart[0])
    torch.testing.assert_close(found[:, 4:, 4:], apart[1])
    assert not found[:, :4, 4:].any() and not found[:, 4:, :4].any()
    with pytest.raises(SaccadeError, match="blocks of 3"):
        sgs.in_blocks(values, 3)


def test_even_pooling_averages_equal_stretches():
    found = sgs.pooled_evenly(5, 2, like=torch.zeros(1))
    torch.testing.assert_close(found[:2], torch.tensor([[1 / 2, 1 / 2, 0, 0, 0], [0, 0, 1 / 3, 1 / 3, 1 / 3]]))
    assert not found[2:].any()
    with pytest.raises(SaccadeError, match="within 1 and 5"):
        sgs.pooled_evenly(5, 6, like=torch.zeros(1))


def structureless(frames: int, distance: str, bins: int | None = None, draws: int = 2000) -> float:
    embeddings = torch.randn(draws, frames, 8, generator=torch.Generator().manual_seed(frames))
    share = sgs.positions(*sgs.coordinates(embeddings, "magnitude", distance))
    return sgs.occupied(sgs.kernel_weights(share, [bins or frames], "linear")).sum(1).double().mean().item()


@pytest.mark.parametrize(("frames", "bins"), [(4, 2.00), (8, 4.07), (13, 6.73), (16, 8.19), (32, 16.06), (64, 31.20)])
def test_embeddings_without_structure_already_keep_half_of_the_bins(frames, bins):
    """Means of 1,000 draws through the official sampler, measured independently of this code; its standard error is
    below 0.06."""
    assert structureless(frames, "dist_to_mean") == pytest.approx(bins, abs=0.15)


def test_they_keep_about_twenty_of_thirty_two_when_sixty_four_frames_share_thirty_two_bins():
    assert structureless(64, "dist_to_mean", bins=32) == pytest.approx(19.8, abs=0.2)
