"""The authors' checkpoints under our names: SAN19 as its own authors published it for ImageNet, and what Mac et al.'s
code writes (no such file was published).

Their trainer saves pipelines whole: the networks with phase 1's head (`light_model`, our SAN19-base), S_0 and what the
hallucinator learns from (`feat_model`), S_1 to S_3 and all with a temporal sampler (`low_feat_model`,
`high_feat_model`); their tools save heads, networks and the hallucinator by themselves. A network's own names are
SAN's, here too. Of sound only the network that was trained beside full resolution is used.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from saccade.engine.released import only_head, unwrapped, with_batch_counts
from saccade.records import Head, SaccadeError

from ..networks.mac import networks
from ..settings import Settings

Tensors = dict[str, Tensor]

ONE_CLASSIFIER = "action"  # what a pipeline with one label space calls it
ALONE = r"(?:state_dict\.)?(?P<layer>(?:conv|bn|layer)(?:_in|\d)\..+)"  # a network by itself, in its authors' files
SCALES = ("high", "low")  # whose networks phase 1's head answers for
# {their name: ours}
PIPELINES = {
    r"light_model\.rgb\.(?P<layer>.+)": "{scale}_cnn.{layer}",
    r"light_model\.spec\.(?P<layer>.+)": "{scale}_spectrogram_cnn.{layer}",
    r"(?:low_)?feat_model\.rgb\.(?P<layer>.+)": "low_cnn.{layer}",
    r"(?:low_)?feat_model\.spec\.(?P<layer>.+)": "high_spectrogram_cnn.{layer}",
    r"high_feat_model\.rgb\.(?P<layer>.+)": "high_cnn.{layer}",
    r"actreg_model\.fc1\.(?P<layer>.+)": "{scale}_head.fc1.0.{layer}",
    # the hallucinator, which may be by itself in a file of its own; its gates come in the order of ours
    r"(?:hallu_model\.)?conv_(?P<coder>encoder|decoder)\.(?P<layer>.+)": "hallucinator.{coder}.0.{layer}",
    r"(?:hallu_model\.)?bn_(?P<coder>encoder|decoder)\.(?P<layer>.+)": "hallucinator.{coder}.1.{layer}",
    r"(?:hallu_model\.)?rnn\.cell_list\.0\.conv\.(?P<layer>.+)": "hallucinator.gates.{layer}",
    r"temporal_sampler\.rnn\.(?P<layer>.+)": "sampler.rnn.{layer}",
    r"temporal_sampler\.fc_out\.(?P<layer>.+)": "sampler.score.{layer}",
}
HEAD = r"(?:actreg_model\.)?(?:actreg_(?P<which>global|local|both)\.)?"  # or by itself, in a file of its own
GRU = re.compile(HEAD + r"(?P<layer>rnn\..+)")
CLASSIFIER = re.compile(HEAD + r"fc_(?P<space>verb|noun|action)\.(?P<layer>.+)")
OURS = {"global": "global", "local": "local", "both": "all"}
# second listings of the network whose attention is read, the same tensors: {its names there: its own}
ALIASES = {"_pivot_mod_fn.": "low_feat_model.rgb.", "_pivot_mod.": "feat_model.rgb."}


def import_released(settings: Settings, heads: Sequence[Head], published: Tensors) -> Tensors:
    """{our name: tensor} of a pipeline, of a network alone (for every network of the settings), or of heads alone."""
    _drop_alias(published)
    renamed: Tensors = {}
    for theirs, tensor in list(published.items()):
        name = unwrapped(theirs)
        if found := re.fullmatch(ALONE, name):
            renamed |= _of_all_networks(settings, found["layer"], published, theirs)
        elif (ours := _renamed(name, settings, heads)) is not None:
            renamed[ours] = tensor
    return with_batch_counts(renamed)


def _drop_alias(published: Tensors) -> None:
    """Takes the second listing out. SaccadeError where it lists something else than the first."""
    for name in list(published):
        alias = next((alias for alias in ALIASES if unwrapped(name).startswith(alias)), None)
        if alias is None:
            continue
        first, again = name.replace(alias, ALIASES[alias]), published.pop(name)
        if first not in published or not torch.equal(published[first], again):
            raise SaccadeError(
                f"{name} must be the same tensor as {first}, the network whose attention is read, and isn't; get the "
                "file as the authors' trainer writes it"
            )


def _renamed(name: str, settings: Settings, heads: Sequence[Head]) -> str | None:
    """Our name; None where we have no such tensor: S_0's pipelines with a temporal sampler have a network of crops,
    too, which nothing reads."""
    for pattern, template in PIPELINES.items():
        if found := re.fullmatch(pattern, name):
            ours = template.format(scale=settings.fusion, **found.groupdict())
            return None if ours.startswith("high_cnn.") and "high_cnn" not in dict(networks(settings)) else ours
    if found := GRU.fullmatch(name):
        return f"{_head(settings, found['which'])}.{found['layer']}"
    if found := CLASSIFIER.fullmatch(name):
        space = only_head(heads) if found["space"] == ONE_CLASSIFIER else found["space"]
        return f"{_head(settings, found['which'])}.classifiers.{space}.{found['layer']}"
    return None


def _head(settings: Settings, which: str | None) -> str:
    """Our name of the head that they call so, or that is a pipeline's only one."""
    if settings.fusion in SCALES:
        return f"{settings.fusion}_head"
    return f"heads.{OURS[which] if which else settings.fusion}"


def _of_all_networks(settings: Settings, layer: str, published: Tensors, theirs: str) -> Tensors:
    """The tensor for each network of the settings; the first convolution of one with a single channel has the mean over
    the colours (official code)."""
    found = {}
    for network, channels in networks(settings):
        tensor = published[theirs]
        if layer == "conv_in.weight" and channels == 1 and tensor.shape[1] == 3:
            tensor = tensor.mean(1, keepdim=True)
        found[f"{network}.{layer}"] = tensor
    return found
