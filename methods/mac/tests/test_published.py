"""Files with the names and shapes of the authors' checkpoints become our networks and heads, whole, and the heads read
the features in their order."""

import functools
import itertools
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch
from published_files import VARIANTS, filled, flat, layout
from torch import nn
from torch.nn import functional

from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.engine import released, weights
from saccade.plan.layers import resolve
from saccade.plan.phases import drops_of, phase_of, weights_of
from saccade.plan.published import heads_of_weights
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
PUBLISHED = ROOT.parent / "shared/dossiers/state_dicts"
MAC = [variant for method, variant in VARIANTS if method == "mac"]
LISTED = {
    "imagenet-released": "san19_pairwise_imagenet_hszhao",
    "epic-base-low-released": "pipelinesimple_epic_san19_112_whole",
    "ucf-base-low-released": "pipelinesimple_ucf_san19_112_whole",
    "epic-s0-released": "pipeline4_epic_s0_whole",
    **{f"epic-s{k}-released": f"pipeline5_epic_s{k}_whole" for k in (1, 2, 3)},
    **{f"{data}-s{k}-heads-released": f"gru_head_{data}_s{k}" for data in ("epic", "ucf") for k in (1, 2, 3)},
    **{f"{data}-s{k}-t1-released": f"pipeline9_{data}_s{k}_t1_whole" for data in ("epic", "ucf") for k in range(4)},
    "epic-hallucinator-released": "pipeline3_epic_hallucinator_training_whole",
    **{f"{data}-hallu-released": "hallucinator" for data in ("epic", "ucf")},
}
LANDS = {
    "epic-base-released": {
        "light_model.rgb.layer1.2.sam.conv_w.3.running_var": "high_cnn.layer1.2.sam.conv_w.3.running_var",
        "light_model.spec.conv_in.weight": "high_spectrogram_cnn.conv_in.weight",
        "actreg_model.fc1.bias": "high_head.fc1.0.bias",
        "actreg_model.fc_noun.weight": "high_head.classifiers.noun.weight",
    },
    "ucf-base-low-released": {
        "light_model.rgb.bn4.weight": "low_cnn.bn4.weight",
        "actreg_model.fc_action.bias": "low_head.classifiers.label.bias",
    },
    "epic-s0-released": {
        "feat_model.rgb.conv3.weight": "low_cnn.conv3.weight",
        "feat_model.spec.bn_in.bias": "high_spectrogram_cnn.bn_in.bias",
        "actreg_model.rnn.weight_hh_l1": "heads.global.rnn.weight_hh_l1",
        "actreg_model.fc_verb.weight": "heads.global.classifiers.verb.weight",
    },
    "epic-s2-released": {
        "low_feat_model.rgb.layer3.0.sam.conv2.bias": "low_cnn.layer3.0.sam.conv2.bias",
        "low_feat_model.spec.layer4.2.conv.weight": "high_spectrogram_cnn.layer4.2.conv.weight",
        "high_feat_model.rgb.conv_in.weight": "high_cnn.conv_in.weight",
        "actreg_model.actreg_global.rnn.bias_ih_l0": "heads.global.rnn.bias_ih_l0",
        "actreg_model.actreg_local.fc_noun.bias": "heads.local.classifiers.noun.bias",
        "actreg_model.actreg_both.rnn.weight_ih_l0": "heads.all.rnn.weight_ih_l0",
    },
    "ucf-s3-heads-released": {
        "actreg_both.fc_action.weight": "heads.all.classifiers.label.weight",
        "actreg_local.rnn.weight_ih_l0": "heads.local.rnn.weight_ih_l0",
    },
    "epic-hallucinator-released": {
        "feat_model.rgb.bn_in.weight": "low_cnn.bn_in.weight",
        "hallu_model.conv_decoder.bias": "hallucinator.decoder.0.bias",
    },
    "ucf-hallu-released": {
        "conv_encoder.weight": "hallucinator.encoder.0.weight",
        "bn_decoder.running_var": "hallucinator.decoder.1.running_var",
        "rnn.cell_list.0.conv.weight": "hallucinator.gates.weight",
    },
    "epic-s0-t4-released": {
        "low_feat_model.spec.conv2.weight": "high_spectrogram_cnn.conv2.weight",
        "temporal_sampler.rnn.weight_ih_l0": "sampler.rnn.weight_ih_l0",
        "actreg_model.rnn.bias_hh_l1": "heads.global.rnn.bias_hh_l1",
    },
    "epic-s3-t2-released": {
        "high_feat_model.rgb.bn3.bias": "high_cnn.bn3.bias",
        "temporal_sampler.fc_out.weight": "sampler.score.weight",
        "hallu_model.bn_encoder.running_mean": "hallucinator.encoder.1.running_mean",
        "actreg_model.actreg_both.rnn.bias_hh_l1": "heads.all.rnn.bias_hh_l1",
    },
    "ucf-s2-t1-concatenated-released": {
        "actreg_model.rnn.weight_ih_l0": "heads.all.rnn.weight_ih_l0",
        "actreg_model.fc_action.bias": "heads.all.classifiers.label.bias",
    },
}

