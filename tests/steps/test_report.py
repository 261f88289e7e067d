import json
import os
import re
import tempfile
from pathlib import Path

import fake_latency
import fake_results
import pandas as pd
import pytest
from fake_results import write_project
from html_tags import Tags
from seals import seal

from saccade.records import SaccadeError
from saccade.report import accuracy_tables, availability_tables, figures, pdf, sections, tradeoff
from saccade.report.captions import about
from saccade.report.notebook import NOTEBOOK
from saccade.report.tidy import save_table
from saccade.results import frontier
from saccade.results.frontier import seed_points, tradeoff_points
from saccade.results.runs import collect_metrics, collect_planned
from saccade.steps import report

PROJECT = Path(__file__).parents[2]


def save_parts(root, grid):
    """What the notebook saves, without the notebook: one table and one figure."""
    metrics = collect_metrics(grid, root)
    folder = root / "results" / grid["budget"]
    headline = accuracy_tables.headline(grid, metrics, root, "tsn", "motion-digits")
    save_table(headline, folder / "tables/tsn", "headline--motion-digits", about(grid, "headline", "motion-digits"))
    not_run = availability_tables.not_run(collect_planned(grid, root))
    save_table(not_run, folder / "tables/tsn", "not_run", about(grid, "not_run"))
    points = tradeoff_points(grid, metrics, "tsn", "motion-digits", "noun")
    front = frontier.static_frontier(grid, metrics, "motion-digits", "noun")
    figure = tradeoff.draw_tradeoff(
        points, seed_points(grid, metrics, "tsn", "motion-digits", "noun"), "noun top-1", front
    )
    figures.save_figure(
        figure,
        folder / "figures/tsn",
        "tradeoff--x",
        about(grid, "tradeoff", "motion-digits", "noun", alt='says "<all>"'),
    )
    seal(root)


@pytest.fixture(autouse=True)
def no_latex(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)


