"""Files with the names and shapes of the authors' checkpoints become our model, and pi with their weights chooses as
theirs does."""

import dataclasses
import functools
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from published_files import flat, layout
from torch import nn
from torch.nn import functional

from saccade.cards.method import load_method
from saccade.engine import released
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
PUBLISHED = ROOT.parent / "shared/dossiers/state_dicts"
FILES = {
    "adafocus-128-released": {
        "model_state_dict": "activitynet_whole_stage2_stage3",
        "glancer": "activitynet_glancer",
        "focuser": "activitynet_focuser_stage2_stage3",
        "fc": "activitynet_fc",
        "policy": "activitynet_policy",
    },
    "adafocus-tsm-144-released": {
        "model_state_dict": "something_whole_stage1_to_3",
        "glancer": "something_glancer",
        "focuser": "something_focuser",
        "fc": "something_fc",
        "policy": "something_policy_continuous_bn",
    },
}
CLASSES = {"adafocus-128-released": 200, "adafocus-tsm-144-released": 174}
LANDS = {
    "adafocus-128-released": {
        "glancer.net.features.2.conv.1.0.weight": "global_cnn.features.2.conv.1.0.weight",
        "glancer.net.classifier.1.bias": "global_head.classifiers.label.bias",
        "focuser.net.layer2.0.downsample.1.running_var": "local_cnn.layer2.0.downsample.1.running_var",
        "fc.gru.bias_hh_l0": "classifier.gru.bias_hh_l0",
        "fc.fc.weight": "classifier.classifiers.label.weight",
        "policy.state_encoder.3.weight": "policies.where.embed.weight",
    },
    "adafocus-tsm-144-released": {
        "glancer.net.features.0.0.weight": "global_cnn.network.features.0.0.weight",
        "glancer.net.features.1.conv.0.weight": "global_cnn.network.features.1.conv.0.0.weight",
        "glancer.net.features.1.conv.3.weight": "global_cnn.network.features.1.conv.1.weight",
        "glancer.net.features.3.conv.0.net.weight": "global_cnn.network.features.3.conv.0.0.weight",
        "glancer.net.features.3.conv.3.weight": "global_cnn.network.features.3.conv.1.0.weight",
        "glancer.net.features.3.conv.7.bias": "global_cnn.network.features.3.conv.3.bias",
        "glancer.net.classifier.weight": "global_head.classifiers.label.weight",
        "focuser.net.base_model.1.weight": "local_cnn.network.bn1.weight",
        "focuser.net.base_model.5.0.conv1.net.weight": "local_cnn.network.layer2.0.conv1.weight",
        "focuser.net.base_model.7.0.downsample.0.weight": "local_cnn.network.layer4.0.downsample.0.weight",
        "fc.weight": "classifier.classifiers.label.weight",
        "policy.state_encoder.4.weight": "policies.where.embed.weight",
        "policy.state_encoder.5.running_mean": "policies.where.embed_norm.running_mean",
    },
}

model = load_module(FOLDER / "model.py")
places = load_module(FOLDER / "networks/places.py")
published = load_module(FOLDER / "paper/published.py")


class Imported(NamedTuple):
    variant: str
    settings: object
    given: dict[str, torch.Tensor]
    net: nn.Module
    found: dict


@pytest.fixture(scope="module", params=FILES)
def imported(request, tmp_path_factory) -> Imported:
    variant = request.param
    given = checkpoint(variant)
    file = save(given, tmp_path_factory.mktemp("released") / "checkpoint.pth.tar")
    net = built(variant, CLASSES[variant]).to_empty(device="cpu")
    return Imported(variant, settings(variant), given, net, load(net, variant, file))


def settings(variant: str):
    chosen = resolve(ROOT, Run("paper", "motion-digits", "", "adafocus", variant, 0)).typed
    assert not chosen.heads  # the card names none: the run learns the dataset's
    return chosen


def heads(classes: int) -> tuple[Head, ...]:
    return (Head("label", "single", tuple(map(str, range(classes)))),)


def built(variant: str, classes: int) -> nn.Module:
    with torch.device("meta"):
        return model.build(settings(variant), heads(classes)).eval()


