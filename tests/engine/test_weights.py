import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from saccade.engine import weights
from saccade.files import read_json
from saccade.records import Head, SaccadeError


def model() -> nn.Module:
    return nn.ModuleDict({"body": nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), "head": nn.Linear(3, 2)})


def test_a_phase_file_holds_only_what_it_trained_with_bn_statistics(tmp_path):
    weights.save(tmp_path / "base.json", model(), ["body.*"], {"code": "x"})
    assert read_json(tmp_path / "base.json")["tensors"] == 7
    assert set(load_file(tmp_path / "base.safetensors")) == {f"body.{k}" for k in model()["body"].state_dict()}


def test_phases_load_in_order_to_the_same_weights(tmp_path):
    source, target = model(), model()
    weights.save(tmp_path / "base.json", source, ["body.*"], {})
    weights.save(tmp_path / "head.json", source, ["head.*"], {})
    weights.load(target, [tmp_path / "base.json", tmp_path / "head.json"], whole=True)
    assert all(
        torch.equal(a, b) for a, b in zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    )


def test_a_model_with_a_part_from_nowhere_is_refused(tmp_path):
    weights.save(tmp_path / "base.json", model(), ["body.*"], {})
    with pytest.raises(SaccadeError, match=r"no phase gives head.bias, head.weight"):
        weights.load(model(), [tmp_path / "base.json"], whole=True)


def test_a_wrong_shape_or_an_unknown_tensor_is_named(tmp_path):
    weights.save(tmp_path / "base.json", model(), ["head.*"], {})
    other = nn.ModuleDict({"head": nn.Linear(3, 5)})
    with pytest.raises(SaccadeError, match=r"head.bias is \(2,\) in the file but \(5,\) in the model"):
        weights.load(other, [tmp_path / "base.json"], whole=False)


@pytest.mark.parametrize(
    ("classes", "how"),
    [
        (("a", "c"), "only this run has c; only that phase has b"),
        (("b", "a"), "class 0 is 'b' in this run, 'a' in that phase"),
        (("A", "b"), ""),
    ],
)
def test_weights_of_other_classes_of_a_head_are_refused_though_they_fit(tmp_path, classes, how):
    """But what the head's tensors aren't part of may have been trained for any classes."""
    weights.save(tmp_path / "body.json", model(), ["body.*"], {"classes": {"head": ["x", "y", "z"]}})
    weights.save(tmp_path / "head.json", model(), ["head.*"], {"classes": {"head": ["a", "b"]}})
    heads = [Head("head", "single", classes)]
    weights.load(model(), [tmp_path / "body.json"], whole=False, heads=heads)
    if not how:
        weights.load(model(), [tmp_path / "head.json"], whole=False, heads=heads)
        return
    with pytest.raises(SaccadeError, match=f"other classes of 'head', or in another order: {how}; train that phase"):
        weights.load(model(), [tmp_path / "head.json"], whole=False, heads=heads)
    weights.load(model(), {tmp_path / "head.json": ["head.*"]}, whole=False, heads=heads)


def test_a_file_that_was_changed_or_lost_is_refused(tmp_path):
    weights.save(tmp_path / "base.json", model(), ["*"], {})
    file = tmp_path / "base.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(SaccadeError, match="base.safetensors isn't what was written .its checksum differs"):
        weights.load(model(), [tmp_path / "base.json"], whole=True)
    file.unlink()
    with pytest.raises(SaccadeError, match="is missing"):
        weights.load(model(), [tmp_path / "base.json"], whole=True)


def test_what_a_phase_does_not_train_stays_with_its_bn_statistics():
    net = model()
    weights.freeze_rest(net, ["head.*"])
    net.train()
    weights.settle_rest(net, ["head.*"])
    before = {key: value.clone() for key, value in net.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=1.0)
    net["head"](net["body"](torch.randn(8, 2))).square().sum().backward()
    optimizer.step()
    changed = {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {"head.weight", "head.bias"}


def test_a_glob_that_covers_nothing_is_an_error():
    with pytest.raises(SaccadeError, match=r"'heads.\*' covers nothing"):
        weights.covered(model().state_dict(), ["heads.*"])


def test_what_a_run_drops_of_a_needed_phase_stays_as_it_was_and_must_be_there(tmp_path):
    source, target = model(), model()
    weights.save(tmp_path / "base.json", source, ["*"], {})
    before = target["head"].weight.clone()
    weights.load(target, {tmp_path / "base.json": ["head.*"]}, whole=False)
    assert torch.equal(target["head"].weight, before)
    assert torch.equal(target["body"][0].weight, source["body"][0].weight)
    with pytest.raises(SaccadeError, match=r"drops: 'tail.\*' covers nothing"):
        weights.load(target, {tmp_path / "base.json": ["tail.*"]}, whole=False)
