"""Own videos: what counts as one, which class and split it gets, and what is refused. A copy of this folder tests
itself."""

import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, edit
from hypothesis import given
from hypothesis import strategies as st
from numbered import encode

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.files import read_json
from saccade.plan import staleness
from saccade.plan.availability import why_unavailable
from saccade.project import load_module
from saccade.records import SaccadeError

HERE = Path(__file__).parent
listing, preparing = load_module(HERE / "listing.py"), load_module(HERE / "prepare.py")
SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def lay(raw: Path, *names: str) -> Path:
    for name in names:
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(name.encode())
    return raw


def table(raw: Path, text: str) -> Path:
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "videos.csv").write_text(text, encoding="utf-8")
    return raw


def facts(raw: Path) -> list[tuple[str, str, str, str]]:
    return [(video.name, video.label, video.split, video.cluster) for video in listing.read(raw)]


def single(label: str, count: int) -> list:
    return [listing.Video(f"{label}{n}", Path(f"{label}{n}"), label, "", f"{label}{n}") for n in range(count)]


def test_a_class_is_a_folder_and_a_folder_in_it_a_cluster(tmp_path):
    raw = lay(
        tmp_path,
        "run/a.mp4",
        "run/anna/b.MOV",
        "walk/anna/deep/c.avi",
        "walk/.hidden.mp4",
        "walk/notes.txt",
        ".trash/d.mp4",
    )
    assert facts(raw) == [
        ("run/a.mp4", "run", "", "run/a.mp4"),
        ("run/anna/b.MOV", "run", "", "anna"),
        ("walk/anna/deep/c.avi", "walk", "", "anna"),
    ]


def test_folders_named_like_splits_are_splits_where_there_are_two(tmp_path):
    raw = lay(tmp_path / "one", "train/run/a.mp4", "test/run/b.mp4", "test/walk/c.mp4")
    assert [row[:3] for row in facts(raw)] == [
        ("test/run/b.mp4", "run", "test"),
        ("test/walk/c.mp4", "walk", "test"),
        ("train/run/a.mp4", "run", "train"),
    ]
    assert {video.label for video in listing.read(lay(tmp_path / "two", "train/a.mp4", "plane/b.mp4"))} == {
        "train",
        "plane",
    }


def test_linked_folders_are_followed_once(tmp_path):
    lay(tmp_path / "elsewhere", "a.mp4")
    (tmp_path / "elsewhere/again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/run").symlink_to(tmp_path / "elsewhere")
    assert [row[0] for row in facts(tmp_path / "raw")] == ["run/a.mp4"]


