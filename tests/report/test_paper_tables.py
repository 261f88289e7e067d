"""What a paper's layouts, claims and findings become on the pages, through the real notebook and templates."""

from html.parser import HTMLParser

import fake_paper
import fake_results
import pandas as pd
import pytest
from fake_results import write_project
from html_tags import Tags

from saccade.cards import paper
from saccade.report import pdf
from saccade.steps import report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A study whose method has a paper, with every part of its report written; tests only read it."""
    root, grid = tmp_path_factory.mktemp("project"), fake_results.make_grid(seeds=2, budget="study")
    path = write_project(root, grid)
    fake_paper.write_decisions(root, grid)
    fake_paper.write_paper(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf.shutil, "which", lambda name: None)
        report.report(root, path)
    return root


@pytest.fixture
def page(project):
    return (project / "reports/study/tsn.html").read_text()


class Wrapped(HTMLParser):
    """Whether each table stands in something that scrolls by itself."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tables = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.tables.append(any("scroll" in classes for classes in self.open))
        if tag in ("div", "table"):
            self.open.append((dict(attributes).get("class") or "").split())

    def handle_endtag(self, tag):
        if tag in ("div", "table"):
            self.open.pop()


def test_the_page_has_all_three_sections_after_what_was_not_run(page):
    ids = ["not-run", "claims", "motion-digits", "paper", "findings", "cost"]
    order = [page.index(f'<h2 id="{name}">') for name in ids]
    assert order == sorted(order)
    assert all(f'<a href="#{name}">' in page for name in ids)


def test_claims_lead_with_their_count_and_end_with_their_hash(project, page):
    section = page[page.index('<h2 id="claims">') : page.index('<h2 id="motion-digits">')]
    lead = "4 claims. On the printed numbers: 2 agree, 2 not printed. On ours: "
    assert (
        section.index(lead)
        < section.index("<table>")
        < section.index(paper.claims_hash(paper.read_paper(project, "tsn")))
    )
    for text in ("Eight frames &lt;beat&gt; four.", "mechanism, embedded data: holds", "not run (needs budget paper"):
        assert text in section


def test_the_papers_tables_and_the_findings_are_shown(page):
    for text in (
        "Table 1: Frames",
        "33.33 (counted)",
        "top1 not run: budget study has no kinetics400",
        "in GMACs per video",
        "for a name.",
    ):
        assert text in page
    for text in ("Bins &lt;per&gt; class", "A line", "It rises."):
        assert text in page
    assert [a["aria-label"] for tag, a in Tags(page).seen if tag == "svg"].count("a rising <line>") == 1


def test_every_table_scrolls_by_itself_so_that_a_phone_shows_the_page(page):
    tables = Wrapped(page).tables
    assert len(tables) > 8 and all(tables)


def test_the_latex_has_the_same_sections(project):
    text = (project / "reports/study/tsn.tex").read_text()
    for title in ("The paper's claims", "The paper's tables", "What only this method shows"):
        assert rf"\section*{{{title}}}" in text
    assert r"Eight frames \textless{}beat\textgreater{} four." in text
    assert r"top1\\printed\end{tabular}" in text
    assert "findings--line.pdf" in text


def test_the_index_sums_claims_up_with_a_link(project):
    index = (project / "reports/study/index.html").read_text()
    assert '<a href="tsn.html#claims">The paper\'s claims</a>: 4 claims.' in index
    assert "claims.csv" in index


def test_page_and_claims_csv_say_the_same(project):
    table = pd.read_csv(project / "results/study/claims.csv")
    shown = pd.read_csv(project / "results/study/tables/tsn/claims.csv")
    assert list(table["on_ours"]) == list(shown["on_ours"])


def test_without_a_paper_the_page_has_none_of_the_sections(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    path = write_project(tmp_path, fake_results.make_grid(seeds=1))
    for part in ("collect", "page", "index"):
        report.report(tmp_path, path, part)
    page = (tmp_path / "reports/demo/tsn.html").read_text()
    assert not [
        name for name in ("claims", "paper", "findings") if f'href="#{name}"' in page or f'<h2 id="{name}">' in page
    ]
