"""What `list` prints, and the command `saccade`."""

import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT, edit

from saccade.__main__ import main
from saccade.cards.config import load_config
from saccade.plan.overview import describe_one, describe_project
from saccade.project import names

CONFIG = {"budget": "demo", "runs": ["dots/toy/k2", "dots/toy/tuned"], "seeds": [0], "points": []}
GRIDS = """variants:
  "k{width}": {grid: {width: [1, 2, 3]}, title: "{width} wide"}
  "k{width}-s{batch_size}": {grid: {width: [1, 2], batch_size: [4, 8]}}
  tuned: {stand_in: random, of: [k1]}
  shared: {part: true}
"""


@pytest.fixture
def grids(project):
    card = project / "methods/toy/card.yml"
    text = card.read_text().replace("contract: [plain]", "contract: [k1]")
    card.write_text(text[: text.index("variants:")] + GRIDS + text[text.index("points:") :])
    return project


def lines_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_names_of_one_grid_are_told_as_one_but_for_what_is_selected(grids):
    told = lines_of(describe_project(grids, load_config(CONFIG)))
    assert "variants *k2, k{1,3}, k{1,2}-s{4,8}" in told
    assert "stand-ins *tuned" in told and "parts shared" in told
    assert "points frames{1,2}, truthful" in told


def test_a_grid_of_which_a_corner_is_selected_is_told_name_by_name(grids):
    told = lines_of(describe_project(grids, load_config(CONFIG | {"runs": ["dots/toy/k1-s8"]})))
    assert "variants k{1,2,3}, *k1-s8, k1-s4, k2-s4, k2-s8" in told


def test_a_method_in_full_says_what_each_variant_and_point_is(grids):
    told = lines_of(describe_one(grids, load_config(CONFIG), "toy"))
    for line in ("contract k1", "*k2 2 wide", "k1-s8", "*tuned random, for k1", "policy needs base; trains policy.*"):
        assert line in told, line


def test_a_dataset_in_full_says_what_it_lacks(grids):
    told = describe_one(grids, load_config(CONFIG), "dots")
    assert "single, 2 classes: a, b" in told and "*dots" in told and "dots@2" in told
    assert "lacks: data/dots/raw lacks videos.zip; Ask the authors for" in told


def test_a_selected_subset_stands_among_the_editions(grids):
    config = load_config(CONFIG | {"runs": ["dots@2-v8/toy/k2"]})
    assert "editions 2, *2-v8" in lines_of(describe_project(grids, config))
    told = lines_of(describe_one(grids, config, "dots"))
    assert "subsets c<N>, v<M> or c<N>v<M>, behind an edition of the card with a hyphen" in told
    assert [line.split()[0] for line in told if "dots" in line and "lacks" in line] == ["dots", "dots@2", "*dots@2-v8"]


def test_an_unreadable_dataset_is_told_and_the_others_too(grids):
    edit(grids / "data/dots/card.yml", "licence: none", "licens: none")
    (grids / "methods/broken").mkdir()
    (grids / "methods/broken/card.yml").write_text("method: [")
    told = describe_project(grids, load_config(CONFIG | {"runs": []}))
    assert "unknown key 'licens'" in told and "k{1,2,3}" in told and "not valid YAML" in told


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    config = load_config(ROOT / "config/demo.yaml")
    texts = [describe_project(ROOT, config, width)]
    texts += [describe_one(ROOT, config, name, width) for kind in ("methods", "data") for name in names(ROOT, kind)]
    for line in "\n".join(texts).splitlines():
        assert len(line) <= width or len(line.split()) <= 2, line  # a label and one long name


def test_the_shipped_project_is_told_on_four_screens():
    assert len(describe_project(ROOT, load_config(ROOT / "config/demo.yaml")).splitlines()) <= 200


def test_what_is_unknown_is_named(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    assert main(["list", "toi"]) == 1
    assert "unknown method or dataset 'toi'; did you mean 'toy'" in capsys.readouterr().err


def test_every_folder_of_a_checkout_will_do(project, monkeypatch, capsys):
    monkeypatch.chdir(project / "methods/toy")
    assert main(["list"]) == main(["plan", "--config", "config/demo.yaml"]) == 0
    assert "demo/dots/toy/wide/seed0" in capsys.readouterr().out


def entry_point(folder) -> subprocess.CompletedProcess[str]:
    """The command as an installation would start it, in this folder."""
    module, _, function = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][
        "saccade"
    ].partition(":")
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {module} import {function}; sys.exit({function}())"
    return subprocess.run([sys.executable, "-c", code, "list"], cwd=folder, capture_output=True, text=True)


def test_saccade_is_a_command():
    done = entry_point(ROOT / "methods/tsn")
    assert done.returncode == 0 and "METHODS" in done.stdout, done.stderr


def test_the_command_of_one_checkout_refuses_to_work_in_another(project):
    (project / "saccade").mkdir()
    (project / "saccade/__main__.py").touch()
    done = entry_point(project)
    assert done.returncode == 1 and "say python -m saccade" in done.stderr
    (project / "Snakefile").unlink()
    assert "run this inside a Saccade checkout" in entry_point(project).stderr
