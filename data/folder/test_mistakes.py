"""Own videos as they come: splits under other names, tables of spreadsheets, links that lead nowhere, copies, files
that can't be read. What is clear is understood, what is doubtful is asked, and messages name what they are about."""

import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT
from numbered import encode

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.files import read_json
from saccade.project import load_module
from saccade.records import SaccadeError

HERE = Path(__file__).parent
listing = load_module(HERE / "listing.py")
TABLE = "path,label\n" + "".join(f"{number}.mp4,{('run', 'walk')[number % 2]}\n" for number in range(4))


def lay(raw: Path, *names: str) -> Path:
    for name in names:
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(name.encode())
    return raw


def told(raw: Path) -> set[tuple[str, str]]:
    """(split, label) of what is read."""
    return {(video.split, video.label) for video in listing.read(raw)}


def in_splits(raw: Path, *splits: str) -> Path:
    return lay(raw, *(f"{split}/{label}/a.mp4" for split in splits for label in ("run", "walk")))


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("Train", "Test"), ("train", "test")),
        (("training", "validation", "testing"), ("train", "val", "test")),
        (("train", "valid"), ("train", "val")),
        (("TRAIN", "Dev", "TEST"), ("train", "val", "test")),
        (("train_set", "test-split", "val data"), ("train", "test", "val")),
    ],
)
def test_usual_names_of_splits_are_splits(tmp_path, names, splits):
    raw = in_splits(tmp_path, *names)
    assert told(raw) == {(split, label) for split in splits for label in ("run", "walk")}
    lay(tmp_path, "__MACOSX/Train/run/a.mp4", "@eaDir/x.mp4")
    assert told(raw) == {(split, label) for split in splits for label in ("run", "walk")}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("train", "val", "valid", "test"), "'val' and 'valid' both mean val; put them together"),
        (("Train", "train", "test"), "'Train' and 'train' both mean train"),
        (("train", "eval"), "'eval' may be val or test"),
        (("train", "holdout", "test"), "'holdout' may be val or test"),
        (("train", "tset"), "'train' is a split's name, and 'tset' beside it is none"),
        (("train", "plane"), "If 'train' is a class, rename it or write videos.csv"),
        (("ucf_train", "ucf_test"), "'ucf_test' and 'ucf_train' look like splits, not classes"),
        (("train1", "train2", "test1"), "'test1' and 'train1' look like splits"),
        (("01_train", "02_test"), "'01_train' and '02_test' look like splits, not classes"),
        (("trainset1", "testset1"), "'testset1' and 'trainset1' look like splits"),
        (("fold1", "fold2"), "'fold1' and 'fold2' look like splits"),
        (("set/train", "set/test"), "set/test and set/train look like splits inside of classes"),
    ],
)
def test_what_may_be_a_split_is_asked(tmp_path, names, message):
    with pytest.raises(SaccadeError, match=message) as error:
        listing.look(in_splits(tmp_path, *names))
    assert "understood are train (training), val (valid, validation, dev) and test (testing)" in str(error.value)


def test_splits_inside_of_classes_are_asked_and_a_person_called_val_is_none(tmp_path):
    people = lay(tmp_path / "people", *(f"{label}/{who}/a.mp4" for label in ("run", "walk") for who in ("Val", "Ann")))
    assert {video.cluster for video in listing.read(people)} == {"Val", "Ann"}
    with pytest.raises(SaccadeError, match="run/test and run/train look like splits inside of classes"):
        listing.read(lay(tmp_path / "inside", "run/train/a.mp4", "run/test/b.mp4", "walk/train/c.mp4"))


def test_classes_may_hold_words_for_splits(tmp_path):
    raw = lay(tmp_path, *(f"{label}/a.mp4" for label in ("train", "bullet train", "driving test", "plane")))
    assert told(raw) == {("", label) for label in ("train", "bullet train", "driving test", "plane")}


