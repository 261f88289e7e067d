"""Archives of every kind come out whole or not at all, and write nowhere else."""

import io
import os
import random
import resource
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from acquire import rar
from acquire.rar import has_libarchive, write_rar
from conftest import ROOT

from saccade.acquire import archives, writing
from saccade.acquire.archives import Unpacked, unpack
from saccade.acquire.unar import has_unar
from saccade.records import SaccadeError
from saccade.temporary import look_again

RARS = ROOT.parent / "shared" / "fixtures" / "rar"
fixtures = pytest.mark.skipif(not RARS.is_dir(), reason="the shared fixture archives are not here")
needs_libarchive = pytest.mark.skipif(not has_libarchive(), reason="libarchive is not installed")
needs_unar = pytest.mark.skipif(not has_unar(), reason="unar is not installed")

FILES = {
    "Class A (in game)/v_it's [1] #2.avi": random.Random(0).randbytes(50_000),
    "Class A (in game)/größe ☃.avi": b"two",
    "b/empty.avi": b"",
}
TARS = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
RAR_KINDS = [pytest.param(kind, marks=needs_libarchive) for kind in ("rar", "rar5")]
KINDS = ["zip", *TARS, *RAR_KINDS]


def packed(kind: str, path: Path, files: dict[str, bytes] = FILES) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    elif kind in TARS:
        write_tar(path, *[member(name, content) for name, content in files.items()], mode=TARS[kind])
    else:
        write_rar(path, files, version=5 if kind == "rar5" else 4)
    return path


def member(name: str, content: bytes = b"", **attributes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=kind, linkname=target)


def write_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w", **options) -> Path:
    with tarfile.open(path, mode, **options) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive, match: str, **options) -> str:
    """The message; nothing is left, neither in the folder nor beside it."""
    folder = (archive if isinstance(archive, Path) else archive[0]).parent
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(SaccadeError, match=match) as caught:
        unpack(archive, folder / "out", **options)
    assert sorted(folder.parent.rglob("*")) == before
    return str(caught.value)