def test_a_table_names_paths_labels_splits_and_clusters(tmp_path):
    raw = table(tmp_path, "\ufeffpath,label,split,cluster\nb.mp4,run,train,anna\n/far/a.mp4,walk,test,\n")
    assert facts(raw) == [("/far/a.mp4", "walk", "test", "/far/a.mp4"), ("b.mp4", "run", "train", "anna")]
    assert [video.path for video in listing.read(raw)] == [Path("/far/a.mp4"), raw / "b.mp4"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["run/a.mp4", "b.mp4"], "b.mp4 lies in no class folder"),
        (["run/a.mp4", "walk/notes.txt"], r"walk holds no video \(.mp4"),
        (
            ["train/run/a.mp4", "test/run/b.mp4", "walk/c.mp4"],
            "'test' is a split's name, and 'walk' beside it is none; put that below a split",
        ),
        (["train/run/a.mp4", "test/b.mp4"], "b.mp4 lies in no class folder"),
    ],
)
def test_folders_that_cannot_be_meant_so_are_refused(tmp_path, names, message):
    with pytest.raises(SaccadeError, match=message):
        listing.look(lay(tmp_path, *names))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["run/a.mp4", "run/b.mp4"], "'run' is the only class (videos: 2); a head needs a second one"),
        (["Val/run/a.mp4", "Val/walk/b.mp4"], "of splits there is only 'Val'; add the others (understood are train"),
    ],
)
def test_what_can_only_be_tested_on_is_no_mistake_where_nothing_is_trained(mine, capsys, names, message):
    """Every video is in test then, whatever its folder says; a card that trains on it is told why it can't."""
    for number, name in enumerate(names):
        (mine / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        encode(mine / "raw" / name, frames=4 + number)
    root, dataset = mine.parents[1], load_dataset(mine.parents[1], "my-set")
    assert dataset.untrainable.partition(": ")[2].startswith(message)
    assert why_unavailable(root, dataset, "own") == dataset.untrainable and not why_unavailable(
        root, dataset, "released"
    )
    assert main(["prepare", "my-set", "--budget", "own"]) == 1 and message in capsys.readouterr().err
    assert main(["prepare", "my-set", "--budget", "released", "--workers", "1"]) == 0
    assert set(pd.read_parquet(mine / "prepared/released/index.parquet")["split"]) == {"test"}
    coverage = read_json(mine / "prepared/released/coverage.json")
    assert coverage["by_split"]["test"] == 2 and not coverage["untrained"] and not coverage["lost_classes"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,lable\na.mp4,run\n", "unknown column 'lable'; did you mean 'label'"),
        ("path:label\na.mp4:run\n", "path and label are missing, it says 'path:label'"),
        ("path,split\na.mp4,train\n", "label is missing"),
        ("", "path and label are missing"),
        ("path,label\na.mp4,\n", "line 2: 'label' is empty"),
        ("path,label\na.mp4\n", "line 2: 'label' is empty"),
        ("path,label\na.mp4,run,x\n", "line 2 has more fields than the first line"),
        ("path,label\na.mp4,run\na.mp4,walk\n", "line 3: 'a.mp4' is there already, in line 2"),
        ("path,label,split\na.mp4,run,trainee\n", "unknown split 'trainee'; understood are train .training., val"),
        ("path,label,split\na.mp4,run,train\nb.mp4,run,\n", "line 3: either every line names a split or none does"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(SaccadeError, match=message):
        listing.look(table(tmp_path, text))


def test_the_digest_follows_the_videos_and_nothing_else(tmp_path):
    raw = lay(tmp_path, "run/a.mp4", "walk/b.mp4")
    before = listing.look(raw)
    lay(raw, "walk/notes.txt")
    assert listing.look(raw) == before == ({"label": ["run", "walk"]}, before[1], "")
    (raw / "walk/b.mp4").write_bytes(b"replaced by another one")
    replaced = listing.look(raw)[1]
    assert len({before[1], replaced, listing.look(lay(raw, "walk/c.mp4"))[1]}) == 3


def splits_of(videos) -> dict[str, Counter]:
    found: dict[str, Counter] = {}
    for video in preparing.with_splits(videos, SHARES, 0):
        found.setdefault(video.label, Counter())[video.split] += 1
    return found


def test_a_class_is_dealt_by_the_shares_and_the_smallest_ones_to_train_then_test_then_val():
    found = splits_of([*single("ten", 10), *single("three", 3), *single("two", 2)])
    assert found["ten"] == {"train": 6, "test": 2, "val": 2}  # the next two would be for train
    assert found["three"] == {"train": 1, "test": 1, "val": 1}
    assert found["two"] == {"train": 1, "test": 1}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), min_size=1, max_size=60))
def test_no_cluster_is_in_two_splits(pairs):
    videos = [listing.Video(str(n), Path(str(n)), label, "", str(cluster)) for n, (label, cluster) in enumerate(pairs)]
    dealt = preparing.with_splits(videos, SHARES, 0)
    assert len({(video.cluster, video.split) for video in dealt}) == len({video.cluster for video in videos})
    assert [video.name for video in dealt] == [video.name for video in videos]


def test_persons_who_do_everything_leave_every_class_in_every_split():
    people = [
        listing.Video(f"{label}/{who}", Path("x"), label, "", who)
        for label in ("run", "walk", "jump")
        for who in "abcde"
    ]
    assert all(set(counts) == {"train", "val", "test"} for counts in splits_of(people).values())


def test_the_seed_draws_the_split_and_a_new_video_in_another_class_moves_nothing():
    def dealt(videos, seed=0):
        return {video.name: video.split for video in preparing.with_splits(videos, SHARES, seed)}

    first = dealt(single("run", 12))
    assert first != dealt(single("run", 12), seed=1)
    assert first.items() <= dealt([*single("run", 12), *single("walk", 3)]).items()


def test_without_val_a_part_of_train_becomes_it_and_test_stays(tmp_path):
    names = [f"train/{label}/{n}.mp4" for label in ("run", "walk") for n in range(4)] + [
        "test/run/a.mp4",
        "test/walk/b.mp4",
    ]
    found = preparing.with_splits(listing.read(lay(tmp_path, *names)), SHARES, 0)
    assert Counter(video.split for video in found) == {"train": 6, "val": 2, "test": 2}
    assert all(video.name.startswith("test/") == (video.split == "test") for video in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a,x,\nb,y,\nc,y,\nd,y,\n",
            "number: 1, clusters: 1. is in test; a class needs at least one video to train on",
        ),
        ("a,x,one\nb,x,one\nc,y,\nd,y,\ne,y,\n", "class 'x': none of its videos .number: 2, clusters: 1. is in test"),
        ("a,x,\nb,x,\nc,y,\nd,y,\n", "no video is left for val"),
    ],
)
def test_too_few_videos_are_refused_with_what_is_needed(tmp_path, text, message):
    raw = table(tmp_path, "path,label,cluster\n" + text)
    with pytest.raises(SaccadeError, match=message):
        preparing.check_splits(preparing.with_splits(listing.read(raw), SHARES, 0), listing.look(raw)[0]["label"], raw)


