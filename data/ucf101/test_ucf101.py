"""What only UCF101 can get wrong, and what a damaged copy of it is called."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest
from acquire.loopback import Loopback
from miniature import Tools, acquired_miniature, write_data

from saccade.__main__ import main
from saccade.files import read_json

LISTS = "raw/lists/UCF101TrainTestSplits-RecognitionTask/ucfTrainTestlist"
VIDEOS = "raw/videos/UCF101_videos/UCF101"


@pytest.fixture
def ucf(tmp_path, monkeypatch):
    """data/ucf101, acquired, in a project of its own."""
    monkeypatch.chdir(acquired_miniature(tmp_path, "ucf101"))
    return tmp_path / "data/ucf101"


@pytest.fixture
def published_rar(tmp_path, monkeypatch):
    """data/ucf101, acquired from the publisher's RAR, which a user has, and from the lists."""
    (tmp_path / "Snakefile").touch()
    monkeypatch.chdir(tmp_path)
    with Loopback(tmp_path / "served") as server:
        write_data(tmp_path, "ucf101", tmp_path / "served", server.address)
        with zipfile.ZipFile(next(tmp_path.glob("served/**/UCF101_videos.zip"))) as archive:
            clips = {
                Path(name).stem.replace("Handstand", "HandStand", 1): archive.read(name) for name in archive.namelist()
            }
        Tools.rar(
            Tools.made(tmp_path / "own/UCF101.rar"),
            {f"UCF-101/{n.split('_')[1]}/{n}.avi": data for n, data in clips.items()},
        )
        only = ["--only", "UCF101.rar", "--only", "UCF101Train*"]
        assert main(["acquire", "ucf101", "--archives", "own", *only]) == 0
        assert not [asked for asked in server.asked if asked.path.endswith("UCF101_videos.zip")]
    return tmp_path / "data/ucf101"


def test_the_publishers_own_archive_gives_the_same_videos(published_rar, capsys):
    assert prepare(capsys) == ""
    index = pd.read_parquet(published_rar / "prepared/own/index.parquet")
    assert len(index) == 12 and index["path"].str.contains("UCF101/UCF-101/").all()


def prepare(capsys) -> str:
    """What `prepare` says where it fails; '' where it doesn't."""
    failed = main(["prepare", "ucf101", "--budget", "own", "--workers", "1"])
    said = capsys.readouterr().err
    return said if failed else ""


def test_the_order_of_classes_is_that_of_the_list_and_not_of_sorted_folders(ucf, capsys):
    classes = (ucf / "classes.txt").read_text().split()
    assert len(classes) == 101 and classes[34:36] == ["Hammering", "HammerThrow"] and classes != sorted(classes)
    index = ucf / LISTS / "classInd.txt"
    index.write_text("".join(f"{number} {name}\n" for number, name in enumerate(sorted(classes), 1)))
    for file in ucf.glob(f"{LISTS}/train*"):
        text = file.read_text()
        file.write_text(text.replace(" 37", f" {sorted(classes).index('HandstandPushups') + 1}"))
    assert "the classes aren't the card's, in its order" in prepare(capsys)


def test_a_capital_letter_more_or_less_is_the_same_video(ucf, capsys):
    assert prepare(capsys) == ""
    index = pd.read_parquet(ucf / "prepared/own/index.parquet").set_index("video_id")
    assert "v_HandstandPushups_g01_c01.avi" in index.at["v_HandStandPushups_g01_c01", "path"]
    assert index.at["v_HandStandPushups_g01_c01", "cluster"] == "v_HandStandPushups_g01"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Juggling/v_Juggling_g01_c01.avi", "testlist01.txt: line 5: 'Juggling/v_Juggling_g01_c01.avi' isn't a class"),
        ("<html>", "testlist01.txt: line 5: '<html>' isn't a class of classInd.txt, / and the name of a video"),
        ("ApplyEyeMakeup/v_ApplyEyeMakeup_g02_c01.avi", "videos named twice: v_ApplyEyeMakeup_g02_c01"),
        ("ApplyEyeMakeup/v_ApplyEyeMakeup_g09_c01.avi 5", "'ApplyEyeMakeup' isn't class 5 of classInd.txt"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(ucf, capsys, line, says):
    with (ucf / LISTS / "testlist01.txt").open("a") as file:
        file.write(f"{line}\n")
    assert says in prepare(capsys)


def test_a_list_of_classes_that_is_none_is_named_with_its_line(ucf, capsys):
    (ucf / LISTS / "classInd.txt").write_text("<html>\n")
    assert "classInd.txt: line 1: '<html>' isn't a class's number and name" in prepare(capsys)


def test_a_link_to_itself_is_a_video_that_cannot_be_read(ucf, capsys):
    video = min((ucf / VIDEOS).glob("*.avi"))
    video.unlink()
    video.symlink_to(video)
    assert "1 of 12 videos can't be used" in prepare(capsys)


def test_damaged_and_missing_videos_are_counted_and_named(ucf, capsys):
    videos = sorted((ucf / VIDEOS).glob("*.avi"))
    videos[0].unlink()
    videos[1].write_bytes(b"")
    videos[2].write_bytes(videos[2].read_bytes()[:-300])
    (ucf / VIDEOS / "v_Unlisted_g01_c01.avi").write_bytes(videos[3].read_bytes())
    said = prepare(capsys)
    assert "3 of 12 videos can't be used" in said and "allow_missing" in said
    coverage = read_json(ucf / "prepared/own/coverage.failed.json")
    reasons = {problem["video_id"]: problem["reason"] for problem in coverage["problems"]}
    assert "no such file" in reasons[videos[0].stem] and "0 bytes" in reasons[videos[1].stem]
    assert "truncated" in reasons[videos[2].stem] and coverage["unlisted"] == [f"{VIDEOS[4:]}/v_Unlisted_g01_c01.avi"]


def test_lists_that_name_other_numbers_of_videos_are_told(ucf, capsys):
    with (ucf / LISTS / "testlist01.txt").open("a") as file:
        file.write("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c03.avi\n")
    first, third = (ucf / VIDEOS / f"v_ApplyEyeMakeup_g01_c0{number}.avi" for number in (1, 3))
    third.write_bytes(first.read_bytes())
    assert main(["prepare", "ucf101", "--budget", "own", "--workers", "1"]) == 0
    assert "other numbers of videos than were published: test 5, published 4" in capsys.readouterr().out