def test_the_column_split_takes_the_same_words_and_asks_the_same(tmp_path):
    def column(*words: str) -> set[tuple[str, str]]:
        lines = [f"{number}.mp4,run,{word}" for number, word in enumerate(words)]
        (tmp_path / "videos.csv").write_text("\n".join(["path,label,split", *lines]) + "\n")
        return told(tmp_path)

    assert column("Training", "VALID", "test_set") == {("train", "run"), ("val", "run"), ("test", "run")}
    for words, message in (
        (("train", "eval"), "line 3: doubtful split 'eval'"),
        (("val", "valid"), "line 3: 'valid' and, above, 'val' both mean val"),
        (("train", "1"), "line 3: unknown split '1'"),
    ):
        with pytest.raises(SaccadeError, match=message):
            column(*words)


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.replace(",", ";").replace("\n", "\r\n").encode(),
        TABLE.replace(",", "\t").encode(),
        ("sep=;\n" + TABLE.replace(",", ";")).encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.replace("\n", ",,\n\n").encode() + b",,,\n",
        TABLE.replace("path,label", ' "Path" , LABEL').replace(' "Path" ', '"Path"').encode(),
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(tmp_path, content):
    (tmp_path / "videos.csv").write_bytes(content)
    assert [(video.name, video.label) for video in listing.read(tmp_path)] == [
        ("0.mp4", "run"),
        ("1.mp4", "walk"),
        ("2.mp4", "run"),
        ("3.mp4", "walk"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TABLE.replace("walk", "höher").encode("cp1252"), r"videos.csv: line 3, byte 8: 0xf6 is no UTF-8; save the"),
        (TABLE.encode("utf-16-le"), "line 1 holds a NUL byte, which no text does; save the table as UTF-8"),
        (TABLE.encode("utf-16")[:-1], "is no UTF-16; save"),
        (TABLE.replace("2.mp4", "2\0.mp4").encode(), "line 4 holds a NUL byte"),
        (TABLE.replace("1.mp4", '"1.mp4').encode(), "line 3: .* a quote that is opened must be closed"),
        (TABLE.replace("1.mp4", '"1".mp4').encode(), "line 3: .* one inside a field is doubled"),
        (TABLE.replace(",", "|").encode(), "with commas, semicolons or tabs between; .* it says 'path|label'"),
        (TABLE.replace("path,label", "path,label,label").encode(), "the column 'label' is there twice"),
        (b"path,label,\n0.mp4,run,x\n", "line 2: 'x' stands in a column without a name"),
        (b"path,label\n\n", "videos.csv names no video; write a line for each"),
        (TABLE.replace("1.mp4", "b\\1.mp4").encode(), r"line 3: there is no 'b\\1.mp4'; between folders write /"),
        (TABLE.encode() + b"./0.mp4,run\n", "line 6: './0.mp4' is there already, in line 2"),
        (TABLE.encode() + b"x/../0.mp4,walk\n", "line 6: 'x/../0.mp4' is there already, in line 2"),
        (TABLE.encode() + b"4.mp4,Run\n", "the labels 'run' .0.mp4. and 'Run' .4.mp4. differ only in case or blanks"),
    ],
)
def test_what_is_wrong_with_a_table_is_named_with_its_line(tmp_path, content, message):
    (tmp_path / "videos.csv").write_bytes(content)
    with pytest.raises(SaccadeError, match=message):
        listing.look(tmp_path)


def test_one_name_in_two_unicode_forms_is_one(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "höhe") for form in ("NFC", "NFD"))
    raw = lay(tmp_path / "a", *(f"{label}/{composed}.mp4" for label in (composed, decomposed, "run")))
    assert [(video.name, video.label, video.cluster) for video in listing.read(raw)] == [
        (f"höhe/{composed}.mp4", "höhe", f"höhe/{composed}.mp4"),
        (f"höhe/{composed}.mp4 (2)", "höhe", f"höhe/{composed}.mp4 (2)"),
        (f"run/{composed}.mp4", "run", f"run/{composed}.mp4"),
    ]
    written = lay(tmp_path / "b", f"{decomposed}.mp4")
    (written / "videos.csv").write_text(f"path,label,cluster\n{composed}.mp4,{decomposed},{decomposed}\n", "utf-8")
    (video,) = listing.read(written)
    assert video.path.is_file() and (video.label, video.cluster) == (composed, composed)