def test_a_cluster_that_the_user_put_into_two_splits_is_refused(tmp_path):
    raw = table(tmp_path, "path,label,split,cluster\na,x,train,p\nb,y,train,q\nc,x,test,p\nd,y,test,r\ne,x,val,s\n")
    with pytest.raises(SaccadeError, match="cluster 'p' is in two splits: a in train, c in test"):
        preparing.check_splits(preparing.with_splits(listing.read(raw), SHARES, 0), ["x", "y"], raw)


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Path:
    """A project with a copy of this dataset under another name, and no videos yet; gives the copy."""
    (tmp_path / "Snakefile").touch()
    folder = tmp_path / "data/my-set"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("raw", "prepared", "__pycache__"))
    card = folder / "card.yml"
    card.write_text(card.read_text().replace(f"dataset: {HERE.name}", "dataset: my-set"))
    monkeypatch.chdir(tmp_path)
    load_dataset.cache_clear()
    yield folder
    load_dataset.cache_clear()


def test_without_videos_the_dataset_is_unavailable_and_says_what_to_do(mine, capsys):
    dataset = load_dataset(mine.parents[1], "my-set")
    why = why_unavailable(mine.parents[1], dataset, "own")
    assert why.startswith("data/my-set/raw holds no videos yet; put your videos there")
    assert main(["acquire", "my-set"]) == main(["prepare", "my-set", "--budget", "own"]) == 1
    assert capsys.readouterr().err.count(why) == 2


def test_list_shows_what_is_wrong_with_the_videos_and_goes_on(mine, capsys):
    lay(mine / "raw", "run/a.mp4")
    assert main(["list", "--config", '{"budget": "own", "runs": [], "seeds": [0]}']) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "my-set Your own videos wrong " in said and "'run' is the only class" in said


def test_another_class_video_or_rule_of_reading_changes_what_snakemake_compares(mine):
    root, seen = mine.parents[1], []
    shutil.copytree(ROOT / "saccade", root / "saccade", ignore=shutil.ignore_patterns("__pycache__"))
    for names in (["run/a.mp4", "walk/b.mp4"], ["run/c.mp4"], ["jump/d.mp4"]):
        lay(mine / "raw", *names)
        load_dataset.cache_clear()
        seen.append(staleness.prepare_params(root, load_dataset(root, "my-set"), "own", ""))
    assert len({params["settings"] for params in seen}) == 3
    assert '"classes":["jump","run","walk"]' in seen[2]["settings"]
    edit(mine / "disk.py", "name.lower().endswith(SUFFIXES)", "name.endswith(SUFFIXES)")
    staleness.prepare_code.cache_clear()
    assert staleness.prepare_code(root, "my-set") != seen[2]["code"]


def test_own_videos_are_indexed_and_one_that_cannot_be_read_is_named(mine):
    for label in ("run", "walk"):
        for number in range(5):
            lay(mine / "raw", f"{label}/{number}.mp4")
            encode(mine / "raw" / label / f"{number}.mp4", frames=4 + number + 5 * (label == "walk"))
    dealt = {video.name: video.split for video in preparing.with_splits(listing.read(mine / "raw"), SHARES, 0)}
    bad = next(name for name, split in dealt.items() if split == "train")
    (mine / "raw" / bad).write_bytes(b"no video")
    assert main(["prepare", "my-set", "--budget", "own", "--workers", "1"]) == 0
    index = pd.read_parquet(mine / "prepared/own/index.parquet")
    assert dict(zip(index["video_id"], index["split"], strict=True)) == {
        name: split for name, split in dealt.items() if name != bad
    }
    assert index["label"].tolist() == [int(video.startswith("walk/")) for video in index["video_id"]]
    coverage = read_json(mine / "prepared/own/coverage.json")
    assert [problem["video_id"] for problem in coverage["problems"]] == [bad]
    assert coverage["listing"] == load_dataset(mine.parents[1], "my-set").listing
