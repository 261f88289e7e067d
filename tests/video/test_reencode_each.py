"""Videos are encoded anew once, each by itself, whatever happens on the way."""

import collections
import os

import pytest
from numbered import encode

from saccade.files import read_json
from saccade.records import SaccadeError
from saccade.reencoding import Reencoding
from saccade.video import reencode_each as module
from saccade.video.container import VideoError
from saccade.video.decode import probe
from saccade.video.reencode_each import reencode_each

WAY = Reencoding(32, gop=4)
NAMES = ["a.mp4", "b/a.mp4", "b b/#1 (it's) [x] é%.mp4", "ひ" * 80 + ".mp4"]


@pytest.fixture
def root(tmp_path):
    one = encode(tmp_path / "one.mp4", 5)
    for name in NAMES:
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(one, tmp_path / "raw" / name)
    return tmp_path


def made(root, names=NAMES, way=WAY, workers=1):
    return reencode_each(root, root / "new" / str(way), [f"raw/{name}" for name in names], way, workers)


def written(root) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((root / "new").rglob("*")) if path.is_file()}


@pytest.fixture
def asked(monkeypatch):
    """Which sources are encoded anew, as they are asked for."""
    found = []

    def spy(source, target, way):
        found.append(source.name)
        return real(source, target, way)

    real = module.reencode
    monkeypatch.setattr(module, "reencode", spy)
    return found


def test_any_name_gets_a_file_of_its_own(root):
    files, reasons = made(root)
    assert list(files) == [f"raw/{name}" for name in NAMES] and reasons == {}
    assert len(set(files.values())) == 4 and all(probe(root / path).frames == 5 for path in files.values())
    assert all(path.startswith("new/short32gop4/") and path.isascii() for path in files.values())


def test_what_is_there_is_not_made_again(root, asked):
    files, _ = made(root, NAMES[:2])
    assert made(root)[0].items() >= files.items()
    assert asked == ["a.mp4", "a.mp4", *(name.rpartition("/")[2] for name in NAMES[2:])]


@pytest.mark.parametrize("change", ["source", "record", "length", "way", "lost"])
def test_what_does_not_vouch_for_itself_is_made_again(root, asked, change):
    (path,) = made(root, ["a.mp4"])[0].values()
    record, way = (root / path).with_suffix(".json"), WAY
    if change == "source":
        os.utime(root / "raw/a.mp4", ns=(5, 5))
    elif change == "record":
        record.write_text(record.read_text()[:-9])
    elif change == "length":
        (root / path).write_bytes((root / path).read_bytes()[:-9])
    elif change == "lost":
        (root / path).unlink()
    else:
        way = Reencoding(32, gop=5)
    (again,) = made(root, ["a.mp4"], way)[0].values()
    assert len(asked) == 2 and probe(root / again).frames == 5
    assert read_json((root / again).with_suffix(".json"))["mtime_ns"] == (root / "raw/a.mp4").stat().st_mtime_ns


def test_one_that_cannot_be_is_said_and_leaves_nothing(root, asked):
    """Also of one that was whole once."""
    made(root, ["a.mp4"])
    (root / "raw/a.mp4").unlink()
    (root / "raw/a.mp4").write_bytes((root / "one.mp4").read_bytes()[:-300])
    (root / "raw/empty.mp4").touch()
    (root / "raw/frames").mkdir()
    files, reasons = made(root, ["empty.mp4", "absent.mp4", "frames", *NAMES])
    assert list(files) == [f"raw/{name}" for name in NAMES[1:]]
    said = {"empty.mp4": "the file is empty", "absent.mp4": "no such file", "frames": "a folder", "a.mp4": "truncated"}
    assert list(reasons) == [f"raw/{name}" for name in said]
    assert all(reason in reasons[f"raw/{name}"] for name, reason in said.items())
    assert len([path for path in written(root) if path.endswith(".mp4")]) == 3 == len(written(root)) / 2


def test_whatever_one_raises_the_others_are_made(root, monkeypatch):
    def fails(source, target, way):
        if source.parent.name == "b":
            raise AttributeError("no attribute 'width'")
        real(source, target, way)

    real = module.reencode
    monkeypatch.setattr(module, "reencode", fails)
    files, reasons = made(root)
    assert reasons == {"raw/b/a.mp4": f"{root}/raw/b/a.mp4: AttributeError: no attribute 'width'"} and len(files) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SaccadeError("cannot write x: No space left on device")])
def test_what_is_done_before_an_end_stays(root, monkeypatch, error):
    def ends(source, target, way):
        if source.parent.name == "b b":
            raise error
        real(source, target, way)

    real = module.reencode
    monkeypatch.setattr(module, "reencode", ends)
    with pytest.raises(type(error), match=r"^$|No space left on device; the videos that are done stay"):
        made(root, NAMES[:3])
    before = written(root)
    assert len(before) >= 2
    monkeypatch.undo()
    made(root, NAMES[:3])
    assert written(root).items() >= before.items() and len(written(root)) == 6


def test_a_write_that_fails_is_no_videos_fault(root):
    (root / "new").mkdir()
    (root / "new/short32gop4").write_text("in the way of the folder")
    with pytest.raises(SaccadeError, match=r"cannot write into .*short32gop4") as found:
        made(root)
    assert not isinstance(found.value, VideoError)


def test_room_is_asked_for_once_a_few_are_done(root, monkeypatch, capsys):
    for number in range(30):
        os.link(root / "one.mp4", root / f"raw/{number}.mp4")
    names = [f"{number}.mp4" for number in range(30)]
    disk = collections.namedtuple("disk", "free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: disk(64 * 2**20 + 1000))
    with pytest.raises(
        SaccadeError, match=r"will need about .*B are free; make room and run again \(12 of 30 are done"
    ):
        made(root, names)
    assert len(written(root)) == 24
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: disk(80 * 2**20))
    made(root, names)
    said = capsys.readouterr().out
    assert "to encode anew as short32gop4: 18 videos, " in said and "; 12 are there already" in said


def test_large_videos_go_before_small_ones_but_for_a_few_of_all_sizes(root, asked):
    sizes = {name: encode(root / f"raw/{name}.mp4", name).stat().st_size for name in range(1, 28)}
    made(root, [f"{name}.mp4" for name in sizes])
    order = [int(name.removesuffix(".mp4")) for name in asked]
    few, rest = order[:9], order[9:]
    assert [sizes[name] for name in few] == sorted((sizes[name] for name in few), reverse=True)
    assert [sizes[name] for name in rest] == sorted((sizes[name] for name in rest), reverse=True)
    assert min(few) < 4 and max(few) > 24


def test_processes_make_the_same_files(root):
    made(root, NAMES)
    before = written(root)
    (root / "new").rename(root / "old")
    made(root, NAMES, workers=2)
    assert written(root) == before
