"""The house plan, held by tests: imports point downwards, and the steps run where the workflow's own tools are absent."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT

FLOORS = {
    0: [
        "against",
        "cards",
        "closure",
        "datasets",
        "grid",
        "paper",
        "plan",
        "project",
        "describe",
        "records",
        "rerun",
        "settings",
        "stand_ins",
        "strict",
    ],
    3: ["prepare", "train", "predict", "attempt", "measure", "score", "report"],
    4: ["__main__"],
}
FLOOR = {name: floor for floor, modules in FLOORS.items() for name in modules}


def imported(file):
    """The first part below `saccade` of every module that the file imports, those for type checkers aside."""
    tree = ast.parse(file.read_text())
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("saccade"):
            parts = node.module.split(".")[1:]
            yield from [parts[0]] if parts else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("saccade.")]


@pytest.mark.parametrize("file", sorted((ROOT / "saccade").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_downwards(file):
    own = FLOOR.get(file.relative_to(ROOT / "saccade").parts[0].removesuffix(".py"), 1)
    for name in imported(file):
        assert FLOOR.get(name, 1) <= own, f"{file.name} (floor {own}) imports {name} (floor {FLOOR.get(name, 1)})"
        assert own != 3 or FLOOR.get(name, 1) != 3, f"{file.name} is a step and imports the step {name}"


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_contributing_names_the_modules_of_the_steps_and_of_floor_0():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    listed = [set(names.split(",")) for names in re.findall(r"`saccade/\{([a-z_,]+)\}\.py`", text)]
    assert listed == [set(FLOORS[3]), set(FLOORS[0])]


def test_the_plan_imports_no_torch():
    done = python("import sys, saccade.plan, saccade.describe; sys.exit('torch' in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_the_steps_import_without_the_workflows_tools():
    done = python(
        "import sys\n"
        "for name in ('snakemake', 'papermill', 'ptflops', 'jsonschema'): sys.modules[name] = None\n"
        "import saccade.prepare, saccade.train, saccade.predict, saccade.attempt, saccade.measure, saccade.score, saccade.__main__"
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_unpickled():
    """torch.load only with weights_only, and no unpickler: a weights file must not be able to run code."""
    for file in [*sorted((ROOT / "saccade").rglob("*.py")), *sorted((ROOT / "methods").rglob("*.py"))]:
        text = file.read_text()
        assert not re.search(r"pickle\.(load|loads|Unpickler)\b|from pickle", text), file
        for call in re.findall(r"torch\.load\([^)]*\)", text):
            assert "weights_only=True" in call, f"{file}: {call}"


def test_constraints_are_exact_and_name_no_address():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;]+( ; .+)?", line) for line in lines)


def test_every_dependency_is_constrained():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [name for group in project["optional-dependencies"].values() for name in group]
    pinned = {re.split(r"==", line)[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert {re.split(r"[<>=]", name)[0].lower().replace("_", "-") for name in wanted} <= pinned


def test_environment_yml_installs_the_same_versions():
    import yaml

    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert "--constraint constraints.txt" in pip and any(line.startswith("--editable .") for line in pip)


def test_the_readme_links_to_what_exists_and_has_no_blanks():
    for page in ("README.md", "CONTRIBUTING.md", "methods/tsn/README.md", "methods/tsm/README.md", "data/folder/README.md"):
        text = (ROOT / page).read_text()
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page}: {link}"
        assert not re.search(r"[A-Z]+_(MINUTES|DEMO)", text), page