model = load_module(FOLDER / "model.py")
published = load_module(FOLDER / "paper/published.py")


def run_of(variant: str) -> Run:
    return Run("released", "folder", "", "mac", variant, 0)


@functools.cache
def built(variant: str) -> nn.Module:
    """Without contents, for the classes of the weights."""
    method, dataset = load_method(ROOT, "mac"), load_dataset(ROOT, "folder")
    heads = heads_of_weights(method, method.variants[variant].released, dataset, "").values()
    with torch.device("meta"):
        return model.build(resolve(ROOT, run_of(variant)).typed, tuple(heads) or (Head("label", "single", ("a", "b")),))


@functools.cache
def checkpoint(variant: str) -> dict[str, torch.Tensor]:
    """Its tensors by their names in the file, each a number of its own, which takes no space; what is listed twice is
    one tensor."""
    given, places = {}, {}
    for name, empty in flat(layout("mac", variant)):
        key = name.replace("_pivot_mod_fn.", "low_feat_model.rgb.").replace("_pivot_mod.", "feat_model.rgb.")
        places.setdefault(key, torch.tensor(len(places) + 1, dtype=empty.dtype).expand(empty.shape))
        given[name] = places[key]
    return given


def imported(variant: str, given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    net = built(variant)
    return published.import_released(net.settings, net.heads_known, dict(given))


def load(variant: str, net: nn.Module, file: Path) -> dict:
    """As the step does."""
    drops = load_method(ROOT, "mac").variants[variant].released.drops
    rename = functools.partial(published.import_released, net.settings, net.heads_known)
    trains = phase_of(ROOT, run_of(variant), "import").trains
    return released.load(net, file, rename, trains, drops, heads=net.heads_known)


@pytest.mark.parametrize("variant", LISTED)
def test_the_layout_is_the_official_codes(variant):
    """The lists hold names, shapes and types of the official models."""
    file = PUBLISHED / f"mac2023__{LISTED[variant]}.json"
    if not file.is_file():
        pytest.skip("the lists of published weights' names aren't here")
    ours = {name.removeprefix("state_dict."): tensor for name, tensor in flat(layout("mac", variant))}
    assert json.loads(file.read_text())["keys"] == [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for key, tensor in ours.items()
        if not key.startswith("optimizer.")
    ]


@pytest.mark.parametrize("variant", MAC)
def test_every_tensor_of_ours_is_one_of_theirs(variant):
    """Of theirs nothing is left but what the card names, and the second listing of a network."""
    given = checkpoint(variant)
    ours, state = imported(variant, given), built(variant).state_dict()
    expected = weights.covered(state, phase_of(ROOT, run_of(variant), "import").trains)
    assert {name: ours[name].shape for name in ours} == {name: state[name].shape for name in expected}
    used = {id(tensor) for tensor in ours.values()}
    drops = load_method(ROOT, "mac").variants[variant].released.drops
    left = [name for name, tensor in given.items() if id(tensor) not in used]
    assert all(any(fnmatchcase(name, glob) for glob in drops) for name in left)
    assert bool(left) == bool(drops)


@pytest.mark.parametrize("variant", LANDS)
def test_known_tensors_land_where_they_belong(variant):
    given = checkpoint(variant)
    ours = imported(variant, given)
    assert all(ours[here] is given[theirs] for theirs, here in LANDS[variant].items())


def test_a_network_is_theirs_layer_by_layer():
    """Both sides list its tensors in the order of its layers."""
    given = checkpoint("epic-s1-released")
    state, ours = built("epic-s1-released").state_dict(), imported("epic-s1-released", given)
    for theirs, here in (("low_feat_model.rgb.", "low_cnn."), ("high_feat_model.rgb.", "high_cnn.")):
        expected = [name.removeprefix(theirs) for name in given if name.startswith(theirs)]
        assert expected == [name.removeprefix(here) for name in state if name.startswith(here)]
        assert all(ours[here + name] is given[theirs + name] for name in expected)


def test_imagenets_network_comes_under_every_name_and_sound_has_the_mean_of_its_colours(tmp_path):
    content = filled(layout("mac", "imagenet-released"))
    torch.save(content, tmp_path / "san19.pth")
    net = built("imagenet-released").to_empty(device="cpu")
    found = load("imagenet-released", net, tmp_path / "san19.pth")
    theirs, state = content["state_dict"], net.state_dict()
    networks = ("low_cnn", "high_cnn", "low_spectrogram_cnn", "high_spectrogram_cnn")
    assert {name.partition(".")[0] for name in state} == set(networks)
    for name in networks:
        kept = {key: state[f"{name}.{key}"] for key in ("layer3.0.sam.conv_p.weight", "conv4.weight", "conv_in.weight")}
        assert all(torch.equal(kept[key], theirs[f"module.{key}"]) for key in list(kept)[:2])
        colours = theirs["module.conv_in.weight"]
        if "spectrogram" in name:
            colours = (colours[:, :1] + colours[:, 1:2] + colours[:, 2:]) / 3
        torch.testing.assert_close(kept["conv_in.weight"], colours)
    left = {name for name in found["dropped"] if not name.startswith("optimizer.")}
    assert left == {"state_dict.module.fc.weight", "state_dict.module.fc.bias"}
    built.cache_clear()


@pytest.mark.parametrize(("variant", "sound"), [("epic-s1-heads-released", True), ("ucf-s2-heads-released", False)])
@torch.inference_mode()
def test_the_heads_with_their_weights_answer_as_theirs(variant, sound):
    """They cut each head's input out of [frame, sound, crop, crop ...]; sound is read beside the crops, too."""
    content = filled(layout("mac", variant))
    net = built(variant)
    net.heads.to_empty(device="cpu")
    net.heads.load_state_dict({name.removeprefix("heads."): one for name, one in imported(variant, content).items()})
    net.eval()
    regions = net.settings.regions
    whole = torch.rand(1, 3, (1 + sound + regions) * 2048, generator=torch.Generator().manual_seed(1))
    parts = {"low": whole[..., :2048], "regions": whole[..., (1 + sound) * 2048 :]}
    if sound:
        parts["sound"] = whole[..., 2048:4096]
    answers = net.answers(parts, list(net.heads))
    cuts = {"global": slice(0, (1 + sound) * 2048), "local": slice(2048, None), "both": slice(None)}
    for ours, theirs in (("global", "global"), ("local", "local"), ("all", "both")):
        expected = theirs_of(content, f"actreg_{theirs}.", whole[..., cuts[theirs]], net.settings.num_layers)
        assert list(answers[ours]) == list(expected) if sound else len(expected) == 1
        for found, wanted in zip(answers[ours].values(), expected.values(), strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    built.cache_clear()


def theirs_of(content: dict[str, torch.Tensor], prefix: str, x: torch.Tensor, layers: int) -> dict[str, torch.Tensor]:
    """Scores of every frame behind a GRU and a ReLU, then their mean."""
    gru = nn.GRU(x.shape[-1], 1024, layers, batch_first=True)
    gru.load_state_dict(
        {name.removeprefix(f"{prefix}rnn."): one for name, one in content.items() if name.startswith(f"{prefix}rnn.")}
    )
    states = gru(x)[0].relu()
    spaces = [name.split(".")[-2] for name in content if name.startswith(f"{prefix}fc_") and name.endswith(".weight")]
    return {
        space.removeprefix("fc_"): functional.linear(
            states, content[f"{prefix}{space}.weight"], content[f"{prefix}{space}.bias"]
        ).mean(1)
        for space in spaces
    }


@torch.inference_mode()
def test_what_foresees_and_decides_goes_on_as_theirs():
    """From one frame to the next, and to the one behind it."""
    empty = layout("mac", "epic-s0-t4-released")
    content = filled(
        {name: one for name, one in empty.items() if name.startswith(("hallu_model.", "temporal_sampler."))}
    )
    net = built("epic-s0-t4-released")
    ours = imported("epic-s0-t4-released", content)
    for name in ("hallucinator", "sampler"):
        part = net.get_submodule(name).to_empty(device="cpu")
        part.load_state_dict({key.removeprefix(f"{name}."): one for key, one in ours.items() if key.startswith(name)})
    net.eval()
    frames = torch.rand(3, 2, 32, 7, 7, generator=torch.Generator().manual_seed(1))
    alike = torch.tensor([0.3, 0.8])
    memory, state = None, None
    for number, (foreseen, wanted) in enumerate(theirs_in_time(content, frames, alike)):
        expected, memory = net.hallucinator(frames[number], memory)
        torch.testing.assert_close(expected, foreseen, atol=1e-5, rtol=1e-4)
        scores, state = net.sampler(frames[number + 1], expected, alike, state)
        torch.testing.assert_close(scores, wanted, atol=1e-5, rtol=1e-4)
    assert number == 1
    built.cache_clear()


def theirs_in_time(
    content: dict[str, torch.Tensor], frames: torch.Tensor, alike: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """What is expected of each frame but the first, and the decision's scores there. Their cell takes [frame, what it
    gave last], and its gates come as enter, forget, leave, new; their sampler reads attention, what was expected of it,
    and the negative of how alike they are."""

    def convolved(maps, name):
        name = f"hallu_model.{name}"
        return functional.conv2d(maps, content[f"{name}.weight"], content[f"{name}.bias"], padding=1)

    def coded(maps, coder):
        norm = [content[f"hallu_model.bn_{coder}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(convolved(maps, f"conv_{coder}"), *norm).relu()

    gru = nn.GRU(3137, 1024, 2, batch_first=True)
    gru.load_state_dict({key: content[f"temporal_sampler.rnn.{key}"] for key in gru.state_dict()})
    given, kept, state = torch.zeros_like(frames[0]), torch.zeros_like(frames[0]), None
    for frame, coming in itertools.pairwise(frames):
        gates = convolved(torch.cat([coded(frame, "encoder"), given], 1), "rnn.cell_list.0.conv")
        enter, forget, leave, new = gates.split(32, 1)
        kept = forget.sigmoid() * kept + enter.sigmoid() * new.tanh()
        given = leave.sigmoid() * kept.tanh()
        foreseen = coded(given.relu(), "decoder")
        read = torch.cat([coming.flatten(1), foreseen.flatten(1), -alike[:, None]], 1)
        states, state = gru(read[:, None], state)
        yield (
            foreseen,
            functional.linear(
                states[:, 0], content["temporal_sampler.fc_out.weight"], content["temporal_sampler.fc_out.bias"]
            ),
        )


def test_the_temporal_sampler_is_listed_by_itself_as_in_the_pipelines():
    file = PUBLISHED / "mac2023__temporal_sampler.json"
    if not file.is_file():
        pytest.skip("the lists of published weights' names aren't here")
    found = [
        [name.removeprefix("temporal_sampler."), list(tensor.shape), "float32"]
        for name, tensor in checkpoint("epic-s1-t1-released").items()
        if name.startswith("temporal_sampler.")
    ]
    assert json.loads(file.read_text())["keys"] == found


def test_of_s_0_with_a_temporal_sampler_only_the_network_of_crops_is_left():
    given = checkpoint("ucf-s0-t1-released")
    used = {id(tensor) for tensor in imported("ucf-s0-t1-released", given).values()}
    left = {name for name, tensor in given.items() if id(tensor) not in used}
    assert left == {name for name in given if name.startswith("high_feat_model.")}


def test_files_without_batch_counts_or_with_a_wrapper_are_read():
    given = checkpoint("epic-base-released")
    ours = imported("epic-base-released", given)
    old = {name: tensor for name, tensor in given.items() if not name.endswith("num_batches_tracked")}
    assert set(imported("epic-base-released", old)) == set(ours)
    wrapped = {name.replace("light_model.", "light_model.module."): tensor for name, tensor in given.items()}
    assert set(imported("epic-base-released", wrapped)) == set(ours)


def test_a_network_that_their_tool_cut_out_is_read_as_imagenets():
    """rgb.model: the names with `module.`, and a classifier of zeros."""
    given = {name: one for name, one in checkpoint("imagenet-released").items() if not name.startswith("optimizer.")}
    assert set(imported("imagenet-released", given)) == set(built("imagenet-released").state_dict())


@pytest.mark.parametrize(
    ("variant", "networks"),
    [
        ("base", {"high_cnn", "high_spectrogram_cnn"}),
        ("base-low", {"low_cnn", "low_spectrogram_cnn"}),
        ("s0", {"low_cnn", "high_spectrogram_cnn"}),
        ("s1-local", {"low_cnn", "high_cnn", "high_spectrogram_cnn"}),
    ],
)
def test_phase_1_starts_from_imagenets_networks_and_what_needs_it_loads_them_first(variant, networks):
    run = Run("paper", "folder", "", "mac", variant, 0)
    first = weights_of(ROOT, run)[0]
    assert (first.run.variant, first.phase.name) == ("imagenet-released", "import")
    with torch.device("meta"):
        state = model.build(resolve(ROOT, run).typed, (Head("label", "single", ("a", "b")),)).state_dict()
    drops = drops_of(ROOT, run)[first.product]
    kept = [
        name for name in built("imagenet-released").state_dict() if not any(fnmatchcase(name, glob) for glob in drops)
    ]
    assert {name.partition(".")[0] for name in kept} == networks and set(kept) <= set(state)


@pytest.mark.parametrize(
    ("variant", "again", "first"),
    [
        ("epic-s1-released", "_pivot_mod_fn.bn_in.bias", "low_feat_model.rgb.bn_in.bias"),
        ("epic-s1-t1-released", "_pivot_mod_fn.bn_in.bias", "low_feat_model.rgb.bn_in.bias"),
        ("epic-hallucinator-released", "_pivot_mod.bn_in.bias", "feat_model.rgb.bn_in.bias"),
    ],
)
def test_a_second_listing_that_says_something_else_is_refused(variant, again, first):
    given = dict(checkpoint(variant))
    given[again] = given[again] + 1
    with pytest.raises(SaccadeError, match=re.escape(f"{again} must be the same tensor as {first}")):
        imported(variant, given)


@pytest.mark.parametrize(
    ("variant", "other", "message"),
    [
        ("epic-s0-released", "ucf-base-released", r"have one classifier, but the run has the heads verb, noun"),
        ("ucf-s0-released", "imagenet-released", r"import_released gives nothing for heads\.global\."),
        ("imagenet-released", "epic-s3-heads-released", r"import_released gives nothing for high_cnn\."),
        (
            "epic-s2-heads-released",
            "epic-s3-heads-released",
            r"weight_ih_l0 is \(3072, 8192\) there",
        ),
        ("epic-s1-t1-released", "epic-s1-released", r"import_released gives nothing for hallucinator\."),
        ("epic-s0-released", "epic-s0-t1-released", r"import_released gives hallucinator\..* doesn't cover"),
        ("epic-s1-t1-released", "epic-s1-t2-released", r"sampler\.score\.weight is \(3, 1024\) there but \(2,"),
        ("epic-s1-t1-released", "epic-s1-t1-concatenated-released", r"gives nothing for heads\.all\."),
    ],
)
def test_another_variants_file_is_refused(tmp_path, variant, other, message):
    torch.save(checkpoint(other), tmp_path / "other.model")
    with pytest.raises(SaccadeError, match=message):
        load(variant, built(variant), tmp_path / "other.model")


def test_a_file_of_another_san_is_refused(tmp_path):
    """SAN10 has fewer blocks."""
    given = {name: one for name, one in checkpoint("imagenet-released").items() if "layer3.5" not in name}
    torch.save(given, tmp_path / "san10.pth")
    with pytest.raises(SaccadeError, match=r"gives nothing for high_cnn\.layer3\.5\."):
        load("imagenet-released", built("imagenet-released"), tmp_path / "san10.pth")
