"""What Mini-Kinetics alone can get wrong: lists of two kinds, over videos and tables that lie with another dataset."""

import hashlib
from pathlib import Path

import pytest
from acquire.loopback import Loopback
from conftest import ROOT
from miniature import write_data

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.project import load_module
from saccade.records import SaccadeError

HERE = Path(__file__).parent
ONE, OTHER, THIRD = "-a_b-c_d-e_", "_0123456789", "abcdefghi--"
HEADER = "label,youtube_id,time_start,time_end\n"
AR_LINE = "images/{}/hurling (sport)/{}_000007_000017 300 87"
FILES = {
    "kinetics400/raw/train.csv": f'{HEADER}"hurling (sport)",{ONE},7,17\nbee keeping,{OTHER},0,10\n',
    "kinetics400/raw/val.csv": f'{HEADER}"hurling (sport)",{THIRD},7,17\n',
    "minikinetics/raw/downloads/train_ytid_list.txt": f"{ONE}\n",
    "minikinetics/raw/downloads/val_ytid_list.txt": f"{THIRD}\n",
    "minikinetics/raw/downloads/mini_train_videofolder.txt": AR_LINE.format("train", ONE),
    "minikinetics/raw/downloads/mini_val_videofolder.txt": AR_LINE.format("val", THIRD),
    "minikinetics/raw/downloads/minik_classInd.txt": (HERE / "ar.txt").read_text(),
}


@pytest.fixture
def prepared(tmp_path):
    """A function that gives prepare.py's table of an edition, where some files hold something else."""

    def prepare(lists, **other):
        for name, text in FILES.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(other.get(Path(name).stem, text))
        settings = load_module(HERE / "settings.py").Settings(lists=lists, val_share=0.02)
        return load_module(HERE / "prepare.py").prepare(settings, tmp_path / "minikinetics/raw/own", 0, 1)[0]

    return prepare


@pytest.fixture
def acquired(tmp_path, monkeypatch):
    """A project with the cards of the miniature, whose server answers."""
    with Loopback(tmp_path / "served") as server:
        write_data(tmp_path, "minikinetics", tmp_path / "served", server.address)
        (tmp_path / "Snakefile").touch()
        monkeypatch.chdir(tmp_path)
        yield tmp_path


@pytest.mark.parametrize("lists", ["all", "xie", "ar"])
def test_only_videos_of_the_lists_are_indexed(prepared, lists):
    assert prepared(lists)["cluster"].to_list() == [ONE, THIRD]


def test_the_classes_of_ar_are_those_of_its_authors_byte_for_byte():
    card, data = load_dataset(ROOT, "minikinetics"), (HERE / "ar.txt").read_bytes()
    published = next(file for file in card.files if file.name == "minik_classInd.txt")
    assert hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == published.hashes["git_blob"]


def test_the_two_sets_share_102_of_200_classes():
    card = load_dataset(ROOT, "minikinetics")
    usual, xie, ar = (set(card.heads_in(edition)["label"].classes) for edition in ("", "xie", "ar"))
    assert usual == xie and (len(xie), len(ar), len(xie & ar)) == (200, 200, 102)


def test_an_id_that_no_table_has_is_refused(prepared):
    with pytest.raises(SaccadeError, match="train_ytid_list.txt: .* don't have 1 of these videos: Abcdefghi--"):
        prepared("xie", train_ytid_list=f"{ONE}\nAbcdefghi--\n")


@pytest.mark.parametrize(
    "line",
    [
        AR_LINE.format("val", THIRD).replace(" 87", " 88"),
        AR_LINE.format("val", THIRD).replace(" 87", " 287"),
        AR_LINE.format("val", THIRD).replace(" 300", ""),
        "images/val/hurling (sport)/holiday 300 87",
        "hurling",
    ],
)
def test_a_line_of_ar_that_is_no_clip_of_its_class_is_refused(prepared, line):
    with pytest.raises(SaccadeError, match="mini_val_videofolder.txt: line 2: "):
        prepared("ar", mini_val_videofolder=FILES["minikinetics/raw/downloads/mini_val_videofolder.txt"] + f"\n{line}")


def test_acquire_brings_the_lists_and_says_what_brings_the_videos(acquired, capsys):
    assert main(["acquire", "minikinetics"]) == 0
    assert (acquired / "data/minikinetics/raw/downloads/val_ytid_list.txt").is_file()
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(
        "what was asked for is here; data/kinetics400/raw lacks videos; `saccade acquire kinetics400`"
    )


def test_a_folder_of_videos_is_kinetics400s(acquired, capsys):
    assert main(["acquire", "minikinetics", "--videos", str(acquired)]) == 1
    assert f"`saccade acquire kinetics400 --videos {acquired}`" in capsys.readouterr().err