@pytest.fixture
def grid():
    return fake_results.make_grid(seeds=1)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose parts but the notebook have been written; tests only read it."""
    root, grid = tmp_path_factory.mktemp("project"), fake_results.make_grid(seeds=2)
    path = write_project(root, grid)
    save_parts(root, grid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf.shutil, "which", lambda name: None)
        for part in ("collect", "page", "index"):
            report.report(root, path, part)
    return root


@pytest.fixture
def page(project):
    return (project / "reports/demo/tsn.html").read_text()


def test_collect_writes_both_tables_and_twice_the_same(tmp_path, grid):
    path = write_project(tmp_path, grid)
    report.report(tmp_path, path, "collect")
    first = [(tmp_path / f"results/demo/{name}.csv").read_bytes() for name in ("metrics", "planned")]
    report.report(tmp_path, path, "collect")
    assert first == [(tmp_path / f"results/demo/{name}.csv").read_bytes() for name in ("metrics", "planned")]
    assert set(pd.read_csv(tmp_path / "results/demo/planned.csv").status) == {"run", "not run"}


def test_page_opens_with_the_budget_then_with_what_was_not_run(page):
    order = [
        page.index(text) for text in ("nothing here is judged", "What was not run", "UCF101.rar", "Motion digits</h2>")
    ]
    assert order == sorted(order)


def test_page_needs_nothing_from_elsewhere(page):
    for tag, attributes in Tags(page).seen:
        for name in ("src", "href", "xlink:href", "action", "srcset", "data"):
            assert not re.match(r"\s*(https?:)?//", attributes.get(name) or ""), (tag, attributes)
        assert tag not in ("script", "iframe", "link", "img")
    assert not re.search(r"@import|url\((?!#)", page)


def test_page_is_well_formed_and_its_ids_are_unique(page):
    tags = Tags(page)
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.seen if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["tsn", "index"])
def test_links_between_files_lead_somewhere(project, name):
    made_elsewhere = {"notebooks/tsn.ipynb"}
    for _, attributes in Tags((project / f"reports/demo/{name}.html").read_text()).seen:
        target = attributes.get("href", "#")
        assert target.startswith("#") or target in made_elsewhere or (project / "reports/demo" / target).exists(), (
            target
        )


def test_the_index_draws_every_head_of_a_dataset_with_a_derived_one(tmp_path, grid):
    path = write_project(tmp_path, grid)
    metrics = collect_metrics(grid, tmp_path)
    for head in ("noun", "verb", "action"):
        points = tradeoff_points(grid, metrics, "tsn", "motion-digits", head)
        figure = tradeoff.draw_tradeoff(
            points, seed_points(grid, metrics, "tsn", "motion-digits", head), head, points[:0]
        )
        saying = about(grid, "tradeoff", "motion-digits", head, alt=f"drawn: {head}")
        figures.save_figure(figure, tmp_path / "results/demo/figures/tsn", f"tradeoff--motion-digits--{head}", saying)
    seal(tmp_path)
    report.report(tmp_path, path, "index")
    drawings = [
        attributes["aria-label"]
        for tag, attributes in Tags((tmp_path / "reports/demo/index.html").read_text()).seen
        if tag == "svg"
    ]
    assert sorted(drawings) == ["drawn: action", "drawn: noun", "drawn: verb"]


def test_the_page_names_classes_that_are_untrained_untested_or_rare(page, project):
    said = page[page.index("Motion digits</h2>") :]
    for note in (
        "noun, no video to train on: unseen",
        "noun, no video to test on: none &amp; no one",
        "noun, fewer than 5 videos to test on: few",
        "noun, none of the videos for val can be used: lost",
        "videos of which copies are there, byte for byte: 2",
    ):
        assert f"<li>{note}</li>" in said
    assert r"no video to test on: none \& no one; noun, fewer" in (project / "reports/demo/tsn.tex").read_text()


def test_names_are_escaped_in_html(page):
    assert "100 % of T &amp; &lt;nothing&gt; else_" in page
    assert "no frame could be decoded &amp; it is &lt;empty&gt;" in page
    assert "motion-digits: 7 stored turned or mirrored (read upright): v1, v2, v3, v4, v5 and 2 more." in page
    assert "<nothing>" not in page
    assert "<empty>" not in page


def test_names_are_escaped_in_latex(project):
    text = (project / "reports/demo/tsn.tex").read_text()
    assert r"100 \% of T \& \textless{}nothing\textgreater{} else\_" in text
    assert r"could be decoded \& it is \textless{}empty\textgreater{}" in text
    assert "7 stored turned or mirrored (read upright): v1, v2, v3, v4, v5 and 2 more." in text


def test_figures_are_inlined_with_words_and_follow_the_pages_colours(page):
    drawings = [attributes for tag, attributes in Tags(page).seen if tag == "svg"]
    assert [drawing["aria-label"] for drawing in drawings] == ['says "<all>"']
    assert figures.ACCENT not in page.split("</style>", 1)[1]


def test_tables_have_headers_for_rows_and_columns(page):
    scopes = [attributes.get("scope") for tag, attributes in Tags(page).seen if tag == "th"]
    assert set(scopes) == {"row", "col"}


def test_page_shows_code_versions_and_settings(page):
    for text in ("c0dec0dec0de", "feedfeedfeed", "Invented x86", "9.9", "&#34;lr&#34;:0.1"):
        assert text in page


def test_page_says_that_latex_is_not_installed(page):
    assert "pdflatex is not installed here" in page


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo 'This is pdfTeX'; echo './tsn.tex:7: Undefined control sequence.'; exit 1",
            "tsn.tex: ./tsn.tex:7: Undefined control sequence.",
        ),
        (
            'echo "kpathsea: can\'t find the format file" >&2; exit 1',
            "tsn.tex: kpathsea: can&#39;t find the format file",
        ),
        ("exit 3", "tsn.tex: exit status 3, without a word"),
    ],
)
def test_a_latex_that_fails_costs_the_pdf_and_not_the_page(tmp_path, grid, monkeypatch, capsys, script, why):
    fake = tmp_path / "bin/pdflatex"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(pdf.shutil, "which", lambda name: str(fake))
    report.report(tmp_path, write_project(tmp_path, grid), "page")
    page = (tmp_path / "reports/demo/tsn.html").read_text()
    assert (
        "No PDF was made: pdflatex failed on" in page and f"{why}; the .tex is kept." in page and "tsn.pdf" not in page
    )
    assert (tmp_path / "reports/demo/tsn.tex").is_file()
    assert "saccade: warning: no PDF was made: pdflatex failed on" in capsys.readouterr().err


def test_page_and_index_render_when_nothing_was_run(tmp_path, grid):
    path = write_project(tmp_path, grid, runs=False)
    for part in ("collect", "page", "index"):
        report.report(tmp_path, path, part)
    page = (tmp_path / "reports/demo/tsn.html").read_text()
    assert "8 of 8 planned cells" in page
    assert "No result on this dataset yet" in page
    assert "no &lt;data&gt; &amp; no time_" in (tmp_path / "reports/demo/index.html").read_text()


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (
            fake_latency.an_entry(),
            "Only eager was timed on cpu: `python -m saccade measure demo/motion-digits/tsn/tiny",
        ),
        (
            fake_latency.before_runtimes(),
            "Not timed: times of an earlier version of Saccade can&#39;t be read; `python",
        ),
    ],
)
def test_the_page_says_how_to_time_what_was_not_timed(tmp_path, grid, entry, says):
    path = write_project(tmp_path, fake_latency.expect(grid))
    fake_results.write(tmp_path / "results" / fake_latency.RUN / "latency.json", {"points": {"uniform4": entry}})
    save_parts(tmp_path, grid)
    sections.timing(sections.read_inputs(tmp_path, "demo", "tsn"))
    seal(tmp_path)
    report.report(tmp_path, path, "page")
    assert f">{says}" in (tmp_path / "reports/demo/tsn.html").read_text()


def test_where_nothing_was_timed_the_page_says_nothing_of_it(page):
    assert "By the clock" not in page


@pytest.mark.parametrize(
    ("budget", "says"), [("study", "Mechanism, embedded data"), ("paper", "Real data"), ("mine", "Chosen by its user")]
)
def test_other_budgets_have_their_own_banner(tmp_path, budget, says):
    path = write_project(tmp_path, fake_results.make_grid(seeds=1, budget=budget), runs=False)
    report.report(tmp_path, path, "page")
    assert says in (tmp_path / f"reports/{budget}/tsn.html").read_text()


def test_a_missed_gate_leads(tmp_path):
    grid = fake_results.make_grid()
    grid["runs"][0]["gates"] = {grid["runs"][0]["weights"][0]: {"metric": "val.noun.top1", "at_least": 0.3}}
    path = write_project(tmp_path, grid)
    report.report(tmp_path, path, "page")
    assert "reached val.noun.top1 = 0.1; its gate asks for 0.3" in (tmp_path / "reports/demo/tsn.html").read_text()


def test_an_unknown_method_is_refused(tmp_path, grid):
    path = write_project(tmp_path, grid)
    with pytest.raises(SaccadeError, match="no method 'tns'; it has tsn"):
        report.report(tmp_path, path, "page", "tns")


@pytest.mark.slow
def test_the_notebook_saves_every_table_and_figure_and_the_page_shows_them(tmp_path, grid):
    tmp_path = tmp_path / "in {braces}"  # papermill formats paths
    path = write_project(tmp_path, fake_latency.expect(grid))
    runtimes = {"eager": fake_latency.a_runtime(8, 16), "openvino": fake_latency.a_runtime(4, 6, "openvino")}
    points = {"uniform4": fake_latency.an_entry(runtimes, {"bf16": "bf16 runs on a GPU & nothing else"})}
    fake_results.write(tmp_path / "results" / fake_latency.RUN / "latency.json", {"points": points})
    stale = tmp_path / "results/demo/tables/tsn/old.json"
    fake_results.write(stale, {})
    report.report(tmp_path, path)
    saved = {file.name for file in (tmp_path / "results/demo").glob("*/tsn/*.json")}
    heads = {f"tradeoff--motion-digits--{head}.json" for head in ("noun", "verb", "action")}
    kinds = {
        "headline--motion-digits.json",
        "details--motion-digits.json",
        "stand_ins--motion-digits.json",
        "looks--motion-digits.json",
        "not_run.json",
        "coverage.json",
    }
    timed = ("speed", "speed_readings", "speed_parts", "equal_time", "equal_time_by_runtime")
    kinds |= {f"{kind}--motion-digits.json" for kind in timed}
    assert saved == heads | kinds | {"modules--motion-digits.json", "curves--motion-digits--train.json"}
    assert (tmp_path / "reports/demo/notebooks/tsn.ipynb").exists()
    page, tex = ((tmp_path / f"reports/demo/tsn.{end}").read_text() for end in ("html", "tex"))
    assert len([tag for tag, _ in Tags(page).seen if tag == "svg"]) == 5
    for said in ("Pick openvino for one video at a time on cpu: ", "Not timed: bf16 runs on a GPU &amp; nothing else."):
        assert said in page and said.replace("&amp;", r"\&") in tex
    assert (
        "openvino, fastest for both</td>" in page and '<th scope="row">uniform 4</th><td class="text">uniform8' in page
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "assert get_ipython().kernel.parent.transport == 'ipc'; 1 / 0",
            r"failed in its cell \d+: ZeroDivisionError.*tsn.failed.ipynb",
        ),
        ("import os; os._exit(1)", r"kernel of the notebook of tsn did not start, or died: .+; run it again"),
    ],
)
def test_a_failing_notebook_says_where_and_leaves_no_result(tmp_path, grid, monkeypatch, cell, message):
    long = tmp_path / ("long" * 30)  # too long for a socket, as clusters' may be
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    path = write_project(tmp_path, grid)
    notebook = json.loads((tmp_path / NOTEBOOK).read_text())
    notebook["cells"] = [
        {"cell_type": "code", "id": "a", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
    ]
    (tmp_path / NOTEBOOK).write_text(json.dumps(notebook))
    with pytest.raises(SaccadeError, match=message):
        report.report(tmp_path, path, "notebook")
    assert not (tmp_path / "reports/demo/notebooks/tsn.ipynb").exists()
