"""The house plan, held by tests: imports point downwards, and the steps run where the workflow's own tools are
absent."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

# Room -> the rooms that it may import, beside itself. `cost.printed` names one module of a room whose others it must
# leave alone.
GROUND = (
    "records",
    "class_lists",
    "subsets",
    "reencoding",
    "editions",
    "settings",
    "temporary",
    "files",
    "processes",
    "product_names",
    "products",
    "project",
    "statements",
    "code_hash",
    "unforeseen",
)
ROOMS = {
    "cards": ["ground"],
    "plan": ["ground", "cards"],
    "acquire": ["ground", "cards"],
    "video": ["ground"],
    "nn": ["ground"],
    "scenes": ["ground"],
    "cost": ["ground", "nn"],
    "engine": ["ground", "video", "nn", "cost", "cards.address"],
    "timing": ["ground", "video", "nn", "cost", "engine"],
    "scoring": ["ground", "video.sampling"],
    "results": ["ground", "cards", "plan", "scoring", "video.decode"],
    "judging": ["ground", "cards", "plan", "scoring", "results", "cost.printed"],
    "report": ["ground", "cards", "plan", "scoring", "results", "judging", "cost.printed"],
    "doctor": ["ground", "cards", "plan", "acquire", "judging", "cost.printed", "report.pdf", "timing.runtimes"],
}
LOWER = ["ground", *ROOMS]
ROOMS = {"ground": [], **ROOMS, "steps": LOWER, "verbs": [*LOWER, "steps"], "__main__": ["ground", "verbs"]}
WITHOUT_TORCH = ["ground", "cards", "plan", "acquire", "scoring", "results", "judging", "report", "doctor"]


def imported(file: Path) -> set[str]:
    """Every module below `saccade` that the file imports, by what the import binds (`from saccade.cost import count` is
    `cost.count`), those for type checkers aside."""
    tree = ast.parse(file.read_text())
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").partition(".")[0] == "saccade":
            found |= {module_of(f"{node.module}.{alias.name}") for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {module_of(alias.name) for alias in node.names if alias.name.partition(".")[0] == "saccade"}
    return found


def module_of(dotted: str) -> str:
    """`cost.count` for saccade.cost.count and for a name in it; a name that is no module of the project fails."""
    parts = dotted.split(".")
    while len(parts) > 1:
        if ROOT.joinpath(*parts).with_suffix(".py").is_file():
            return ".".join(parts[1:])
        parts.pop()
    raise AssertionError(f"{dotted} is no module of saccade")


def room_of(module: str) -> str:
    return "ground" if module in GROUND else module.partition(".")[0]


MODULES = {
    ".".join(file.relative_to(ROOT / "saccade").with_suffix("").parts): file
    for file in sorted((ROOT / "saccade").rglob("*.py"))
    if file.name != "__init__.py"
}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module):
    own = room_of(module)
    assert own in ROOMS, f"{module} is in none of the rooms: {', '.join(ROOMS)}"
    for other in imported(MODULES[module]):
        allowed = room_of(other) == own or room_of(other) in ROOMS[own] or other in ROOMS[own]
        assert allowed, f"{module} imports {other}; {own} may import {', '.join(ROOMS[own]) or 'nothing'}"
        assert own != "steps" or room_of(other) != "steps", f"{module} is a step and imports the step {other}"


def test_no_module_needs_itself():
    """Modules of one room may import each other, but not in a circle."""
    waiting, graph = dict(MODULES), {name: imported(file) for name, file in MODULES.items()}
    while waiting:
        free = [name for name in waiting if not graph[name] & set(waiting)]
        assert free, f"these modules import each other in a circle: {', '.join(waiting)}"
        for name in free:
            del waiting[name]


@pytest.mark.parametrize(
    "file", sorted((ROOT / "methods").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT / "methods"))
)
def test_methods_import_no_step_and_no_other_method(file):
    if file.parent.name == "tests":
        return
    for other in imported(file):
        assert room_of(other) not in ("steps", "verbs", "__main__"), f"{file} imports {other}"
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            depth = len(file.relative_to(ROOT / "methods").parts) - 1
            assert node.level <= depth, f"{file} reaches out of its method's folder"
        elif isinstance(node, ast.ImportFrom | ast.Import):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not [name for name in named if name.partition(".")[0] in ("methods", "data")], (
                f"{file} imports {named}: a block that two methods need moves down to saccade/nn/"
            )


def test_no_code_takes_what_a_card_says_of_heads_for_the_heads():
    """`settings.heads` is empty where a run learns all heads of its dataset; a method is given those that it learns."""
    for file in [*(ROOT / "saccade").rglob("*.py"), *(ROOT / "methods").rglob("*.py")]:
        read = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)]
        wrong = [node for node in read if node.attr == "heads" and "settings" in ast.unparse(node.value)]
        assert not wrong, f"{file}:{wrong[0].lineno} reads {ast.unparse(wrong[0])}"


def test_heads_are_asked_of_an_edition():
    """An edition may have other classes than its dataset, and a subset fewer."""
    for file in [*(ROOT / "saccade").rglob("*.py"), *(ROOT / "data").rglob("*.py"), *(ROOT / "methods").rglob("*.py")]:
        if file != ROOT / "saccade/cards/dataset.py":
            assert "heads_by_edition" not in file.read_text(), f"{file}: ask Dataset.heads_in(edition)"


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_contributing_names_every_room():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for room in [*LOWER[1:], "steps"]:
        assert f"`saccade/{room}/`" in text, room


def test_the_rooms_without_torch_load_without_it():
    modules = [f"saccade.{module}" for module in MODULES if room_of(module) in WITHOUT_TORCH]
    modules += ["saccade.steps.prepare", "saccade.steps.score"]  # torch is most of a job's start
    done = python(
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'torchvision'): raise ImportError(name)\n"
        f"sys.meta_path.insert(0, NoTorch)\nimport {', '.join(modules)}"
    )
    assert done.returncode == 0, done.stderr


def test_the_steps_load_without_the_workflows_tools():
    """GPU machines may lack them. Nor do jobs load torchvision, which takes as long as torch, for a method that has
    none of its networks."""
    steps = [
        f"saccade.{module}"
        for module in MODULES
        if room_of(module) in ("steps", "verbs", "__main__") and module != "steps.report"
    ]
    blocked = "'snakemake', 'papermill', 'ptflops', 'jsonschema'"
    jobs = "import saccade.steps.train, saccade.steps.predict\nassert 'torchvision' not in sys.modules"
    done = python(f"import sys\nfor name in ({blocked}): sys.modules[name] = None\n{jobs}\nimport {', '.join(steps)}")
    assert done.returncode == 0, done.stderr


def test_nothing_is_unpickled():
    """torch.load only with weights_only, and no unpickler: a weights file must not be able to run code."""
    for file in [*sorted((ROOT / "saccade").rglob("*.py")), *sorted((ROOT / "methods").rglob("*.py"))]:
        text = file.read_text()
        assert not re.search(r"pickle\.(load|loads|Unpickler)\b|from pickle", text), file
        for node in ast.walk(ast.parse(text)):  # calls: a sentence may tell the user what to type
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("torch.load"):
                assert "weights_only=True" in map(ast.unparse, node.keywords), f"{file}:{node.lineno}"
        assert not re.search(
            r"from torch import .*\bload\b|import torch\.serialization|from torch.serialization", text
        ), file


def test_constraints_are_exact_and_name_no_address():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;]+( ; .+)?", line) for line in lines)


def test_every_dependency_is_constrained():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [name for group in project["optional-dependencies"].values() for name in group]
    pinned = {
        re.split(r"==", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert {re.split(r"[<>=]", name)[0].lower().replace("_", "-") for name in wanted} <= pinned


def test_environment_yml_installs_the_same_versions():
    import yaml

    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert "--constraint constraints.txt" in pip and any(line.startswith("--editable .") for line in pip)


def test_no_name_of_a_results_file_is_spelled_in_two_rooms():
    """They stand in records.py; prose may name them."""
    from saccade import records

    names = [value for name, value in vars(records).items() if name.endswith("_FILE")] + [records.LOG_ENDS]
    for module, file in MODULES.items():
        tree = ast.parse(file.read_text())
        spelled = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in names}
        assert not spelled or module == "records", f"{module} spells {spelled}; take it from saccade/records.py"


def test_no_module_is_named_as_one_that_python_brings_or_a_library():
    """`python -m saccade` from within a room would take it for the other: it looks into the folder where it stands
    first."""
    taken = sys.stdlib_module_names | set(importlib.metadata.packages_distributions())
    taken -= {"saccade", "data", "methods", "tests", "config", "workflow"}
    wrong = [name for name, file in MODULES.items() if room_of(name) != "ground" and file.stem in taken]
    assert not wrong, f"another name for {', '.join(wrong)}"
