"""How the authors' code names what it saves, written down from its networks and not from our import of them.

SAN19 comes as its own authors save it for ImageNet. Mac et al.'s trainer saves a pipeline's state as it is: the
networks (without their classifier), and heads of a GRU or of plain layers, in which verb and noun, or action, have a
classifier each. The pipelines S_1 to S_3, those with a temporal sampler and that of the hallucinator list the network
whose attention is read twice. With a temporal sampler S_0 has a network of crops, too. One head that reads all has the
names of S_0's.
"""

from typing import Any

import torch
from published_files import state
from torch import Tensor, nn

# settings that no weight depends on, for a quick run: crops of 112, pictures of sound of 64 x 65
SMALL = {
    "num_frames": 2,
    "resize": 128,
    "crop": 112,
    "sample_rate_hz": 4000,
    "window_s": 0.5,
    "n_fft": 127,
    "win_length": 0,
    "hop_length": 31,
    "device": "cpu",
}
# of each layout one goes through the command line; the others differ in widths and in how many networks there are
TAKEN = [
    "imagenet-released",
    "epic-s1-released",
    "ucf-base-released",
    "ucf-s1-heads-released",
    "ucf-hallucinator-released",
    "epic-s0-t2-released",
    "ucf-s1-t1-concatenated-released",
]
# ours that are reckoned from theirs, by variant: the mean over three colours
COMPUTED = {"imagenet-released": ("*_spectrogram_cnn.conv_in.weight",)}
# by stage: (channels, blocks)
STAGES = ((64, 3), (256, 3), (512, 4), (1024, 6), (2048, 3))
FEATURES = 2048
MAPS = 32  # of attention, and of the hallucinator's memory
EPIC, UCF = {"verb": 125, "noun": 352}, 101


def classes(variant: str) -> int | dict[str, int]:
    """ImageNet's, EPIC-KITCHENS' by head, or UCF-101's."""
    return 1000 if variant.startswith("imagenet") else EPIC if variant.startswith("epic") else UCF


def layout(variant: str, classes: int | dict[str, int]) -> dict[str, Any]:
    if variant.startswith("imagenet"):
        return _imagenet(classes)
    spaces = classes if isinstance(classes, dict) else {"action": classes}
    data, kind, *more = variant.removesuffix("-released").split("-")
    sound = data == "epic"
    if kind == "base":
        return _networks("light_model.", sound) | _plain_head("actreg_model.", spaces, sound)
    if kind == "hallu":
        return _hallucinator("")
    if kind == "hallucinator":
        low = _networks("feat_model.", sound=False)
        return low | _again(low, "feat_model.rgb.", "_pivot_mod.") | _hallucinator("hallu_model.")
    regions = int(kind.removeprefix("s"))
    heads = _recurrent_heads(regions, spaces, sound, one="concatenated" in more)
    if more == ["heads"]:
        return heads
    named = {f"actreg_model.{name}": tensor for name, tensor in heads.items()}
    if not regions and not more:
        return _networks("feat_model.", sound) | named
    low = _networks("low_feat_model.", sound)
    networks = low | _again(low, "low_feat_model.rgb.", "_pivot_mod_fn.") | _networks("high_feat_model.", sound=False)
    if not more:
        return networks | named
    sampler = _sampler("temporal_sampler.", int(more[0].removeprefix("t")))
    return networks | sampler | _hallucinator("hallu_model.") | named


