"""We and the command `ffmpeg` read the same from files of many kinds: containers, codecs, B-frames, order of tracks,
rotation, edit lists, offsets, rates, colours."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import odd_files
import pytest

from saccade.video.decode import read_frames
from saccade.video.probe import probe
from saccade.video.probe_packets import probe_packets

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("ffmpeg"), reason="the command ffmpeg isn't installed here"),
]
FILES = [name for name in odd_files.NAMES if not name.startswith(("lying", "mirror."))]
_FLAGS = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
# FFmpeg says that these put the colour at the left of two pixels. Its libraries have come to heed that; its command
# takes the middle, as of version 5, unless told. Nor does it place the colour of interlaced lines as they do: there
# only the mean is compared.
_PLACES = {"420": "in_h_chr_pos=0:in_v_chr_pos=128", "422": "in_h_chr_pos=0:in_v_chr_pos=0"}
_COLOUR_AT_THE_LEFT = {"h264", "hevc", "mpeg2video", "mpeg4"}


class Shown(NamedTuple):
    """What ffmpeg shows: rgb (N, H, W, 3) uint8; times_s (N,), from the first frame."""

    rgb: np.ndarray
    times_s: np.ndarray


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    odd_files.prepare(folder)
    return folder


def shown(path: Path) -> Shown:
    """All frames of the file by the command ffmpeg, upright."""
    with av.open(str(path)) as container:
        codec = max(container.streams.video, key=lambda stream: stream.disposition.value & 1).codec_context
        parts = re.findall("420|422", codec.pix_fmt) if codec.name in _COLOUR_AT_THE_LEFT else []
    scale = ":".join(["scale=interl=-1", f"flags={_FLAGS}", *(_PLACES[part] for part in parts)])
    filters = filter(None, [scale, "format=rgb24", odd_files.turning(path.name), "showinfo=checksum=0"])
    command = ["ffmpeg", "-nostdin", "-noautorotate", "-i", str(path), "-vf", ",".join(filters)]
    done = subprocess.run([*command, "-fps_mode", "passthrough", "-f", "rawvideo", "-"], capture_output=True)
    said = re.findall(r"n: *\d+ pts: *\d+ pts_time:(\S+).* s:(\d+)x(\d+)", done.stderr.decode())
    width, height = map(int, said[0][1:])
    times = np.array([float(time) for time, _, _ in said])
    return Shown(np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3), times - times[0])


@pytest.mark.parametrize("name", FILES)
def test_we_show_what_ffmpeg_shows(folder, name):
    path = odd_files.make(folder, name)
    theirs, info = shown(path), probe(path)
    ours = read_frames(path, range(info.frames), info.frames).rgb
    assert info.frames == len(theirs.rgb)
    assert [odd_files.number_of(frame) for frame in ours] == [odd_files.number_of(frame) for frame in theirs.rgb]
    assert {odd_files.corners(frame) for frame in ours} == {"?WW?" if name == "grey.mkv" else "RGWB"}
    assert (info.height, info.width) == ours.shape[1:3]
    difference = np.abs(ours.astype(int) - theirs.rgb)
    assert difference.mean() < 1 if name.startswith("interlaced") else difference.max() <= 1
    # an AVI holds no times of presentation: of reordered pictures ffmpeg guesses the last ones
    guessed_s = 0.05 if name.endswith("avi") else 0.0
    assert info.times_s == pytest.approx(theirs.times_s, abs=0.0015 + guessed_s)
    longest_s = max([*np.diff(theirs.times_s), 1.4 if name == "end-in-a-rest.mp4" else 1 / odd_files.FPS])
    assert 0 < info.duration_s - theirs.times_s[-1] < longest_s + 0.01 + guessed_s


@pytest.mark.parametrize("name", FILES)
def test_any_frames_are_those_of_decoding_from_the_beginning(folder, name):
    path = odd_files.make(folder, name)
    info = probe(path)
    whole, draw = read_frames(path, range(info.frames)).rgb, np.random.default_rng(0)
    for wanted in ([info.frames - 1], *draw.integers(0, info.frames, (4, 1)), *draw.integers(0, info.frames, (4, 3))):
        planned = read_frames(path, wanted, info.frames)
        assert np.array_equal(planned.rgb, whole[wanted]), wanted


@pytest.mark.parametrize("name", FILES)
def test_packets_tell_what_decoding_tells(folder, name):
    path = odd_files.make(folder, name)
    assert probe_packets(path) == probe(path)