@pytest.mark.parametrize("other", ["Jump up", "jump  up", "jump up ", "jump\u00a0up", "ju\u200bmp up"])
def test_labels_that_look_alike_are_asked(tmp_path, other):
    with pytest.raises(SaccadeError, match="differ only in case or blanks"):
        listing.look(lay(tmp_path, "jump up/a.mp4", f"{other}/a.mp4"))


@pytest.mark.parametrize("link", ["raw", "raw/walk", "raw/run/ann", "raw/videos.csv", "raw/run/ann/deep"])
def test_a_link_that_leads_nowhere_is_named_with_its_target(tmp_path, link):
    if link != "raw":
        lay(tmp_path / "raw", "run/a.mp4", "run/bob/b.mp4", "jump/a.mp4")
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to("/media/usb/gone")
    with pytest.raises(SaccadeError, match=f"{link} is a link to /media/usb/gone, which isn't there"):
        listing.look(tmp_path / "raw")


def test_what_systems_leave_is_passed_over(tmp_path):
    raw = lay(tmp_path, "run/a.mp4", "walk/b.mp4")
    before = listing.look(raw)
    system = ["__MACOSX", "@eaDir", "@Recycle", "#recycle", "$RECYCLE.BIN", "lost+found", "System Volume Information"]
    for name in (*system, ".Trashes"):
        lay(raw, f"{name}/x.mp4", f"run/{name}/y.mp4")
    lay(raw, "run/._a.mp4", "walk/~$b.mp4", "Thumbs.db", "run/Thumbs.db", ".DS_Store", "desktop.ini")
    (raw / ".gone").symlink_to("/gone")
    assert listing.look(raw) == before


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    raw = lay(tmp_path, "run/ann/a.mp4", "walk/b.mp4")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("ann"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(OSError, match="run/ann"):
        listing.look(raw)


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Path:
    """A project with this dataset alone, and two classes of six different videos each; gives the dataset's folder."""
    (tmp_path / "Snakefile").touch()
    folder = tmp_path / "data" / HERE.name
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("raw", "prepared", "__pycache__"))
    for place, label in enumerate(("run", "walk")):
        (folder / "raw" / label).mkdir(parents=True)
        for number in range(6):
            encode(folder / "raw" / label / f"{number}.mp4", frames=2 + number + 6 * place)
    monkeypatch.chdir(tmp_path)
    load_dataset.cache_clear()
    yield folder
    load_dataset.cache_clear()


def prepare(folder: Path) -> int:
    load_dataset.cache_clear()
    return main(["prepare", folder.name, "--budget", "own", "--workers", "1"])


def test_a_class_that_lost_all_its_videos_stops_it_with_the_reasons(mine, capsys):
    (mine / "raw/jump").mkdir()
    for number in range(3):
        (mine / f"raw/jump/{number}.mp4").write_bytes(b"no video")
    assert prepare(mine) == 1
    said = capsys.readouterr().err
    assert "label 'jump' has no video left in train and in test that can be used" in said and "jump/1.mp4: can" in said
    assert read_json(mine / "prepared/own/coverage.failed.json")["lost_classes"]["label"]["train"] == ["jump"]
    assert not (mine / "prepared/own/index.parquet").exists()


