"""`try` on a long video, with random weights: what its strip and its words tell of the gates."""

import shutil

import numpy as np
import pytest
import torch
from conftest import ROOT
from matplotlib.figure import Figure
from numbered import encode

from saccade.__main__ import main
from saccade.engine import weights
from saccade.plan import staleness
from saccade.plan.layers import heads_of, resolve
from saccade.plan.phases import phase_settings, weights_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.report import strips

RUN = "demo/recipe-digits/epitoma/tiny-i3d-e2e/seed0"
FRAMES, POOL = 320, 32  # the demo's grid, ten frames apart


def write_weights(root, name):
    """Random ones for all that the run is made of; gates that differ from each other."""
    run = Run.parse(root, name)
    module = load_module(root / "methods/epitoma/model.py")
    for need in weights_of(root, run):
        model = module.build(resolve(root, need.run).typed, heads_of(root, need.run))
        if hasattr(model.selector, "gate"):
            torch.manual_seed(0)
            for layer in (model.selector.gate[0], model.selector.gate[2]):
                torch.nn.init.normal_(layer.weight, std=4.0)
        facts = {"settings": phase_settings(root, need.run, need.phase), "trains": need.phase.trains, "result": {}}
        facts["code"] = staleness.train_code(root, "epitoma", need.phase.name)
        weights.save(root / need.product, model, need.phase.trains, facts)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    for name in ("saccade", "methods/epitoma", "data/recipe-digits"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "raw", "prepared"))
    (root / "Snakefile").touch()
    write_weights(root, RUN)
    encode(root / "long.mp4", frames=FRAMES, size=(96, 96))
    return root


@pytest.fixture
def tried(project, monkeypatch, capsys):
    """Tries the video at a point; gives what is printed and the strip."""
    monkeypatch.chdir(project)
    figures: list[Figure] = []
    draw = strips.draw
    monkeypatch.setattr(strips, "draw", lambda *given: figures.append(draw(*given)) or figures[-1])

    def at(point):
        assert main(["try", RUN, "long.mp4", "--point", point, "--out", "strips"]) == 0
        assert (project / f"strips/long-{point}.png").is_file()
        return capsys.readouterr().out, figures[-1]

    return at


def lines_of(figure, name):
    return [line for axes in figure.axes for line in axes.lines if line.get_gid() == name]


def test_the_strip_has_a_curve_of_gates_with_the_chosen_ones_highest(tried):
    said, figure = tried("wide4")
    (looked,), (chosen,), (level,) = (lines_of(figure, name) for name in ("looked at", "chosen", "open from here on"))
    seconds, gates = looked.get_data()
    assert len(gates) == POOL and set(level.get_ydata()) == {0.5}
    assert sorted(chosen.get_ydata()) == sorted(gates)[-4:]
    middles = np.arange(POOL) * 10 + 4
    np.testing.assert_allclose(seconds, (middles + 0.5) / 10, atol=1e-6)  # ten frames a second
    opened = int((gates >= 0.5).sum())
    assert f"gates   {opened} of {POOL} open; 4 timesteps chosen" in said


def test_what_the_heavynet_saw_is_framed_and_says_its_gate(tried):
    figure = tried("wide4")[1]
    gates = sorted(lines_of(figure, "chosen")[0].get_ydata())
    framed = [axes for axes in figure.axes if "gate" in axes.get_xlabel()]
    assert sorted(float(axes.get_xlabel().split("gate ")[1]) for axes in framed) == pytest.approx(gates, rel=0.06)
    assert all(spine.get_visible() for axes in framed for spine in axes.spines.values())


def test_without_a_selector_there_is_no_curve(tried):
    said, figure = tried("centre4")
    assert not lines_of(figure, "chosen") and "gates" not in said
