import math
import re

import pandas as pd
import pytest

from saccade.report import typeset


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b & 50 % #1 $x {y}", r"a\_b \& 50 \% \#1 \$x \{y\}"),
        ("<x> ~ ^ \\", r"\textless{}x\textgreater{} \textasciitilde{} \textasciicircum{} \textbackslash{}"),
        ("é ± 2 – 3", r"é $\pm$ 2 -- 3"),
        ("数", r"\texttt{U+6570}"),
    ],
)
def test_latex_is_escaped(text, latex):
    assert typeset.escape_latex(text) == latex


def test_percent_leaves_out_what_is_not_known():
    assert typeset.percent(0.632) == "63.2"
    assert typeset.percent(0.632, 0.011, 0.581, 0.68) == "63.2 ± 1.1 [58.1, 68.0]"
    assert typeset.percent(math.nan) == "–"


def test_a_percentage_that_rounds_to_nothing_has_no_sign():
    assert typeset.percent(-0.0001, low=-0.0002, high=-0.0004) == "0.0 [0.0, 0.0]"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.100"), (4.089, "4.09"), (33, "33.0"), (1234.5, "1,234"), (0.00123, "0.00123"), (0, "0")],
)
def test_three_significant_digits(value, text):
    assert typeset.significant(value) == text


@pytest.mark.parametrize("budget", ["demo", "study", "paper", "mine"])
def test_captions_name_the_budget(budget):
    assert typeset.about({"budget": budget}, "headline", "d")["caption"].startswith(f"Budget {budget} (")


def test_counts_without_data_belong_to_no_budget():
    assert "demo" not in typeset.about({"budget": "demo"}, "cost_cells")["caption"]


def test_brackets_in_sentences_are_no_interval():
    table = pd.DataFrame({"Note": ["as in [3]"], "noun top-1 %": ["1.0 [0.9, 1.1]"]})
    assert r"\textsuperscript{1} as in [3]\par" in typeset.to_latex(table, "", "t")
    assert r"1.0\\[-2pt]{\tiny [0.9, 1.1]}" in typeset.to_latex(table, "", "t")


def test_equal_notes_share_a_number():
    numbered, notes = typeset.number_notes(pd.DataFrame({"Row": list("abcd"), "Note": ["y", "x", "", "y"]}))
    assert (numbered.Note.tolist(), notes) == (["1", "2", "", "1"], ["y", "x"])


def test_every_kind_has_a_title_and_a_caption():
    assert typeset.TITLES.keys() == typeset.CAPTIONS.keys()


def test_no_title_brings_a_mark_of_its_own():
    """Pages put a full stop after it."""
    assert [title for title in typeset.TITLES.values() if title[-1] in ".?!:"] == []


def test_latex_table_has_no_raw_special_character(tmp_path):
    table = pd.DataFrame({"A & b": ["x_1 <2>"], "50 %": ["1.0 ± 0.1 [0.9, 1.1]"]})
    typeset.save_table(table, tmp_path, "t", {"caption": "c_1 & d", "kind": "headline"})
    body = (tmp_path / "t.tex").read_text()
    assert not re.search(r"(?<!\\)[%#$]", body.replace(r"$\pm$", ""))
    assert r"A \& b & 50 \%" in body
    assert r"x\_1 \textless{}2\textgreater{}" in body
    assert r"c\_1 \& d" in body
