import functools
import shutil
from pathlib import Path

import av
import numpy as np
import odd_files
import pandas as pd
import pytest
from conftest import edit
from numbered import encode, picture
from PIL import Image

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.files import read_json
from saccade.records import INDEX_COLUMNS, Head, SaccadeError
from saccade.video.index import check_index, read_index
from saccade.video.probe import probe

HEADS = {"noun": Head("noun", "single", ("a", "b"))}
CARD = """
dataset: clips
title: Clips
source: a test
licence: none
heads:
  noun: {kind: single, classes: [a, b]}
allow_missing: 0.0
"""
PREPARE = """
import pandas as pd
def prepare(settings, raw, seed, workers):
    return pd.read_json(raw / "videos.json", dtype={"video_id": str, "cluster": str}), None
"""


def write_video(path: Path, frames: int = 12) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            picture = np.full((32, 32, 3), number * 8, dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def write_pictures(folder: Path, numbers, quality: int = 90) -> None:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        Image.fromarray(picture(number)).save(folder / f"frame_{number:010d}.jpg", quality=quality)


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A project with four good videos; gives (root, a function that prepares with changed rows)."""
    raw = tmp_path / "data/clips/raw/demo"
    raw.mkdir(parents=True)
    (tmp_path / "Snakefile").touch()
    (tmp_path / "data/clips/card.yml").write_text(CARD)
    (tmp_path / "data/clips/prepare.py").write_text(PREPARE)
    for name in "abcd":
        write_video(raw / f"{name}.mp4")
    monkeypatch.chdir(tmp_path)

    def prepare(**changes) -> int:
        rows = [
            {"video_id": name, "split": split, "cluster": name, "path": f"data/clips/raw/demo/{name}.mp4", "noun": 0}
            for name, split in zip("abcd", ["train", "train", "val", "test"], strict=True)
        ]
        rows[0] |= changes
        pd.DataFrame(rows).to_json(raw / "videos.json", orient="records")
        return main(["prepare", "clips", "--budget", "demo", "--workers", "1"])

    return tmp_path, prepare


def test_every_video_is_indexed_and_counted(clips):
    root, prepare = clips
    assert prepare() == 0
    index, truth = read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))
    assert list(index.columns) == [*INDEX_COLUMNS, "noun"] and truth is None
    assert index["frames"].tolist() == [12] * 4 and index["fps"].tolist() == [12.0] * 4
    coverage = read_json(root / "data/clips/prepared/demo/coverage.json")
    assert (coverage["expected"], coverage["usable"], coverage["problems"]) == (4, 4, [])
    assert coverage["by_split"] == {"train": 2, "val": 1, "test": 1}
    assert coverage["classes_sha256"] == index.attrs["classes_sha256"] == {"noun": HEADS["noun"].classes_sha256}


def test_a_subset_reads_the_raw_files_of_its_edition_and_looks_at_its_own_videos_alone(clips, capsys):
    """Of two of three classes: a broken file of the third is no matter, labels are numbered anew."""
    root, prepare = clips
    card = root / "data/clips/card.yml"
    edit(card, "classes: [a, b]", "classes: [a, b, c]")
    assert prepare(noun=1) == 0
    kept = load_dataset(root, "clips").heads_in("c2v1")["noun"].classes
    lost = "abc".index(*set("abc") - set(kept))
    rows = [
        {"video_id": f"{name} {split}", "split": split, "cluster": name, "path": f"data/clips/raw/demo/{name}.mp4"}
        | {"noun": "abc".index(name)}
        for split in ("train", "val", "test")
        for name in "abc"
    ]
    pd.DataFrame([*rows, rows[0] | {"video_id": "again"}]).to_json(root / "data/clips/raw/demo/videos.json")
    (root / f"data/clips/raw/demo/{'abc'[lost]}.mp4").write_bytes(b"")
    assert main(["prepare", "clips@c2v1", "--budget", "demo", "--workers", "1"]) == 0
    assert "note: a subset: 6 of the 10 videos that the dataset lists" in capsys.readouterr().out
    assert [path.name for path in (root / "data/clips/raw").iterdir()] == ["demo"]
    heads = [Head("noun", "single", kept)]
    index, _ = read_index(root / "data/clips/prepared/demo@c2v1", root, heads)
    assert [kept[label] for label in index["noun"]] == [video[0] for video in index["path"].map(lambda p: Path(p).stem)]
    assert index["split"].value_counts().to_dict() == {"train": 2, "val": 2, "test": 2}
    coverage = read_json(root / "data/clips/prepared/demo@c2v1/coverage.json")
    assert (coverage["listed"], coverage["expected"], coverage["problems"]) == (10, 6, [])


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*") if file.is_file()}


def test_an_edition_of_videos_encoded_anew_names_the_new_files_and_leaves_raw_alone(clips, capsys):
    root, prepare = clips
    assert prepare() == 0
    before = everything(root / "data/clips/raw")
    assert main(["prepare", "clips@short16gop4", "--budget", "demo", "--workers", "1"]) == 0
    assert everything(root / "data/clips/raw") == before
    index, _ = read_index(root / "data/clips/prepared/demo@short16gop4", root, list(HEADS.values()))
    assert index["path"].str.startswith("data/clips/prepared/reencoded/short16gop4/").all()
    assert index["width"].tolist() == index["height"].tolist() == [16] * 4 and index["frames"].tolist() == [12] * 4
    coverage = read_json(root / "data/clips/prepared/demo@short16gop4/coverage.json")
    assert (coverage["encoded"]["short_side"], coverage["encoded"]["gop"], coverage["problems"]) == (16, 4, [])
    assert "note: videos encoded anew: a short side of 16 at most, a key frame every 4" in capsys.readouterr().out


def test_of_a_subset_only_its_own_videos_are_encoded_anew_and_once_for_all(clips, capsys):
    root, prepare = clips
    assert prepare() == 0
    for edition, said in (("short16-v1", "3 videos"), ("short16", "1 videos")):
        assert main(["prepare", f"clips@{edition}", "--budget", "demo", "--workers", "1"]) == 0
        assert f"to encode anew as short16: {said}" in capsys.readouterr().out
    assert len(list((root / "data/clips/prepared/reencoded/short16").rglob("*.mp4"))) == 4
    shutil.copytree(root / "data/clips/raw/demo", root / "data/clips/raw/own")
    assert main(["prepare", "clips@short16", "--budget", "own", "--workers", "1"]) == 0
    assert "to encode anew" not in capsys.readouterr().out


def test_a_video_that_cannot_be_encoded_anew_is_a_problem_that_is_named(clips, capsys):
    root, prepare = clips
    edit(root / "data/clips/card.yml", "allow_missing: 0.0", "allow_missing: 0.25")
    assert prepare() == 0
    (root / "data/clips/raw/demo/a.mp4").write_bytes(b"no video")
    shutil.copy(root / "data/clips/raw/demo/c.mp4", root / "data/clips/raw/demo/b.mp4")
    assert main(["prepare", "clips@short16", "--budget", "demo", "--workers", "1"]) == 0
    coverage = read_json(root / "data/clips/prepared/demo@short16/coverage.json")
    (problem,) = coverage["problems"]
    assert (problem["video_id"], problem["path"], problem["kind"]) == ("a", "data/clips/raw/demo/a.mp4", "corrupt")
    assert "a.mp4: can't be opened" in problem["reason"] and "a.mp4: can't be opened" in capsys.readouterr().out
    assert coverage["copies"] == [["b", "c", "d"]]  # of which the sources are copies


def test_an_index_of_other_classes_is_refused(clips):
    root, prepare = clips
    assert prepare() == 0
    with pytest.raises(SaccadeError, match="the classes of noun were a, b, now b, a; run prepare again"):
        read_index(root / "data/clips/prepared/demo", root, [Head("noun", "single", ("b", "a"))])


@pytest.mark.parametrize("fault", ["empty", "truncated", "text", "absent"])
def test_a_video_that_cannot_be_read_stops_it_and_is_named(clips, capsys, fault):
    root, prepare = clips
    file = root / "data/clips/raw/demo/a.mp4"
    content = file.read_bytes()
    if fault == "absent":
        file.unlink()
    else:
        file.write_bytes(
            {"empty": b"", "truncated": content[: len(content) // 2], "text": b"not a video at all\n" * 40}[fault]
        )
    assert prepare() == 1
    said = capsys.readouterr().err
    assert "1 of 4 videos can't be used" in said and "a.mp4" in said and "allow_missing" in said
    assert not (root / "data/clips/prepared/demo/index.parquet").exists()
    assert read_json(root / "data/clips/prepared/demo/coverage.failed.json")["problems"][0]["video_id"] == "a"


def test_a_card_may_allow_missing_videos_and_they_are_counted(clips):
    root, prepare = clips
    (root / "data/clips/card.yml").write_text(CARD.replace("allow_missing: 0.0", "allow_missing: 0.25"))
    (root / "data/clips/raw/demo/a.mp4").write_bytes(b"")
    assert prepare() == 0
    coverage = read_json(root / "data/clips/prepared/demo/coverage.json")
    assert (coverage["expected"], coverage["usable"]) == (4, 3)
    assert coverage["problems"][0]["video_id"] == "a" and coverage["problems"][0]["path"].endswith("a.mp4")


def test_whatever_a_file_raises_it_is_named_and_the_others_are_read(clips, monkeypatch):
    root, prepare = clips
    (root / "data/clips/card.yml").write_text(CARD.replace("allow_missing: 0.0", "allow_missing: 0.5"))
    read = probe

    def fails(path):
        if path.name == "a.mp4":
            raise AttributeError("no attribute 'decode'")
        return read(path)

    monkeypatch.setattr("saccade.steps.prepare.probe", fails)
    assert prepare() == 0
    coverage = read_json(root / "data/clips/prepared/demo/coverage.json")
    assert coverage["usable"] == 3 and coverage["problems"] == [
        {
            "video_id": "a",
            "path": "data/clips/raw/demo/a.mp4",
            "kind": "corrupt",
            "reason": f"{root}/data/clips/raw/demo/a.mp4: AttributeError: no attribute 'decode'",
        }
    ]


@pytest.mark.parametrize("way", ["whole", "packets"])
def test_the_card_says_how_files_are_probed(clips, monkeypatch, way):
    root, prepare = clips
    (root / "data/clips/card.yml").write_text(CARD + f"probe: {way}\n")
    monkeypatch.setattr(f"saccade.steps.prepare.{'probe_packets' if way == 'whole' else 'probe'}", None)
    assert prepare() == 0


def test_coverage_counts_what_is_missing_corrupt_and_too_short_by_split_and_class(clips, capsys):
    root, prepare = clips
    (root / "data/clips/card.yml").write_text(CARD.replace("0.0", "1.0") + "min_frames: 12\n")
    raw = root / "data/clips/raw/demo"
    write_video(raw / "b.mp4", frames=11)
    (raw / "c.mp4").unlink()
    (raw / "d.mp4").write_bytes(b"no video")
    rows = [("a", "train", 0), ("b", "train", 1), ("e", "train", 1), ("c", "val", 0), ("d", "test", 0)]
    rows += [("f", "val", 0), ("g", "test", 1)]
    for copy in "efg":
        shutil.copy(raw / "a.mp4", raw / f"{copy}.mp4")
    table = pd.DataFrame(rows, columns=["video_id", "split", "noun"]).assign(cluster="x")
    table["path"] = "data/clips/raw/demo/" + table["video_id"] + ".mp4"
    table.to_json(raw / "videos.json", orient="records")
    assert main(["prepare", "clips", "--budget", "demo", "--workers", "1"]) == 0
    coverage = read_json(root / "data/clips/prepared/demo/coverage.json")
    train = {"expected": 3, "present": 2, "too short": 1}
    assert coverage["by_kind"] == {
        "train": train,
        "val": {"expected": 2, "present": 1, "missing": 1},
        "test": {"expected": 2, "present": 1, "corrupt": 1},
    }
    assert coverage["by_class"]["noun"] == {
        "a": {
            "train": {"expected": 1, "present": 1},
            "val": {"expected": 2, "present": 1, "missing": 1},
            "test": {"expected": 1, "present": 0, "corrupt": 1},
        },
        "b": {"train": {"expected": 2, "present": 1, "too short": 1}, "test": {"expected": 1, "present": 1}},
    }
    assert [(row["video_id"], row["kind"]) for row in coverage["problems"]] == [
        ("b", "too short"),
        ("c", "missing"),
        ("d", "corrupt"),
    ]
    assert coverage["problems"][0]["reason"].endswith("b.mp4: has 11 of the 12 frames that min_frames asks for")
    said = capsys.readouterr().out
    assert "       expected  present  missing  corrupt  too short\ntrain         3        2        0        0" in said


def test_files_that_no_list_names_are_counted(clips, capsys):
    root, prepare = clips
    file = root / "data/clips/prepare.py"
    file.write_text(
        PREPARE.replace("    return ", "    videos = ").replace(", None\n", "\n")
        + "    videos.attrs['unlisted'] = ['raw/x.mp4', 'raw/y.mp4']\n    return videos, None\n"
    )
    assert prepare() == 0
    assert read_json(root / "data/clips/prepared/demo/coverage.json")["unlisted"] == ["raw/x.mp4", "raw/y.mp4"]
    assert "note: not in the lists: 2 files, raw/x.mp4, raw/y.mp4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("apart", "file", "copies"),
    [("false", "coverage.json", []), ("true", "coverage.failed.json", [["a", "b", "c", "d"]])],
)
def test_copies_among_many_are_looked_for_where_clusters_must_be_apart(clips, monkeypatch, apart, file, copies):
    root, prepare = clips
    monkeypatch.setattr("saccade.video.coverage.MOST_COMPARED", 3)
    (root / "data/clips/card.yml").write_text(CARD + f"clusters_apart: {apart}\n")
    prepare()
    assert read_json(root / "data/clips/prepared/demo" / file)["copies"] == copies


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0], [], [1, 2], [0, 2]], None),
        ([[0], [], [1, 3], [5]], "video v2: tags label 3 is outside the 3 classes"),
        ([[0], None, [1], [0]], "videos without a tags label: v1"),
    ],
)
def test_lists_of_labels_are_checked(values, message):
    videos = pd.DataFrame({"video_id": [f"v{n}" for n in range(4)], "split": "train", "tags": values})
    check = functools.partial(
        check_index, videos, [Head("tags", "multi", ("x", "y", "z"))], Path("list"), ["video_id", "split"]
    )
    if message is None:
        check()
    else:
        with pytest.raises(SaccadeError, match=message):
            check()


def test_a_second_budget_probes_nothing_again(clips, monkeypatch):
    root, prepare = clips
    assert prepare() == 0
    shutil.copytree(root / "data/clips/raw/demo", root / "data/clips/raw/study")
    monkeypatch.setattr("saccade.steps.prepare.probe", None)
    assert main(["prepare", "clips", "--budget", "study"]) == 0
    first, second = (
        read_index(root / "data/clips/prepared" / budget, root, list(HEADS.values()))[0] for budget in ("demo", "study")
    )
    pd.testing.assert_frame_equal(first, second)


def test_a_file_that_changed_is_probed_anew(clips):
    root, prepare = clips
    assert prepare() == 0
    write_video(root / "data/clips/raw/demo/b.mp4", frames=30)
    assert prepare() == 0
    index, _ = read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))
    assert index["frames"].tolist() == [12, 30, 12, 12]


@pytest.fixture
def segments(clips, monkeypatch):
    """The project with two segments of a long folder of pictures and a folder of its own; gives (root, prepare)."""
    root, _ = clips
    raw = root / "data/clips/raw/demo"
    write_pictures(raw / "P01", range(1, 31))
    write_pictures(raw / "P02", range(1, 9))
    rows = [("s0", "train", "P01", 3, 10), ("s1", "val", "P01", 21, 10), ("s2", "test", "P02", None, None)]
    columns = ["video_id", "split", "path", "first_frame", "frames"]
    table = pd.DataFrame(rows, columns=columns).assign(cluster="c", noun=0, fps=50.0)
    table["path"] = "data/clips/raw/demo/" + table["path"]

    def prepare(**changes) -> int:
        table.assign(**changes).to_json(raw / "videos.json", orient="records")
        return main(["prepare", "clips", "--budget", "demo", "--workers", "1"])

    return root, prepare


def test_segments_of_folders_of_pictures_are_indexed(segments):
    root, prepare = segments
    assert prepare() == 0
    index, _ = read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))
    assert index[["first_frame", "frames", "fps", "duration_s", "audio"]].values.tolist() == [
        [3, 10, 50.0, 0.2, False],
        [21, 10, 50.0, 0.2, False],
        [1, 8, 50.0, 0.16, False],
    ]
    assert index["path"].tolist() == [f"data/clips/raw/demo/{name}" for name in ("P01", "P01", "P02")]


def test_pictures_that_changed_are_noticed_and_probed_anew(segments):
    root, prepare = segments
    assert prepare() == 0
    write_pictures(root / "data/clips/raw/demo/P02", [8], quality=30)
    with pytest.raises(SaccadeError, match=r"no longer matches its files: .*P02 has .*run prepare again"):
        read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))
    assert prepare() == 0
    read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))
    (root / "data/clips/raw/demo/P01/frame_0000000030.jpg").unlink()
    with pytest.raises(SaccadeError, match=r"P01 is missing"):
        read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))


def test_what_is_said_of_folders_holds_for_no_file(segments, capsys):
    _, prepare = segments
    assert prepare(path=["data/clips/raw/demo/a.mp4", "data/clips/raw/demo/P01", "data/clips/raw/demo/none"]) == 1
    said = capsys.readouterr().err
    assert "a.mp4: fps, first_frame, frames are said of folders of pictures; this is none" in said
    assert "demo/none: no such file" in said


def test_a_playlist_is_a_problem_that_is_named(clips, capsys):
    root, prepare = clips
    raw = root / "data/clips/raw/demo"
    (raw / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{raw}/b.mp4\n#EXT-X-ENDLIST\n")
    assert prepare(path="data/clips/raw/demo/list.m3u8") == 1
    assert "list.m3u8: is an HLS or M3U playlist" in capsys.readouterr().err


def test_what_is_peculiar_of_videos_is_counted_and_said(clips, capsys):
    root, prepare = clips
    raw = root / "data/clips/raw/demo"
    (raw / "a.mp4").write_bytes(odd_files.turned((raw / "a.mp4").read_bytes(), "90"))
    encode(raw / "b.mp4", shown_at=[0, 1, 2, 30, 31])
    assert prepare() == 0
    said = capsys.readouterr().out
    assert (
        "note: 1 of variable frame rate (" in said and "): b; 1 stored turned or mirrored (read upright): a\n" in said
    )
    coverage = read_json(root / "data/clips/prepared/demo/coverage.json")
    assert coverage["peculiar"] == {
        "variable_rate": {"videos": 1, "first": ["b"]},
        "rotated": {"videos": 1, "first": ["a"]},
    }
    index, _ = read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))
    times = dict(zip(index["video_id"], index["times_s"], strict=True))
    assert times["b"] == pytest.approx([0, 0.1, 0.2, 3.0, 3.1]) and len(times["a"]) == len(times["c"]) == 0


def test_what_a_dataset_notes_of_its_lists_is_said_and_kept(clips, capsys):
    root, prepare = clips
    noting = "    videos.attrs['notes'] = ['odd rows: 2']\n    return videos, None\n"
    (root / "data/clips/prepare.py").write_text(PREPARE.replace("return ", "videos = ").replace(", None", "") + noting)
    assert prepare() == 0
    assert "note: odd rows: 2\n" in capsys.readouterr().out
    assert read_json(root / "data/clips/prepared/demo/coverage.json")["notes"] == ["odd rows: 2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noun": 2}, "video a: noun label 2 is outside the 2 classes"),
        ({"noun": -1}, "video a: noun label -1 is outside"),
        ({"video_id": "b"}, "video ids given twice: b"),
        ({"split": "dev"}, "unknown split dev; there are train, val, test"),
    ],
)
def test_a_wrong_row_stops_it_with_one_message(clips, capsys, changes, message):
    root, prepare = clips
    assert prepare(**changes) == 1
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said
    assert not (root / "data/clips/prepared/demo/index.parquet").exists()


def test_an_index_that_no_longer_matches_its_files_is_refused(clips):
    root, prepare = clips
    assert prepare() == 0
    write_video(root / "data/clips/raw/demo/b.mp4", frames=30)
    with pytest.raises(SaccadeError, match=r"no longer matches its files: .*b.mp4 has .*run prepare again"):
        read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))
    (root / "data/clips/raw/demo/b.mp4").unlink()
    with pytest.raises(SaccadeError, match=r"b.mp4 is missing"):
        read_index(root / "data/clips/prepared/demo", root, list(HEADS.values()))


def test_a_folder_that_cannot_be_written_is_named_and_the_old_index_stays(clips, capsys, monkeypatch):
    root, prepare = clips
    assert prepare() == 0
    before = (root / "data/clips/prepared/demo/index.parquet").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("saccade.files.os.replace", full)
    assert prepare(noun=1) == 1
    assert "cannot write" in capsys.readouterr().err
    assert (root / "data/clips/prepared/demo/index.parquet").read_bytes() == before
    assert not list((root / "data/clips/prepared/demo").glob(".*"))


def test_an_unknown_dataset_edition_or_run_is_one_message(clips, capsys):
    root, _ = clips
    shutil.copytree(root / "data/clips", root / "data/other", ignore=shutil.ignore_patterns("raw", "prepared"))
    for arguments, message in (
        (["prepare", "klips"], "unknown dataset 'klips'; did you mean 'clips'"),
        (["prepare", "clips@2"], "unknown edition '2'"),
        (["prepare", "other"], "dataset is 'clips' but the folder is 'other'"),
        (["train", "demo/clips/none/x/seed0", "train"], "unknown method 'none'"),
    ):
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert message in said and "Traceback" not in said
