"""Tables of numbers: what is saved, and that a reader is shown the same before and after."""

import math

import pandas as pd
import pytest

from saccade.report.tidy import Column, interval, read_table, save_table, sentences, tidy, words

ABOUT = {"kind": "headline", "title": "T", "caption": "c", "dataset": "d"}


@pytest.fixture
def table():
    rows = [
        {"variant": "1", "top1": 0.1 + 0.2, "top1.sd": 0.01, "status": "", "frames": 4},
        {"variant": "NA", "top1": math.nan, "status": "not run", "frames": 8},
        {"variant": "", "top1": math.nan, "status": ""},
    ]
    shown = [words("Variant", "variant"), interval("top-1 %", "top1", "status"), Column("Frames", ("frames",), "count")]
    return tidy(rows, shown)


def test_cells_are_made_of_numbers_unless_words_stand_in_their_place(table):
    assert table.text().to_dict("list") == {
        "Variant": ["1", "NA", "–"],
        "top-1 %": ["30.0 ± 1.0", "not run", "–"],
        "Frames": ["4", "8", "–"],
    }


def test_what_is_saved_is_numbers_and_reads_back_to_the_same_cells(table, tmp_path):
    save_table(table, tmp_path, "t", ABOUT)
    saved = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, na_values={"top1": [""]})
    assert list(saved) == ["variant", "top1", "top1.sd", "status", "frames", "top1.low", "top1.high"]
    assert saved.top1[0] == 0.1 + 0.2 and saved.frames.tolist() == ["4", "8", ""]
    read, about = read_table(tmp_path / "t.json")
    assert about == ABOUT and read.columns == table.columns
    assert read.text().equals(table.text())


def test_a_column_that_shows_nothing_is_left_out_with_its_numbers(table):
    table.data["frames"] = math.nan
    assert list(table.without_empty().text()) == ["Variant", "top-1 %"]
    assert "frames" not in table.without_empty().data


def test_a_table_without_rows_is_saved_and_read(tmp_path):
    save_table(tidy([], [words("Why", "why"), sentences("Says", "says")]), tmp_path, "t", ABOUT)
    read, _ = read_table(tmp_path / "t.json")
    assert (len(read), list(read.text()), (tmp_path / "t.tex").read_text()) == (0, ["Why", "Says"], "")
