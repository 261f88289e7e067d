import re

import pandas as pd
import pytest

from saccade.report import latex


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b & 50 % #1 $x {y}", r"a\_b \& 50 \% \#1 \$x \{y\}"),
        ("<x> ~ ^ \\", r"\textless{}x\textgreater{} \textasciitilde{} \textasciicircum{} \textbackslash{}"),
        ("é ± 2 – 3", r"é $\pm$ 2 -- 3"),
        ("数", r"\texttt{U+6570}"),
        ("`run --all`", r"\textasciigrave{}run -{}-all\textasciigrave{}"),
    ],
)
def test_latex_is_escaped(text, escaped):
    assert latex.escape_latex(text) == escaped


def test_brackets_in_sentences_are_no_interval():
    table = pd.DataFrame({"Note": ["as in [3]"], "noun top-1 %": ["1.0 [0.9, 1.1]"]})
    assert r"\textsuperscript{1} as in [3]\par" in latex.table_to_latex(table, ["n", "n"], "", "t")
    assert r"1.0\\[-2pt]{\tiny [0.9, 1.1]}" in latex.table_to_latex(table, ["n", "n"], "", "t")


def test_equal_notes_share_a_number():
    numbered, notes = latex.number_notes(pd.DataFrame({"Row": list("abcd"), "Note": ["y", "x", "", "y"]}))
    assert (numbered.Note.tolist(), notes) == (["1", "2", "", "1"], ["y", "x"])


def test_latex_table_has_no_raw_special_character():
    table = pd.DataFrame({"A & b": ["x_1 <2>"], "50 %": ["1.0 ± 0.1 [0.9, 1.1]"]})
    body = latex.table_to_latex(table, ["n", "n"], "c_1 & d", "tab:t")
    assert not re.search(r"(?<!\\)[%#$]", body.replace(r"$\pm$", ""))
    assert r"A \& b & 50 \%" in body
    assert r"x\_1 \textless{}2\textgreater{}" in body
    assert r"c\_1 \& d" in body


def test_a_column_of_long_words_is_broken_into_lines():
    table = pd.DataFrame({"A": ["short"], "B": ["stale, not alone, few videos, and more"]})
    assert r"{lp{0.88\textwidth}}" in latex.table_to_latex(table, ["text", "text"], "", "t")