def load(net: nn.Module, variant: str, file: Path) -> dict:
    """As the step does."""
    drops = load_method(ROOT, "adafocus").variants[variant].released.drops
    rename = functools.partial(published.import_released, settings(variant), net.heads)
    return released.load(net, file, rename, ["*"], drops, heads=net.heads)


def checkpoint(variant: str) -> dict[str, torch.Tensor]:
    """Its tensors by their names in the file: those of pi random, every other one a number of its own, which takes no
    space."""
    given, generator = {}, torch.Generator().manual_seed(0)
    for name, empty in flat(layout("adafocus", variant)):
        tensor = torch.tensor(len(given) + 1, dtype=empty.dtype).expand(empty.shape)
        if name.startswith("policy.") and empty.is_floating_point():
            tensor = (torch.rand(empty.shape, generator=generator) - 0.5) / 10
        given[name] = tensor.abs() if name.endswith("running_var") else tensor
    return given


def save(given: dict[str, torch.Tensor], file: Path) -> Path:
    nested: dict = {"epoch": 9, "scaler": {"scale": 65536.0}}
    for name, tensor in given.items():
        part, _, key = name.partition(".")
        nested[part] = {**nested.get(part, {}), key: tensor} if key else tensor
    torch.save(nested, file)
    return file


@pytest.mark.parametrize("variant", FILES)
def test_the_layout_is_the_official_codes(variant):
    """The lists hold names, shapes and types of the official models."""
    ours = list(flat(layout("adafocus", variant)))
    for part, name in FILES[variant].items():
        file = PUBLISHED / f"adafocus2021__{name}.json"
        if not file.is_file():
            pytest.skip("the lists of published weights' names aren't here")
        theirs = [[f"{part}.{key}", *rest] for key, *rest in json.loads(file.read_text())["keys"]]
        assert theirs == [
            [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
            for key, tensor in ours
            if key.startswith(f"{part}.")
        ]


def test_every_tensor_of_ours_is_one_of_theirs(imported):
    """The fit is strict, so nothing of ours is left as it was; what is left of theirs is a copy, an unused classifier
    or no weight."""
    copies = {"model_state_dict", "optimizer", "acc", "best_acc"}
    left = {name for name in imported.found["dropped"] if name.split(".")[0] not in copies}
    assert left == {name for name in imported.given if name.startswith(("focuser.policy.", "focuser.net.fc."))}


def test_known_tensors_land_where_they_belong(imported):
    state = imported.net.state_dict()
    for theirs, ours in LANDS[imported.variant].items():
        assert torch.equal(state[ours], imported.given[theirs]), theirs


@pytest.mark.parametrize(
    ("theirs", "ours"), [("glancer.net.", ("global_cnn.", "global_head.")), ("focuser.net.", ("local_cnn.",))]
)
def test_networks_are_theirs_layer_by_layer(imported, theirs, ours):
    """Both sides list a network's tensors in the order of its layers, whatever they call them."""
    expected = [
        tensor
        for name, tensor in imported.given.items()
        if name.startswith(theirs) and not name.startswith("focuser.net.fc.")
    ]
    found = [tensor for name, tensor in imported.net.state_dict().items() if name.startswith(ours)]
    assert len(found) == len(expected) and all(map(torch.equal, found, expected))


@torch.inference_mode()
def test_the_policy_with_their_weights_decides_as_theirs(imported):
    maps = torch.rand(2, imported.settings.glance_frames or 3, 1280, 7, 7, generator=torch.Generator().manual_seed(1))
    ours = imported.net.policies["where"](imported.net.policy_input(maps))
    torch.testing.assert_close(ours, theirs_of(imported.given, maps, imported.settings.per_clip))


def theirs_of(given: dict[str, torch.Tensor], maps: torch.Tensor, at_once: bool) -> torch.Tensor:
    """Scores of their policy: frame after frame, or once for all frames with their maps behind each other as
    channels."""
    weights = {name.removeprefix("policy."): tensor for name, tensor in given.items() if name.startswith("policy.")}
    layers: list[nn.Module] = [nn.Conv2d(1280 * (8 if at_once else 1), 64 if at_once else 32, 1, bias=False)]
    layers += [nn.BatchNorm2d(64)] * at_once + [nn.ReLU(), nn.Flatten(), nn.Linear(49 * (64 if at_once else 32), 1024)]
    layers += [nn.BatchNorm1d(1024)] * at_once + [nn.ReLU()]
    encoder, gru = nn.Sequential(*layers).eval(), nn.GRU(1024, 1024)
    for part, network in {"state_encoder.": encoder, "gru.": gru}.items():
        network.load_state_dict(
            {name.removeprefix(part): tensor for name, tensor in weights.items() if name.startswith(part)}
        )
    state, scores = None, []
    for step in [maps.flatten(1, 2)] if at_once else maps.unbind(1):
        output, state = gru(encoder(step)[None], state)
        scores.append(functional.linear(output[0], weights["actor.0.weight"], weights["actor.0.bias"]))
    return torch.stack(scores, dim=1)


@pytest.mark.parametrize("patch", [96, 128, 160, 192])
def test_places_are_numbered_row_by_row_as_theirs(patch):
    """They list (row / 6, column / 6) row by row, and round the product with the room down, in single precision."""
    shares = torch.tensor([[row / 6, column / 6] for row in range(7) for column in range(7)])
    expected = torch.floor(shares * (224 - patch)).int()
    assert torch.equal(places.candidate_corners(torch.arange(49), 7, (224, 224), patch).int(), expected)


def test_batch_counts_that_old_files_lack_are_zero(imported):
    given = {name: tensor for name, tensor in imported.given.items() if not name.endswith("num_batches_tracked")}
    ours = published.import_released(imported.settings, imported.net.heads, given)
    assert set(ours) == set(imported.net.state_dict())
    assert all(
        tensor == 0 and tensor.dtype == torch.int64
        for name, tensor in ours.items()
        if name.endswith("num_batches_tracked")
    )


def test_parts_that_were_trained_in_parallel_are_read(imported):
    given = {re.sub(r"^(glancer|focuser)\.", r"\1.module.", name): tensor for name, tensor in imported.given.items()}
    ours = published.import_released(imported.settings, imported.net.heads, given)
    assert set(ours) == set(imported.net.state_dict())


def test_a_file_that_lacks_a_tensor_is_refused(imported, tmp_path):
    """A checkpoint of stage I has no policy."""
    given = {name: tensor for name, tensor in imported.given.items() if not name.startswith("policy.")}
    with pytest.raises(SaccadeError, match=r"nothing for policies\.where"):
        load(
            built(imported.variant, CLASSES[imported.variant]),
            imported.variant,
            save(given, tmp_path / "stage1.pth.tar"),
        )


def test_a_file_with_other_classes_is_refused(imported, tmp_path):
    file = save(imported.given, tmp_path / "checkpoint.pth.tar")
    with pytest.raises(
        SaccadeError,
        match=rf"tells {CLASSES[imported.variant]} classes apart, but the dataset's head 'label' has 239; ",
    ):
        load(built(imported.variant, 239), imported.variant, file)


def test_a_tensor_that_nothing_knows_is_refused(imported, tmp_path):
    file = save(imported.given | {"consensus.weight": torch.zeros(1)}, tmp_path / "checkpoint.pth.tar")
    with pytest.raises(SaccadeError, match="leaves consensus.weight"):
        load(built(imported.variant, CLASSES[imported.variant]), imported.variant, file)


def test_several_heads_are_refused(imported):
    several = (Head("verb", "single", ("a", "b")), Head("noun", "single", ("c", "d")))
    with pytest.raises(
        SaccadeError, match=r"one classifier, but the run has the heads verb, noun; .* `heads: \[verb\]`"
    ):
        published.import_released(imported.settings, several, dict(imported.given))


@pytest.mark.parametrize("patch", [128, 160, 192])
def test_all_patch_sizes_are_imported_alike(patch):
    """The patch size changes nothing but where to cut."""
    first, other = (settings(f"adafocus-{size}-released") for size in (128, patch))
    assert dataclasses.replace(first, patch_size=patch) == other
