"""Published weights: read without running anything, renamed, fitted strictly."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from saccade.engine import released, weights
from saccade.files import sha256
from saccade.records import Head, SaccadeError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.base, self.head = nn.Linear(2, 3), nn.Linear(3, 2)
        self.register_buffer("scores", torch.empty(0))


def published(path, **more):
    """A torch file as authors write them: the state of a wrapped network beside what isn't a tensor."""
    state = {"module.stem.weight": torch.ones(3, 2), "module.stem.bias": torch.arange(3.0), **more}
    torch.save({"epoch": 7, "state_dict": state}, path)
    return path


def rename(tensors):
    return {f"base.{part}": tensors[f"state_dict.module.stem.{part}"] for part in ("weight", "bias")}


def load(path, trains=("base.*",), drops=(), sha256="", rename=rename):
    model = Net()
    return model, released.load(model, path, rename, trains, drops, sha256)


def test_a_torch_file_is_renamed_into_the_model_and_its_sha256_kept(tmp_path):
    model, facts = load(published(tmp_path / "x.pth"))
    assert torch.equal(model.base.bias, torch.arange(3.0))
    assert facts == {"file": "x.pth", "sha256": sha256(tmp_path / "x.pth"), "dropped": {}}


def test_a_safetensors_file_keeps_its_names(tmp_path):
    save_file({"base.weight": torch.ones(3, 2), "base.bias": torch.ones(3)}, tmp_path / "x.safetensors")
    model, _ = load(tmp_path / "x.safetensors", rename=dict)
    assert torch.equal(model.base.bias, torch.ones(3))


def test_a_tensor_left_out_must_be_named_and_is_written_down(tmp_path):
    path = published(tmp_path / "x.pth", **{"module.fc.weight": torch.ones(400, 3)})
    with pytest.raises(SaccadeError, match=r"uses 2 of 3 tensors and leaves state_dict.module.fc.weight"):
        load(path)
    assert load(path, drops=["state_dict.module.fc.*"])[1]["dropped"] == {"state_dict.module.fc.weight": [400, 3]}


def test_a_tensor_that_is_changed_is_taken_out(tmp_path):
    def doubled(tensors):
        return {f"base.{part}": 2 * tensors.pop(f"state_dict.module.stem.{part}") for part in ("weight", "bias")}

    model, facts = load(published(tmp_path / "x.pth"), rename=doubled)
    assert torch.equal(model.base.bias, torch.tensor([0.0, 2.0, 4.0])) and facts["dropped"] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"trains": ["*"]},
            "gives nothing for head.bias, head.weight, scores, which the phase's `trains` covers; the file's names are "
            "state_dict.module.stem.weight, state_dict.module.stem.bias",
        ),
        ({"trains": ["base.weight"]}, "gives base.bias, which the phase's `trains` doesn't cover"),
        ({"sha256": "0" * 64}, "but the card expects 0000"),
        (
            {"rename": lambda t: {"base.weight": t.popitem()[1], "base.bias": t.popitem()[1]}},
            "in the model; check the variant's settings",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, arguments, message):
    with pytest.raises(SaccadeError, match=message):
        load(published(tmp_path / "x.pth"), **arguments)


def test_another_number_of_classes_is_one_sentence_with_both_numbers(tmp_path):
    state = {"head.weight": torch.ones(200, 3), "head.bias": torch.ones(200)}
    torch.save(state, tmp_path / "x.pth")
    heads = [Head("head", "single", ("jump", "run"))]
    with pytest.raises(
        SaccadeError, match=r"tells 200 classes apart, but the dataset's head 'head' has 2; the weights fit"
    ):
        released.load(Net(), tmp_path / "x.pth", dict, ["head.*"], [], heads=heads)
    heads = [dataclasses.replace(heads[0], of_weights=True)]
    with pytest.raises(SaccadeError, match=r"tells 200 classes apart, but the card's `num_classes` of it is 2; get"):
        released.load(Net(), tmp_path / "x.pth", dict, ["head.*"], [], heads=heads)
    torch.save(state | {"head.weight": torch.ones(2, 9)}, tmp_path / "x.pth")  # another width is another matter
    with pytest.raises(SaccadeError, match=r"head.weight is \(2, 9\) there but \(2, 3\) in the model"):
        released.load(Net(), tmp_path / "x.pth", dict, ["head.*"], [], heads=heads)


def test_published_weights_have_one_classifier():
    heads = [Head("verb", "single", ("a", "b")), Head("noun", "single", ("c", "d"))]
    assert released.only_head(heads[:1]) == "verb"
    with pytest.raises(SaccadeError, match=r"the run has the heads verb, noun; name one of them .* `heads: \[verb\]`"):
        released.only_head(heads)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floating_point_of_another_width_becomes_the_models(tmp_path, dtype):
    torch.save({"base.weight": torch.full((3, 2), 0.5, dtype=dtype), "base.bias": torch.ones(3)}, tmp_path / "x.pth")
    model, _ = load(tmp_path / "x.pth", rename=dict)
    assert model.base.weight.dtype == torch.float32 and model.base.weight.eq(0.5).all()


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch will do without them some day
@pytest.mark.parametrize("kind", ["int8", "qint8", "sparse_coo", "without values"])
def test_weights_that_are_no_plain_numbers_are_refused(tmp_path, kind):
    plain = torch.ones(3, 2)
    made = {
        "int8": lambda: plain.to(torch.int8),
        "qint8": lambda: torch.quantize_per_tensor(plain, 0.1, 0, torch.qint8),
        "sparse_coo": plain.to_sparse,
        "without values": lambda: plain.to("meta"),
    }[kind]()
    torch.save({"base.weight": made, "base.bias": torch.ones(3)}, tmp_path / "x.pth")
    with pytest.raises(SaccadeError, match=rf"base.weight is {kind} there, but the model needs plain numbers"):
        load(tmp_path / "x.pth", rename=dict)


def test_the_wrapper_of_parallel_training_is_no_part_of_a_name():
    names = {"module.net.conv": "net.conv", "glancer.module.net.0": "glancer.net.0", "submodule.x": "submodule.x"}
    assert {name: released.unwrapped(name) for name in names} == names


def test_a_buffer_built_empty_takes_the_size_that_its_phase_gave_it(tmp_path):
    model, other = Net(), Net()
    model.scores = torch.arange(5.0)
    weights.save(tmp_path / "calibrate.json", model, ["scores"], {})
    weights.load(other, [tmp_path / "calibrate.json"], whole=False)
    assert torch.equal(other.scores, torch.arange(5.0))


def test_a_buffer_that_has_a_size_keeps_to_it(tmp_path):
    model, other = Net(), Net()
    model.scores, other.scores = torch.arange(5.0), torch.zeros(4)
    weights.save(tmp_path / "calibrate.json", model, ["scores"], {})
    with pytest.raises(SaccadeError, match=r"scores is \(5,\) in the file but \(4,\) in the model"):
        weights.load(other, [tmp_path / "calibrate.json"], whole=False)