def test_a_class_may_lose_its_videos_of_val_and_it_is_said(mine, capsys):
    rows = [(f"{label}/{n}.mp4", label, ("train", "test", "val")[n % 3]) for label in ("run", "walk") for n in range(6)]
    pd.DataFrame(rows, columns=["path", "label", "split"]).to_csv(mine / "raw/videos.csv", index=False)
    for number in (2, 5):
        (mine / f"raw/run/{number}.mp4").unlink()
    (mine / "raw/run/2.mp4").symlink_to("/media/usb/2.mp4")
    assert prepare(mine) == 0
    said = capsys.readouterr().out
    assert "10 of 12 videos can be used (train 4, val 2, test 4)\nlabel, 2 classes: run, walk" in said
    assert "note: label: no val video can be used of run" in said
    assert "run/2.mp4: a link to /media/usb/2.mp4, which isn't there" in said and "run/5.mp4: no such file" in said
    for number in (2, 5):
        (mine / f"raw/walk/{number}.mp4").write_bytes(b"")
    (mine / "card.yml").write_text((mine / "card.yml").read_text().replace("allow_missing: 0.2", "allow_missing: 0.5"))
    assert prepare(mine) == 1
    assert "no video of val can be used" in capsys.readouterr().err


def test_copies_of_a_video_share_a_cluster(mine, capsys):
    shutil.copy(mine / "raw/run/0.mp4", mine / "raw/run/copy of 0.mp4")
    (mine / "raw/run/ann").mkdir()
    (mine / "raw/run/ann/0.mp4").hardlink_to(mine / "raw/run/0.mp4")
    assert prepare(mine) == 0
    index = pd.read_parquet(mine / "prepared/own/index.parquet").set_index("video_id")
    own = index.loc[["run/0.mp4", "run/copy of 0.mp4", "run/ann/0.mp4"]]
    assert own["cluster"].nunique() == own["split"].nunique() == 1 and index["cluster"].nunique() == 12
    assert "copies, byte for byte: run/0.mp4 = run/ann/0.mp4 = run/copy of 0.mp4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("copy", "splits", "message"),
    [
        ("walk/x.mp4", False, "run/0.mp4 (run) and walk/x.mp4 (walk) hold the same bytes; one video is in one class"),
        ("run/x.mp4", True, "run/0.mp4 (train) and run/x.mp4 (test) hold the same bytes; one video is in one split"),
    ],
)
def test_copies_under_two_labels_or_in_two_given_splits_stop_it(mine, capsys, copy, splits, message):
    shutil.copy(mine / "raw/run/0.mp4", mine / "raw" / copy)
    if splits:
        rows = [
            (f"{label}/{n}.mp4", label, ("train", "test", "val")[n % 3]) for label in ("run", "walk") for n in range(6)
        ]
        table = pd.DataFrame([*rows, (copy, "run", "test")], columns=["path", "label", "split"])
        table.to_csv(mine / "raw/videos.csv", index=False)
    assert prepare(mine) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("locale", ["UTF-8", "C"])
def test_names_that_no_terminal_can_show_are_one_line(mine, locale):
    """In bytes that are no UTF-8, with a newline, and in a locale that knows ASCII alone."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if locale == "C":
        environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    odd = {b"h\xf6he": b"raw/h\\xf6he: the name isn't UTF-8; rename it"}
    odd["höhe\n".encode()] = b"can be used" if locale == "UTF-8" else b"raw/h\\xf6he\\n: this shell's locale has no"
    for name, says in odd.items():
        folder = os.path.join(os.fsencode(mine / "raw"), name)
        os.mkdir(folder)
        for number in range(3):
            encode(mine / "new.mp4", frames=20 + number)
            os.rename(mine / "new.mp4", os.path.join(folder, b"%d.mp4" % number))
        command = [sys.executable, "-m", "saccade", "prepare", HERE.name, "--budget", "own", "--workers", "1"]
        done = subprocess.run(command, cwd=mine.parents[1], env=environment, capture_output=True)
        assert says in done.stdout + done.stderr and b"Traceback" not in done.stderr, done.stderr
        shutil.rmtree(folder)
