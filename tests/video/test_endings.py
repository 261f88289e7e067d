"""Files that end too soon where only their container's last bytes, or its first ones, say so; and what is no file."""

import os

import av
import numpy as np
import pytest

from saccade.video.decode import VideoError, probe, read_audio
from tests.numbered import encode, tone


def _cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize(("name", "codec"), [("v.wmv", "wmv2"), ("v.ogv", "libvpx"), ("v.flv", "libx264")])
def test_what_is_whole_passes_and_what_is_cut_is_truncated(tmp_path, name, codec):
    path = encode(tmp_path / name, codec=codec)
    assert probe(path).frames == 30
    for share in (0.97, 0.9, 0.6):
        with pytest.raises(VideoError, match=rf"{name}: truncated or damaged: the container promises"):
            probe(_cut(path, share))


def test_a_gif_ends_with_its_mark(tmp_path):
    path = tmp_path / "v.gif"
    with av.open(str(path), "w") as container:
        track = container.add_stream("gif", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "rgb8"
        for shade in range(0, 250, 25):
            container.mux(track.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8))))
        container.mux(track.encode(None))
    path.write_bytes(path.read_bytes() + b"\0")
    assert probe(path).frames == 10
    with pytest.raises(VideoError, match=r"v.gif: truncated or damaged: .* a mark of its end"):
        probe(_cut(path, 0.8))


def test_an_index_that_is_cut_within_the_sound_is_truncated_though_the_pictures_are_all_named(tmp_path):
    path = encode(tmp_path / "v.mp4", frames=10, sound=tone(1.0))
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"trak")])
    with pytest.raises(VideoError, match=r"v.mp4: truncated: its index \(moov\) is longer"):
        probe(path)


def _recording(path):
    """A second of pictures and a tone, as discs hold it."""
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream("mpeg2video", rate=25), container.add_stream("mp2", rate=44100)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        wave = av.AudioFrame.from_ndarray((tone(1.0, 44100)[None] * 32767).astype(np.int16), "s16", "mono")
        wave.sample_rate = 44100
        for shade in range(25):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade * 10, np.uint8))))
        container.mux([*video.encode(None), *sound.encode(wave), *sound.encode(None)])
    return path


def test_a_recording_that_begins_within_a_packet_of_sound_keeps_the_rest(tmp_path):
    path = _recording(tmp_path / "v.mpg")
    whole = len(read_audio(path, 8000))
    data = path.read_bytes()
    packet = data.index(b"\0\0\1\xc0")
    at = data.index(b"\xff", packet)  # its first frame of sound loses its header
    path.write_bytes(data[:at] + b"\0\0" + data[at + 2 :])
    assert probe(path).audio
    heard = read_audio(path, 8000)
    assert len(heard) == whole and not heard[:100].any() and heard.std() > 0.2


def test_sound_goes_on_where_another_recording_begins(tmp_path):
    path = _recording(tmp_path / "v.mpg")
    once = read_audio(path, 8000)
    path.write_bytes(path.read_bytes() * 3)
    assert (probe(path).frames, len(read_audio(path, 8000))) == (75, pytest.approx(3 * len(once), abs=800))


def test_colours_that_cannot_be_converted_are_found_before_anyone_trains_on_them(tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx264", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        track.codec_context.colorspace = 8  # YCgCo, which libswscale doesn't know
        container.mux([*track.encode(av.VideoFrame(64, 48, "yuv420p")), *track.encode(None)])
    with pytest.raises(VideoError, match=r"v.mp4: "):
        probe(path)


@pytest.mark.parametrize("kind", ["a pipe or a device", "a folder"])
def test_what_is_no_file_is_not_waited_for(tmp_path, kind):
    path = tmp_path / "v.mp4"
    path.mkdir() if kind == "a folder" else os.mkfifo(path)
    with pytest.raises(VideoError, match=f"v.mp4: {kind}$"):
        probe(path)
