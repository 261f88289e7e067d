"""`new method` and `new dataset`: what they make keeps the contract as it is, and a wrong name leaves nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, copy_project

from saccade.__main__ import main
from saccade.cards.method import load_method
from saccade.cards.plain_yaml import read_yaml

PARTS = ["Snakefile", "config", "workflow", "saccade", "tests", "pyproject.toml"]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A copy of the project with a new method and a new dataset, and no others but the one that is generated."""
    root = copy_project(tmp_path_factory.mktemp("new"), PARTS)
    shutil.copytree(
        ROOT / "data/motion-digits", root / "data/motion-digits", ignore=shutil.ignore_patterns("raw", "prepared")
    )
    (root / "methods").mkdir()
    for kind, name in (("method", "my-method"), ("dataset", "my.data")):
        done = run(root, "-m", "saccade", "new", kind, name)
        assert done.returncode == 0, done.stderr
        assert name in done.stdout and "pytest" in done.stdout and "NAME" not in done.stdout
    return root


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=root, capture_output=True, text=True)


def test_a_new_method_and_a_new_dataset_keep_their_contracts(made):
    """With the tests that the new method brings along."""
    files = [
        *(f"tests/test_contract{part}.py" for part in ("", "_phases", "_coverage")),
        "tests/test_dataset_contract.py",
        "methods/my-method/tests",
    ]
    done = run(made, "-m", "pytest", "-rp", "-p", "no:cacheprovider", *files, "-k", "my-method or my.data or my_method")
    assert done.returncode == 0, done.stdout[-6000:]
    passed = [line for line in done.stdout.splitlines() if line.startswith("PASSED")]
    for kept in ("[my-method-tiny-sure0.7]", "[my-method-tiny-train]", "every_form_of_decision_of_the_card[my-method]"):
        assert any(line.endswith(kept) for line in passed), kept
    assert any("[my.data]" in line for line in passed) and any("test_my_method.py" in line for line in passed)


def test_a_new_method_is_no_baseline_and_names_no_other_method(made):
    method = load_method(made, "my-method")
    assert not method.baseline and method.paper is None and method.title.startswith("my-method")
    assert not (method.file.parent / "paper").exists()
    assert {entry.stand_in for entry in method.points.values()} == {None, "fixed"}
    for file in [path for path in made.glob("methods/my-method/**/*.*") if path.suffix != ".pyc"]:
        assert "NAME" not in file.name and "NAME" not in file.read_text(), file


@pytest.mark.parametrize("kind", ["method", "dataset"])
def test_a_name_that_is_taken_or_none_leaves_everything_as_it_was(made, kind, monkeypatch, capsys):
    monkeypatch.chdir(made)
    before = sorted(made.rglob("*"))
    taken = {"method": "my-method", "dataset": "my.data"}[kind]
    for name, message in ((taken, "is there already; take another name"), ("Mine", "can't name a"), ("../x", "can't")):
        assert main(["new", kind, name]) == 1
        assert message in capsys.readouterr().err
    assert sorted(made.rglob("*")) == before


def test_an_interrupted_copy_leaves_nothing(made, monkeypatch):
    monkeypatch.chdir(made)
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["new", "method", "other"]) == 130
    assert sorted(path.name for path in (made / "methods").iterdir()) == ["my-method"]


def test_the_templates_are_what_the_linters_of_the_project_read():
    for file in (ROOT / "workflow/templates/new").rglob("*.py"):
        compile(file.read_text(), str(file), "exec")
    card = read_yaml(ROOT / "workflow/templates/new/method/card.yml")
    assert card["method"] == "NAME" and "baseline" not in card
