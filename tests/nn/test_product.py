"""Products by oneDNN are those of PyTorch, with their gradients, however the matrices lie in memory."""

import pytest
import torch
from torch import nn

from saccade.nn import product
from saccade.nn.product import Pointwise, multiply


@pytest.fixture
def without_the_operator(monkeypatch):
    monkeypatch.setattr(product, "LINEAR", None)
    product.there.cache_clear()
    yield
    product.there.cache_clear()


LAYOUTS = {
    "whole": lambda matrix: matrix.clone(),
    "transposed": lambda matrix: matrix.T.clone().T,
    "part of a wider one": lambda matrix: torch.cat([matrix, matrix], 1)[:, : matrix.shape[1]],
    "every other row": lambda matrix: matrix.repeat_interleave(2, 0)[::2],
}


@pytest.mark.parametrize("right", LAYOUTS)
@pytest.mark.parametrize("left", LAYOUTS)
def test_a_product_is_the_same_however_the_matrices_lie(left, right):
    one, other = torch.randn(5, 19), torch.randn(19, 24)
    torch.testing.assert_close(multiply(LAYOUTS[left](one), LAYOUTS[right](other)), one @ other)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN")
def test_this_pytorch_has_the_operator():
    assert product.there()


def test_a_pytorch_without_the_operator_multiplies_as_ever(without_the_operator):
    left, right = torch.randn(5, 19), torch.randn(19, 24)
    assert not product.there()
    assert multiply(left, right).equal(left @ right)


@pytest.mark.parametrize("bias", [True, False])
def test_a_pointwise_convolution_is_pytorchs_with_its_gradients(bias):
    ours, plain = Pointwise(6, 4, bias), nn.Conv2d(6, 4, 1, bias=bias)
    plain.load_state_dict(ours.state_dict())
    found = []
    for convolution in (ours, plain):
        x = torch.arange(6 * 12.0).sin().view(1, 6, 3, 4).requires_grad_()
        maps = convolution(x)
        found.append((maps, *torch.autograd.grad(maps.cos().sum(), [x, *convolution.parameters()])))
    torch.testing.assert_close(*found)


def test_several_images_and_other_types_go_pytorchs_way():
    convolution = Pointwise(6, 4)
    several = torch.randn(2, 6, 3, 4)
    torch.testing.assert_close(convolution(several)[1:], convolution(several[1:]))
    assert convolution.double()(several.double()).dtype == torch.float64
