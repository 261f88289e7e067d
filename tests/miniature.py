"""A published dataset in miniature: a few made-up videos, packed and listed as the original is, served on loopback
below the addresses of its card. What the card says of sizes, checksums and counts is put in for the miniature's own."""

import hashlib
import io
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import yaml
from acquire.loopback import Loopback
from acquire.rar import has_libarchive, write_rar
from conftest import ROOT, copy_project

from saccade.acquire.unar import has_unar
from saccade.cards.dataset import load_dataset
from saccade.cards.plain_yaml import read_yaml
from saccade.project import load_module
from saccade.steps.acquire import Order, acquire

SCHEME = re.compile(r"https?://")
IGNORED = shutil.ignore_patterns("__pycache__", "raw", "prepared", "released")
CODECS = {"avi": "mpeg4", "mp4": "libx264", "webm": "libvpx-vp9"}


class Tools:
    """What a dataset's sample.py makes its files with."""

    @staticmethod
    def made(path: Path) -> Path:
        """The path, whose folder is there now."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @staticmethod
    def clip(number: int, suffix: str, frames: int = 8, size: tuple[int, int] = (64, 48), fps: int = 10) -> bytes:
        """A video that differs by its number; `size` is (width, height)."""
        file = io.BytesIO()
        kind = {"webm": "webm", "mp4": "mp4", "avi": "avi"}[suffix]
        with av.open(file, "w", format=kind) as container:
            stream = container.add_stream(CODECS[suffix], rate=fps)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.codec_context.thread_count = 1
            if suffix == "mp4":  # else x264 reads memory that nobody wrote
                stream.codec_context.options = {"x264-params": "threads=1:lookahead-threads=1:no-mbtree=1"}
            for time in range(frames):
                picture = np.full((size[1], size[0], 3), (37 * number + 9 * time) % 256, np.uint8)
                picture[:, : 4 + 4 * (number % 12)] = 255
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        return file.getvalue()

    @staticmethod
    def picture(number: int, size: tuple[int, int] = (64, 48)) -> bytes:
        """A JPEG that differs by its number."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(np.full((size[1], size[0], 3), 9 * number % 256, np.uint8)).save(file, "JPEG")
        return file.getvalue()

    @staticmethod
    def tar_gz(path: Path, members: dict[str, bytes]) -> None:
        """A gzipped tar of these files."""
        with tarfile.open(Tools.made(path), "w:gz") as archive:
            for name, data in members.items():
                about = tarfile.TarInfo(name)
                about.size = len(data)
                archive.addfile(about, io.BytesIO(data))

    @staticmethod
    def rar(path: Path, members: dict[str, bytes]) -> None:
        """A RAR archive that stores these files. The test is skipped where nothing here reads it."""
        if not has_libarchive() and not has_unar():
            pytest.skip("neither libarchive nor unar is installed, which read RAR")
        write_rar(path, members)


def publish(name: str, served: Path) -> Any:
    """Writes what the publishers of the dataset serve, each file at served/<host>/<path>; gives its sample.py."""
    sample = load_module(ROOT / "data" / name / "sample.py")
    sample.publish(served, Tools())
    return sample


def project_of(home: Path, name: str, served: Path, address: str) -> Path:
    """A project with the miniature's data, the code, TSN and the workflow."""
    home.mkdir()
    copy_project(home, ["Snakefile", "workflow", "profiles", "saccade", "environment.yml", "config"])
    shutil.copytree(ROOT / "methods/tsn", home / "methods/tsn", ignore=IGNORED)
    write_data(home, name, served, address)
    return home


def write_data(home: Path, name: str, served: Path, address: str) -> None:
    """The folder of the dataset (and of that which holds its videos) below home/data. Their cards name the miniature's
    files at `address`, where `served` is served."""
    for each in with_its_videos(name):
        shutil.copytree(ROOT / "data" / each, home / "data" / each, ignore=IGNORED)
        sample = publish(each, served)
        _localise(served, address)
        card = home / "data" / each / "card.yml"
        card.write_text(_miniature_card(read_yaml(card), sample, served, address))


def with_its_videos(name: str) -> list[str]:
    """The dataset's name, behind that of the dataset which holds its videos, where another one does."""
    return [*filter(None, [read_yaml(ROOT / "data" / name / "card.yml").get("videos_of")]), name]


def _localise(served: Path, address: str) -> None:
    """Served lists of addresses name the miniature's."""
    for file in served.rglob("*.txt"):
        text = file.read_bytes()
        if text.startswith(b"http") and not text.startswith(address.encode()):
            file.write_bytes(SCHEME.sub(f"{address}/", text.decode()).encode())


def _miniature_card(card: dict[str, Any], sample: Any, served: Path, address: str) -> str:
    for body in card["files"].values():
        own = next((path for one in body.get("sources", ()) if (path := _served(served, one["url"])).is_file()), None)
        for source in body.get("sources", ()):
            source["url"] = SCHEME.sub(f"{address}/", source["url"])
        if own is None:
            continue
        data = own.read_bytes()
        if "bytes" in body:
            body["bytes"] = len(data)
        blob = b"blob %d\0" % len(data) + data
        digests = {
            "sha256": hashlib.sha256(data),
            "md5": hashlib.md5(data),
            "git_blob": hashlib.sha1(blob),
        }
        body |= {kind: digest.hexdigest() for kind, digest in digests.items() if kind in body}
    for listed in card.get("listed", ()):
        if "url" in listed:
            listed["url"] = SCHEME.sub(f"{address}/", listed["url"])
    card["counts"] = sample.COUNTS
    return yaml.safe_dump(card, sort_keys=False, allow_unicode=True)


def _served(served: Path, url: str) -> Path:
    return served / SCHEME.sub("", url).partition("?")[0]


def acquired_miniature(home: Path, name: str) -> Path:
    """A project without code or method in which the miniature of the dataset was acquired."""
    (home / "Snakefile").touch()
    with Loopback(home / "served") as server:
        write_data(home, name, home / "served", server.address)
        for each in with_its_videos(name):
            acquire(load_dataset(home, each), Order())
    return home
