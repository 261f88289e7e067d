"""`try` at the point `online` decodes what the temporal sampler wants, and says what the whole clip says."""

import re
import shutil

import numpy as np
import pytest
import torch
from conftest import ROOT
from numbered import encode, tone
from small_models import NORMS
from torch import nn

from saccade.__main__ import main
from saccade.engine import weights
from saccade.plan import staleness
from saccade.plan.layers import heads_of, resolve
from saccade.plan.phases import phase_settings, weights_of
from saccade.plan.runs import Run
from saccade.project import load_module

RUN = "study/motion-digits@foveal/mac/tiny-s1-t4/seed0"
FRAMES, RATE_HZ = 48, 16000
FILES = {"keys.mp4": {"g": "1"}, "groups.mp4": {"g": "12", "bf": "0", "sc_threshold": "0"}}  # x264's options


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a run of (S_1, T_4) as if trained, and videos. Most random samplers would make the same decision
    always; this one's are 4, 0, 0, 0 on 8 frames of these videos."""
    root = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__", "raw", "prepared")
    for name in ("saccade", "methods/mac", "data/motion-digits"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    (root / "Snakefile").touch()
    run = Run.parse(root, RUN)
    torch.manual_seed(2)
    build, heads = load_module(root / "methods/mac/model.py").build, heads_of(root, run)
    model = build(resolve(root, run).typed, heads)
    for norm in model.modules():
        if isinstance(norm, NORMS):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
    with torch.no_grad():
        for weight in model.sampler.rnn.parameters():
            weight *= 4
        torch.manual_seed(29)
        nn.init.normal_(model.sampler.score.weight)
        nn.init.normal_(model.sampler.score.bias, std=3)
    for need in weights_of(root, run):
        facts = {
            "settings": phase_settings(root, need.run, need.phase),
            "code": staleness.train_code(root, "mac", need.phase.name),
            "trains": need.phase.trains,
            "result": {},
            "classes": {head.name: list(head.classes) for head in heads},
        }
        own = build(resolve(root, need.run, need.phase.name).typed, heads)  # with heads that later phases drop
        shared = own.state_dict().keys() & model.state_dict().keys()
        weights.put(own, {name: model.state_dict()[name] for name in shared})
        weights.save(root / need.product, own, need.phase.trains, facts)
    for name, options in FILES.items():
        sound = tone(FRAMES / 10, RATE_HZ) * np.linspace(0, 1, FRAMES * RATE_HZ // 10, dtype=np.float32)
        encode(root / name, FRAMES, options=options, size=(96, 96), sound=sound, rate_hz=RATE_HZ)
    return root


def said_at(point, videos, capsys):
    assert main(["try", RUN, *videos, "--point", point]) == 0
    return re.split(r"^\S+\.mp4\n", capsys.readouterr().out, flags=re.M)[1:]


def of_answer(text):
    """The classes and the cost, and how many frames were looked at and decoded."""
    lines = [line for line in text.splitlines() if " %  " in line or "cost  " in line]
    return lines, [int(number) for number in re.search(r"at (\d+) of 48 frames; (\d+) were", text).groups()]


def test_frames_that_are_skipped_are_not_decoded(project, capsys, monkeypatch):
    """Frames 3, 9, 33, 39 and 45 are wanted. Where all are key frames, they alone are decoded; of groups of 12 the
    second isn't, and the other three up to their tenth frames, 9, 33 and 45."""
    monkeypatch.chdir(project)
    whole, online = (said_at(point, FILES, capsys) for point in ("whole", "online"))
    for number, decoded in ((0, (8, 5)), (1, (4 * 10, 3 * 10))):
        (answer, (looked, all_decoded)), (own, found) = of_answer(whole[number]), of_answer(online[number])
        assert own == answer and len(own) > 2 and found[0] == looked == 5
        assert (all_decoded, found[1]) == decoded
        said = f"each when it was asked for: {looked} of the clip's 8, for which {all_decoded} would be"
        assert said in online[number] and "asked for" not in whole[number]