@pytest.fixture
def place(tmp_path):
    """A folder to pack and unpack in, inside of one that nothing may reach."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_out_whole_whatever_it_is_called(place, kind):
    archive = packed(kind, place / "videos.part")
    assert unpack(archive, place / "raw" / "videos") == Unpacked(3, 50_003)
    assert contents(place / "raw" / "videos") == FILES
    assert [path.name for path in (place / "raw").iterdir()] == ["videos"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_of_a_split_archive_are_read_as_one(place, kind):
    whole = packed(kind, place / "whole").read_bytes()
    cuts = [0, len(whole) // 3, len(whole) // 3 + 1, len(whole)]
    parts = [place / f"videos-{number:02d}" for number in range(3)]
    for part, start, end in zip(parts, cuts, cuts[1:], strict=False):
        part.write_bytes(whole[start:end])
    unpack(parts, place / "out")
    assert contents(place / "out") == FILES


def test_a_folder_that_is_there_is_left_alone(place):
    archive = packed("zip", place / "a.zip")
    (place / "out").mkdir()
    with pytest.raises(FileExistsError):
        unpack(archive, place / "out")
    assert contents(place / "out") == {}


def test_a_folder_that_another_process_makes_meanwhile_stays_the_others(place):
    archive = packed("zip", place / "a.zip")

    def other(done, of):
        (place / "out").mkdir(exist_ok=True)
        (place / "out" / "theirs").touch()

    with pytest.raises(FileExistsError):
        unpack(archive, place / "out", progress=other)
    assert contents(place / "out") == {"theirs": b""}


@pytest.mark.parametrize("kind", KINDS)
def test_progress_counts_the_bytes_of_the_archive(place, kind):
    archive, told = packed(kind, place / "a"), []
    unpack(archive, place / "out", progress=lambda done, of: told.append((done, of)))
    size = archive.stat().st_size
    assert told[-1] == (size, size) and told == sorted(told)


# What is damaged


@pytest.mark.parametrize("share", [0.1, 0.6])
@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_ends_early_leaves_nothing(place, kind, share):
    archive = packed(kind, place / "ucf.bin")
    os.truncate(archive, int(archive.stat().st_size * share))
    message = refused(archive, "remove the file and run `saccade acquire ucf101`", dataset="ucf101")
    assert "ucf.bin can't be unpacked: " in message


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz", *RAR_KINDS])  # a tar ends with many zeros
def test_the_last_byte_is_missed(place, kind):
    archive = packed(kind, place / "a")
    os.truncate(archive, archive.stat().st_size - 1)
    refused(archive, "can't be unpacked")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz", *RAR_KINDS])
def test_a_changed_byte_is_noticed(place, kind):
    archive = packed(kind, place / "a")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    refused(archive, r"a can't be unpacked: .*; remove the file and download again")


@pytest.mark.parametrize("kind", ["zip", *RAR_KINDS])
def test_the_damaged_member_is_named(place, kind):
    archive = packed(kind, place / "a")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    refused(archive, r"Class A \(in game\)/v_it's \[1\] #2.avi")


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_happened_to_it_an_archive_is_whole_or_refused(place, kind, monkeypatch):
    monkeypatch.setattr(archives, "has_unar", lambda: False)  # it is slow to start
    content, draw = packed(kind, place / "whole").read_bytes(), random.Random(1)
    for number in range(40):
        damaged, at = bytearray(content), draw.randrange(len(content))
        damaged[at : at + draw.choice([1, 1, 512])] = draw.randbytes(draw.choice([0, 1, 512]))
        (place / "a").write_bytes(damaged)
        try:
            unpack(place / "a", place / "out" / str(number))
        except SaccadeError:
            continue
        assert kind == "tar" or contents(place / "out" / str(number)) == FILES  # a tar has no sums of its files


def test_a_damaged_header_of_a_tar_is_not_taken_for_its_end(place):
    archive = write_tar(place / "a.tar", member("a.avi", b"one"), member("b.avi", b"two"))
    content = bytearray(archive.read_bytes())
    content[1024 + 5] ^= 1  # the second header's name
    archive.write_bytes(content)
    refused(archive, "what follows a.avi: bad checksum")


def test_a_tar_without_its_end_is_not_whole(place):
    archive = write_tar(place / "a.tar", member("a.avi", b"one"), member("b.avi", b"two"))
    os.truncate(archive, 2048)  # both members are there
    refused(archive, "what follows b.avi: empty header")


def test_a_file_longer_than_it_says_is_stopped(place):
    allowance = writing.Allowance(place, 1000)
    writer = writing.Writer(place / "out", allowance, lambda: None)
    endless = iter(lambda: b"x" * 10, None)
    with pytest.raises(SaccadeError, match="a.avi is longer than it says"):
        writer.write(writing.Member("a.avi", "file", 25, lambda: endless))
    assert (place / "out" / "a.avi").stat().st_size <= 25


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"\n<!DOCTYPE html><html>log in</html>", "it is a web page"),
        (b"7z\xbc\xaf\x27\x1c", "it is no zip, tar or RAR"),
    ],
)
def test_what_is_no_archive_is_called_what_it_is(place, content, said):
    (place / "a.zip").write_bytes(content)
    refused(place / "a.zip", said)


def test_an_archive_without_files_is_none(place):
    refused(packed("zip", place / "a.zip", {"folder/": b""}), "it holds no file")


# What would write elsewhere


@pytest.mark.parametrize("kind", ["zip", "tar", RAR_KINDS[1]])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "\\evil", "C:\\evil", "c:evil"])
def test_a_name_that_leads_out_is_refused(place, kind, name):
    refused(packed(kind, place / "a", {"good": b"1", name: b"2"}), "leads out of the folder")


def test_backslashes_are_folders(place):
    unpack(packed("zip", place / "a.zip", {"class\\a.avi": b"1", "empty\\": b""}), place / "out")
    assert contents(place / "out") == {"class/a.avi": b"1"} and (place / "out" / "empty").is_dir()


@pytest.mark.parametrize("target", ["..", "/etc", "../../downloads", "b/../../..", "nothing"])
def test_a_link_that_leads_out_is_refused(place, target):
    refused(write_tar(place / "a.tar", link("a", target), member("b/c", b"1")), "is a link to .*, which isn't in the")


def test_a_link_that_leads_out_through_another_is_refused(place):
    members = [member("x/y/z", b"1"), link("x/y/top", "../.."), link("out", "x/y/top/../../..")]
    refused(write_tar(place / "a.tar", *members), "is a link to")


def test_nothing_is_written_through_a_link(place):
    (place.parent / "outside").mkdir()
    members = [member("there/f", b"1"), link("a", "there"), member("a/evil.txt", b"2")]
    refused(write_tar(place / "a.tar", *members), "a is in it twice")


def test_links_inside_stay(place):
    members = [member("b/c.avi", b"1"), link("a/d.avi", "../b/c.avi"), link("e.avi", "b/c.avi", tarfile.LNKTYPE)]
    assert unpack(write_tar(place / "a.tar", *members), place / "out").bytes == 1
    assert contents(place / "out") == {"b/c.avi": b"1", "a/d.avi": b"1", "e.avi": b"1"}


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "not/there"])
def test_a_hard_link_that_leads_out_is_refused(place, target):
    (place / "secret").write_text("mine")
    members = [member("b", b"1"), link("a", target, tarfile.LNKTYPE)]
    refused(write_tar(place / "a.tar", *members), "leads out|isn't in the archive")


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_devices_are_refused(place, kind):
    refused(write_tar(place / "a.tar", member("b", b"1"), member("pipe", type=kind)), "pipe is a device")


def test_a_link_in_a_zip_is_looked_at_as_well(place):
    with zipfile.ZipFile(place / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("up")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "..")
    refused(place / "a.zip", "up is a link to ..")


def test_permissions_are_our_own(place):
    members = [
        member("run", b"1", mode=0o6777),
        member("locked", mode=0, type=tarfile.DIRTYPE),
        member("locked/f", mode=0),
    ]
    unpack(write_tar(place / "a.tar", *members), place / "out")
    (place / "plain").touch()
    modes = {path.name: path.stat().st_mode for path in (place / "out").rglob("*")}
    assert modes["run"] == modes["f"] == (place / "plain").stat().st_mode
    assert modes["locked"] == place.stat().st_mode


# Names


def test_the_same_file_twice_is_one(place):
    archive = write_tar(place / "a.tar", member("a", b"same"), member("./a", b"same"))
    assert unpack(archive, place / "out") == Unpacked(1, 4)


@pytest.mark.parametrize("second", [b"more than", b"les", b"diff"])
def test_a_name_for_two_files_is_refused(place, second):
    refused(write_tar(place / "a.tar", member("a", b"same"), member("a", second)), "a is in it twice")


@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b", "a"], ["a/b/c", "a/b"]])
def test_a_name_for_a_file_and_a_folder_is_refused(place, names):
    refused(packed("tar", place / "a.tar", dict.fromkeys(names, b"1")), "a file and a folder have this name")


@pytest.mark.parametrize(("stored", "read"), [(b"gr\x94\xe1e.avi", "größe.avi"), ("größe.avi".encode(), "größe.avi")])
def test_unmarked_names_in_a_zip_are_utf8_or_code_page_437(place, stored, read):
    archive = packed("zip", place / "a.zip", {"?" * len(stored): b"1"})
    archive.write_bytes(archive.read_bytes().replace(b"?" * len(stored), stored))
    unpack(archive, place / "out")
    assert contents(place / "out") == {read: b"1"}


def test_names_in_a_tar_that_are_no_utf8_are_latin1(place):
    archive = write_tar(place / "a.tar", member("größe.avi", b"1"), encoding="latin-1", format=tarfile.GNU_FORMAT)
    unpack(archive, place / "out")
    assert contents(place / "out") == {"größe.avi": b"1"}


# What is too much


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_not_unpacked(place, kind, monkeypatch):
    monkeypatch.setattr(writing, "BOMB_BYTES", 10**6)
    archive = packed("tar.gz", place / "a", {str(number): bytes(10**5) for number in range(30)})
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            opened.writestr("zeros", bytes(3 * 10**6))
    refused(archive, "more than 200 times its size")


def test_a_table_may_shrink(place):
    with zipfile.ZipFile(place / "a.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros", bytes(3 * 10**6))
    assert unpack(place / "a.zip", place / "out").bytes == 3 * 10**6


@pytest.mark.parametrize("kind", KINDS)
def test_the_disk_is_asked_before_anything_is_written(place, kind, monkeypatch):
    archive = packed(kind, place / "a")
    free = shutil.disk_usage(place)._replace(free=writing.SPARE_BYTES + 49_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free)
    monkeypatch.setattr(writing.Writer, "write", lambda *given: pytest.fail("it writes"))
    refused(archive, r"it needs 0.0 GB, and 0.0 GB are free on the disk of .*/downloads")


def test_a_full_disk_leaves_nothing(place):
    archive = packed("tar.gz", place / "a", {"a.avi": b"x", "b.avi": bytes(10**6)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10**5, limits[1]))
        message = refused(
            archive, "cannot unpack .*/a into .*/out: File too large; is the folder writable and is there"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "remove" not in message


def test_too_many_files_are_refused(place, monkeypatch):
    monkeypatch.setattr(writing, "MOST_FILES", 2)
    refused(packed("tar", place / "a.tar"), "more than 2 files")


# What needs a password


def test_an_encrypted_zip_needs_a_password(place):
    archive = packed("zip", place / "a.zip")
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"))
    refused(archive, "is encrypted and needs a password")


@pytest.mark.parametrize("header", [rar.MAIN, rar.FILE])
def test_an_encrypted_rar4_needs_a_password(place, header):
    refused(
        write_rar(place / "a.rar", FILES, flags={header: rar.ENCRYPTED[header]}), "it is encrypted and needs a password"
    )


def test_one_volume_of_several_is_refused(place):
    refused(write_rar(place / "a.rar", FILES, flags={rar.MAIN: 0x01}), "it is one volume of several")


# Archives inside


def hmdb(place: Path) -> dict[str, bytes]:
    """Two classes, each in a RAR of its own."""
    for number, name in enumerate(("brush_hair", "cartwheel")):
        packed("rar", place / name, {f"{name}/{clip}.avi": bytes([number, clip]) * 100 for clip in range(3)})
    return {f"{path.name}.rar": path.read_bytes() for path in (place / "brush_hair", place / "cartwheel")}


@needs_libarchive
def test_a_rar_of_rars_becomes_a_folder_of_folders(place):
    archive = packed("rar", place / "hmdb51_org.rar", hmdb(place))
    told = []
    given = unpack(archive, place / "out", nested=True, progress=lambda *now: told.append(now))
    names = {f"{name}/{name}/{clip}.avi" for name in ("brush_hair", "cartwheel") for clip in range(3)}
    assert set(contents(place / "out")) == names and given == Unpacked(6, 6 * 200)
    assert told[-1][0] == told[-1][1] > archive.stat().st_size


@needs_libarchive
def test_archives_inside_stay_where_they_are_not_asked_for(place):
    files = hmdb(place)
    unpack(packed("rar", place / "a.rar", files), place / "out")
    assert contents(place / "out") == files


@needs_libarchive
@pytest.mark.parametrize("damage", [lambda inner: inner[:-300], lambda inner: b"", lambda inner: inner[::-1]])
def test_a_damaged_archive_inside_names_itself(place, damage):
    files = hmdb(place)
    files["cartwheel.rar"] = damage(files["cartwheel.rar"])
    archive = packed("rar", place / "hmdb51_org.rar", files)
    message = refused(archive, "cartwheel.rar inside: ", nested=True, dataset="hmdb51")
    assert message.startswith(str(archive)) and message.endswith("remove the file and run `saccade acquire hmdb51`")


def test_only_tars_are_archives_in_gz(place):
    import gzip

    tar = packed("tar.gz", place / "tar").read_bytes()
    files = {"table.csv.gz": gzip.compress(b"a,b"), "clips.tar.gz": tar, "more.gz": tar, "odd.gz": b"none"}
    unpack(packed("zip", place / "a.zip", files), place / "out", nested=True)
    inside = {f"{folder}/{name}": content for folder in ("clips", "more") for name, content in FILES.items()}
    assert contents(place / "out") == inside | {name: files[name] for name in ("table.csv.gz", "odd.gz")}


def test_an_archive_beside_a_folder_of_its_name_keeps_its_ending(place):
    files = {"a/b.avi": b"1", "a.zip": packed("zip", place / "inner").read_bytes()}
    unpack(packed("zip", place / "a.zip", files), place / "out", nested=True)
    assert contents(place / "out") == {"a/b.avi": b"1"} | {f"a.zip/{name}": content for name, content in FILES.items()}


def test_archives_lie_two_deep_at_most(place):
    content = b"1"
    for name in ("a.avi", "3.zip", "2.zip", "1.zip"):
        content = packed("zip", place / "a.zip", {name: content}).read_bytes()
    refused(place / "a.zip", "3.zip is an archive in an archive in an archive", nested=True)


# RAR


@needs_libarchive
@fixtures
@pytest.mark.parametrize("name", ["rar3-subdirs", "rar5-subdirs"])
def test_real_rars_with_folders(place, name):
    unpack(RARS / f"{name}.rar", place / "out")
    found = contents(place / "out")
    assert len(found) == 4 and found["sub/üȵĩöḋè/file.txt"] == b"file\n"
    assert found["sub/with space/long fn.txt"] == b"long fn\n" and (place / "out/sub/empty").is_dir()


@needs_libarchive
@fixtures
def test_a_real_rar_of_compressed_files(place):
    unpack(RARS / "rar5-crc.rar", place / "out")
    first, second = (place / "out" / f"stest{number}.txt" for number in (1, 2))
    assert first.read_bytes() == second.read_bytes() and first.stat().st_size == 2048


@fixtures
@pytest.mark.parametrize(
    "reader", [pytest.param("libarchive", marks=needs_libarchive), pytest.param("unar", marks=needs_unar)]
)
def test_a_link_in_a_rar_writes_nothing_outside(place, reader, monkeypatch):
    if reader == "unar":
        without_libarchive(monkeypatch)
    shutil.copy(RARS / "rar5-evil-symlink-traversal.rar", place / "a.rar")
    refused(place / "a.rar", "up is a link")


@fixtures
def test_a_real_rar_with_a_password(place):
    shutil.copy(RARS / "rar5-psw.rar", place / "a.rar")
    refused(place / "a.rar", "it is encrypted and needs a password")


@fixtures
@needs_unar
def test_what_libarchive_cannot_unpack_unar_does(place):
    assert unpack(RARS / "rar3-solid.rar", place / "out") == Unpacked(2, 4096)


@needs_libarchive
@fixtures
def test_without_unar_it_is_named(place, monkeypatch):
    monkeypatch.setattr(archives, "has_unar", lambda: False)
    shutil.copy(RARS / "rar3-solid.rar", place / "a.rar")
    refused(place / "a.rar", "solid .* unar can unpack more, and isn't here: `apt-get install unar`")


def without_libarchive(monkeypatch):
    monkeypatch.setitem(sys.modules, "libarchive", None)


@needs_unar
@pytest.mark.parametrize("kind", ["rar", "rar5"])
def test_unar_alone_unpacks_as_well(place, kind, monkeypatch):
    without_libarchive(monkeypatch)
    archive = packed(kind, place / "videos1.rar")
    packed(kind, place / "videos2.rar", {"other": b""})  # names of one archive's volumes
    assert unpack(archive, place / "out") == Unpacked(3, 50_003)
    assert contents(place / "out") == FILES


@needs_unar
def test_unar_alone_notices_a_changed_byte(place, monkeypatch):
    without_libarchive(monkeypatch)
    archive = packed("rar", place / "a.rar")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    refused(archive, "Wrong checksum")


@needs_unar
def test_a_rar_5_that_ends_behind_a_whole_file_is_not_whole(place):
    """unar would take it."""
    archive = write_rar(place / "a.rar", FILES, version=5)
    os.truncate(archive, archive.stat().st_size - 8)
    refused(archive, "it ends early")


@needs_unar
def test_an_old_rar_needs_no_end_mark(place):
    archive = write_rar(place / "a.rar", FILES, version=4)
    os.truncate(archive, archive.stat().st_size - 7)
    assert unpack(archive, place / "out").files == len(FILES)


def test_without_any_reader_both_are_named(place, monkeypatch):
    without_libarchive(monkeypatch)
    monkeypatch.setattr(archives, "has_unar", lambda: False)
    refused(packed("rar", place / "a.rar"), "needs unar or libarchive, and neither is here: `apt-get install unar`")


@needs_libarchive
def test_letters_that_the_shell_lacks_are_named(place):
    packed("rar", place / "a.rar")
    code = "from pathlib import Path\nfrom saccade.acquire.archives import unpack\nunpack(Path('a.rar'), Path('out'))"
    environment = os.environ | {"LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=place, env=environment, capture_output=True, text=True)
    assert "SaccadeError" in done.stderr and "export LC_ALL=C.UTF-8" in done.stderr


# Kills


def test_a_kill_leaves_nothing_by_the_folders_name_and_the_next_run_cleans_up(place):
    archive = packed("tar.gz", place / "a.tar.gz")
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom saccade.acquire.archives import unpack\n"
        "def wait(done, of):\n    print('writing', flush=True)\n    time.sleep(600)\n"
        "unpack(Path(sys.argv[1]), Path(sys.argv[2]), progress=wait)"
    )
    command = [sys.executable, "-c", code, str(archive), str(place / "raw" / "out")]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    with process.stdout:
        assert process.stdout.readline() == "writing\n"
        process.kill()
        process.wait()
    assert [path.name[:9] for path in (place / "raw").iterdir()] == [".saccade-"]
    look_again()
    unpack(archive, place / "raw" / "out")
    assert [path.name for path in (place / "raw").iterdir()] == ["out"]
