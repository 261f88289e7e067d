"""What re-runs the notebooks: whatever a section reaches, and nothing else of the report."""

import inspect
import json
import re
import shutil

import pytest
from conftest import ROOT, edit

from saccade.plan import staleness
from saccade.report import sections


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "saccade", tmp_path / "saccade", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def code(project):
    staleness.notebook_code.cache_clear()
    return staleness.notebook_code(project)


@pytest.mark.parametrize(
    "name",
    [
        *("report/sections.py:_tradeoff", "report/notebook.py:run_notebook", "report/tradeoff.py:_nearest"),
        *("report/cells.py:percent", "report/latex.py:table_to_latex", "report/figures.py:save_figure"),
        *("report/claims_table.py:count_verdicts", "results/judged.py:read_claims", "results/runs.py:summarise"),
        *("judging/stand_ins.py:read_hits", "scoring/intervals.py:mean_draws", "results/found.py:Found"),
    ],
)
def test_what_a_section_reaches_re_runs_the_notebooks(project, name):
    assert changed_by_a_statement_in(project, name)


@pytest.mark.parametrize(
    "name",
    [
        *("report/pages.py:inline_svg", "report/method_page.py:page_values", "report/provenance.py:environment"),
        *("report/index_page.py:page_values", "report/strips.py:draw", "steps/report.py:write_page"),
        *("judging/claims.py:judge_paper", "report/claims_table.py:summaries", "steps/score.py:score"),
    ],
)
def test_what_no_section_reaches_does_not(project, name):
    assert not changed_by_a_statement_in(project, name)


def changed_by_a_statement_in(project, name):
    """Whether the notebooks run again when the function (or class) gets another statement."""
    place, _, function = name.partition(":")
    path = project / "saccade" / place
    before = code(project)
    keyword = "class" if function[0].isupper() else "def"
    definition = re.search(rf"^{keyword} {function}\b", path.read_text(), re.M)
    assert definition, f"{place} has no {function}"
    head = path.read_text()[definition.start() :]
    first = re.search(r":\n( +)\"\"\"", head)
    edit(path, head[: first.end()], f'{head[: first.end()]}Words."""\n{first[1]}ANOTHER = 1\n{first[1]}"""')
    return code(project) != before


def test_a_comment_re_runs_nothing(project):
    before = code(project)
    edit(project / "saccade/report/sections.py", "def accuracy(", "# A comment.\ndef accuracy(")
    assert code(project) == before


def test_the_notebook_calls_every_section_once_and_nothing_else():
    cells = json.loads((ROOT / "workflow/notebooks/method.ipynb").read_text())["cells"]
    code_cells = {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}
    called = [text for name, text in code_cells.items() if name not in ("parameters", "setup")]
    own = [name for name, each in inspect.getmembers(sections, inspect.isfunction) if takes_inputs(each)]
    assert sorted(called) == sorted(f"display(*sections.{name}(inputs))" for name in own)


def takes_inputs(function):
    public = function.__module__ == sections.__name__ and not function.__name__.startswith("_")
    return public and list(inspect.signature(function).parameters) == ["inputs"]
