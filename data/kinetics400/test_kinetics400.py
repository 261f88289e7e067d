"""What Kinetics-400 alone can get wrong: videos that are damaged, missing or in no table, folders that users have."""

import shutil
from pathlib import Path

import pytest
from acquire.loopback import Loopback
from miniature import write_data

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.files import read_json
from saccade.project import load_module
from saccade.records import FAILED_FILE
from saccade.steps.acquire import Order, acquire

SAMPLE = load_module(Path(__file__).parent / "sample.py")
CLASS_OF = {video: label for label, video, _, _ in SAMPLE.CLIPS}
LAYOUTS = {
    "flat": lambda name: f"{name[:11]}.mp4",
    "by class": lambda name: f"val/{CLASS_OF[name[:11]].replace(' ', '_')}/{name}",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A server, and a project whose card names it; nothing is acquired."""
    home = tmp_path_factory.mktemp("kinetics400")
    with Loopback(home / "served") as server:
        write_data(home, "kinetics400", home / "served", server.address)
        (home / "Snakefile").touch()
        yield server, home


@pytest.fixture(scope="module")
def brought(site):
    """The project with everything in it, the archives of test, too."""
    _, home = site
    acquire(load_dataset(home, "kinetics400"), Order(only=("*",)))
    return home


@pytest.fixture
def own(site, tmp_path):
    """A project of the test's own, in which nothing is acquired."""
    shutil.copytree(site[1] / "data", tmp_path / "data", ignore=shutil.ignore_patterns("raw", "acquired.json"))
    (tmp_path / "Snakefile").touch()
    return tmp_path


def table(home):
    """What prepare.py gives: its videos by id, and what is unlisted."""
    folder = home / "data/kinetics400"
    settings = load_module(folder / "settings.py").Settings(**SAMPLE.SETTINGS)
    videos, _ = load_module(folder / "prepare.py").prepare(settings, folder / "raw/own", 0, 1)
    return videos.set_index("cluster"), videos.attrs["unlisted"]


def test_only_what_no_table_names_is_unlisted(brought):
    assert table(brought)[1] == [f"videos/val/part_0/{SAMPLE.UNLISTED}"]


def test_a_replacement_goes_before_the_damaged_video(brought):
    path = table(brought)[0].at[SAMPLE.DAMAGED, "path"]
    assert "replacement_for_corrupted_k400" in path and Path(path).is_file()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_videos_that_the_user_has_are_found_by_their_ids(brought, own, tmp_path, layout):
    mine = tmp_path / "my videos"
    for path in table(brought)[0]["path"]:
        place = mine / LAYOUTS[layout](Path(path).name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    acquire(load_dataset(own, "kinetics400"), Order(videos=mine))
    videos, unlisted = table(own)
    assert all(Path(path).is_file() for path in videos["path"]) and len(videos) == 12 and unlisted == []


def test_a_part_that_could_be_of_any_split_is_not_taken_for_one(site, own, tmp_path):
    server, home = site
    mine = tmp_path / "archives"
    (mine / "val").mkdir(parents=True)
    served = home / "served" / SAMPLE.HOST
    shutil.copyfile(served / "val/part_0.tar.gz", mine / "val/part_0.tar.gz")
    shutil.copyfile(served / "val/part_0.tar.gz", mine / "part_0.tar.gz")
    acquire(load_dataset(own, "kinetics400"), Order(archives=mine, only=("*/part_0.tar.gz", "*.csv")))
    downloads = own / "data/kinetics400/raw/downloads"
    assert (downloads / "val/part_0.tar.gz").readlink() == mine / "val/part_0.tar.gz"
    assert not (downloads / "train/part_0.tar.gz").is_symlink()


def test_damaged_and_missing_videos_are_named_and_too_many_refused(brought, own, monkeypatch, capsys):
    folder = own / "data/kinetics400"
    shutil.copytree(brought / "data/kinetics400/raw", folder / "raw")
    videos, _ = table(own)
    empty, headless, gone = (Path(path) for path in videos.loc[videos["split"] == "train", "path"][:3])
    empty.write_bytes(b"")
    headless.write_bytes(headless.read_bytes().partition(b"moov")[0][:-4])  # its index stands at its end
    gone.unlink()
    monkeypatch.chdir(own)
    assert main(["prepare", "kinetics400", "--budget", "own"]) == 1
    assert "3 of 12 videos can't be used" in capsys.readouterr().err
    problems = read_json(folder / "prepared/own" / FAILED_FILE)["problems"]
    reasons = {row["video_id"]: row["reason"].partition(".mp4: ")[2] for row in problems}
    assert set(reasons) == {path.stem for path in (empty, headless, gone)}
    assert (reasons[empty.stem], reasons[gone.stem]) == ("the file is empty (0 bytes)", "no such file")
    assert "without its index (moov)" in reasons[headless.stem]