def _again(tensors: dict[str, Tensor], prefix: str, alias: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, under another beginning."""
    return {name.replace(prefix, alias): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _hallucinator(prefix: str) -> dict[str, Tensor]:
    found = state(f"{prefix}rnn.cell_list.0.conv.", nn.Conv2d(2 * MAPS, 4 * MAPS, 3))
    for coder in ("encoder", "decoder"):
        found |= state(f"{prefix}conv_{coder}.", nn.Conv2d(MAPS, MAPS, 3))
        found |= state(f"{prefix}bn_{coder}.", nn.BatchNorm2d(MAPS))
    return found


def _sampler(prefix: str, skips: int) -> dict[str, Tensor]:
    """It reads attention on 7 x 7 cells, what was expected of it, and how unlike they are."""
    score = state(f"{prefix}fc_out.", nn.Linear(1024, skips + 1))
    return score | state(f"{prefix}rnn.", nn.GRU(2 * MAPS * 7 * 7 + 1, 1024, 2))


def _imagenet(classes: int) -> dict[str, Any]:
    network = _san("module.", 3) | state("module.fc.", nn.Linear(FEATURES, classes))
    momenta = {number: {"momentum_buffer": torch.empty(64)} for number in range(2)}
    optimizer = {"state": momenta, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    scheduler = {"T_max": 100, "last_epoch": 99}
    return {
        "epoch": 99,
        "state_dict": network,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "top1_val": 0.769,
        "top5_val": 0.934,
    }


def _networks(prefix: str, sound: bool) -> dict[str, Tensor]:
    return _san(f"{prefix}rgb.", 3) | (_san(f"{prefix}spec.", 1) if sound else {})


def _san(prefix: str, colours: int) -> dict[str, Tensor]:
    """SAN19 in its pairwise form, without a classifier."""
    found = _convolution(f"{prefix}conv_in.", colours, 64, bias=False) | state(f"{prefix}bn_in.", nn.BatchNorm2d(64))
    given = 64
    for stage, (channels, blocks) in enumerate(STAGES):
        found |= _convolution(f"{prefix}conv{stage}.", given, channels, bias=False)
        found |= state(f"{prefix}bn{stage}.", nn.BatchNorm2d(channels))
        for block in range(blocks):
            found |= _block(f"{prefix}layer{stage}.{block}.", channels)
        given = channels
    return found


def _block(prefix: str, channels: int) -> dict[str, Tensor]:
    relations, values = channels // 16, channels // 4
    found = state(f"{prefix}bn1.", nn.BatchNorm2d(channels))
    for number, width in enumerate((relations, relations, values), 1):
        found |= _convolution(f"{prefix}sam.conv{number}.", channels, width)
    found |= state(f"{prefix}sam.conv_w.0.", nn.BatchNorm2d(relations + 2))
    found |= _convolution(f"{prefix}sam.conv_w.2.", relations + 2, relations, bias=False)
    found |= state(f"{prefix}sam.conv_w.3.", nn.BatchNorm2d(relations))
    found |= _convolution(f"{prefix}sam.conv_w.5.", relations, values // 8)
    found |= _convolution(f"{prefix}sam.conv_p.", 2, 2)
    return found | state(f"{prefix}bn2.", nn.BatchNorm2d(values)) | _convolution(f"{prefix}conv.", values, channels)


def _convolution(prefix: str, given: int, features: int, bias: bool = True) -> dict[str, Tensor]:
    return state(prefix, nn.Conv2d(given, features, 1, bias=bias))


def _plain_head(prefix: str, spaces: dict[str, int], sound: bool) -> dict[str, Tensor]:
    """Where features of several kinds meet there is a layer before the classifiers."""
    if not sound:
        return _classifiers(prefix, FEATURES, spaces)
    return state(f"{prefix}fc1.", nn.Linear(2 * FEATURES, 512)) | _classifiers(prefix, 512, spaces)


def _recurrent_heads(regions: int, spaces: dict[str, int], sound: bool, one: bool) -> dict[str, Tensor]:
    """One head of the whole frame and sound, or three with crops, or `one` that reads all."""
    seen, heard, crops = FEATURES, FEATURES * sound, regions * FEATURES
    if one or not regions:
        return _recurrent_head("", seen + heard + crops, spaces, sound)
    widths = {"global": seen + heard, "local": heard + crops, "both": seen + heard + crops}
    heads = (_recurrent_head(f"actreg_{name}.", width, spaces, sound) for name, width in widths.items())
    return {name: tensor for head in heads for name, tensor in head.items()}


def _recurrent_head(prefix: str, width: int, spaces: dict[str, int], sound: bool) -> dict[str, Tensor]:
    gru = nn.GRU(width, 1024, 2 if sound else 1, batch_first=True)
    return state(f"{prefix}rnn.", gru) | _classifiers(prefix, 1024, spaces)


def _classifiers(prefix: str, width: int, spaces: dict[str, int]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for space, classes in spaces.items():
        found |= state(f"{prefix}fc_{space}.", nn.Linear(width, classes))
    return found
