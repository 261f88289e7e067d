"""A video encoded anew holds the same frames at the same times, and the same sound."""

import resource
from fractions import Fraction

import av
import numpy as np
import odd_files
import pytest
from numbered import encode, number_of, tone

from saccade.records import SaccadeError
from saccade.reencoding import Reencoding
from saccade.video.container import VideoError
from saccade.video.decode import read_audio, read_frames
from saccade.video.probe import probe
from saccade.video.reencode import reencode

SMALLER = Reencoding(32, gop=4)  # of 64x48


@pytest.fixture
def anew(tmp_path):
    """Encodes a file anew; gives the new one."""

    def make(source, way=SMALLER):
        reencode(source, tmp_path / "new/n.mp4", way)
        return tmp_path / "new/n.mp4"

    return make


def numbers(path) -> list[int]:
    return [number_of(frame) for frame in read_frames(path, range(probe(path).frames)).rgb]


def key_frames(path) -> list[int]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    shown = sorted(packet.pts for packet in packets)
    return sorted(shown.index(packet.pts) for packet in packets if packet.is_keyframe)


@pytest.mark.parametrize("frames", [30, 3, 2, 1])
def test_each_frame_is_where_it_was(tmp_path, anew, frames):
    source = encode(tmp_path / "v.mp4", frames)
    old, new = probe(source), probe(anew(source))
    assert numbers(anew(source)) == list(range(frames))
    assert (new.fps, new.times_s, new.duration_s) == (old.fps, old.times_s, old.duration_s)


@pytest.mark.parametrize("end", ["mp4", "mkv", "avi"])
def test_a_rate_that_varies_goes_on_varying(tmp_path, anew, end):
    source = encode(tmp_path / f"v.{end}", shown_at=[0, 1, 2, 30, 31, 33, 60, 61, 62, 63])
    old, new = probe(source), probe(anew(source))
    assert not new.steady and numbers(anew(source)) == list(range(10))
    assert np.allclose(new.times_s, old.times_s, atol=1e-4) and new.duration_s == pytest.approx(old.duration_s)


def test_frames_shown_at_the_same_time_are_not_lost(tmp_path, anew):
    source = encode(tmp_path / "v.mkv", 12, fps=2000)  # Matroska's times are milliseconds
    old, new = probe(source), probe(anew(source))
    assert len(set(old.times_s)) < 12 and numbers(anew(source)) == list(range(12))
    assert np.allclose(new.times_s, old.times_s, atol=2e-4)


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [((64, 48), 32, (42, 32)), ((48, 64), 32, (32, 42)), ((64, 48), 256, (64, 48)), ((63, 47), 256, (62, 46))],
)
def test_the_short_side_is_as_asked_and_never_longer_than_it_was(tmp_path, anew, size, short_side, expected):
    odd = {} if size[0] % 2 == 0 else {"codec": "ffv1"}
    source = encode(tmp_path / "v.mkv", 3, size=size, **odd)
    new = probe(anew(source, Reencoding(short_side)))
    assert (new.width, new.height) == expected


@pytest.mark.parametrize("gop", [1, 4, 12])
def test_key_frames_stand_where_the_gop_says_and_nowhere_else(tmp_path, anew, gop):
    source = encode(tmp_path / "v.mp4", 30, options={"g": "7"})
    assert key_frames(anew(source, Reencoding(32, gop))) == list(range(0, 30, gop))


def test_frames_that_no_other_needs_are_passed_over(tmp_path, anew):
    source = encode(tmp_path / "v.mp4", 36, options={"g": "250"})
    new = anew(source, Reencoding(32))
    assert read_frames(new, [23], 36).decoded_frames < 7 and number_of(read_frames(new, [23], 36).rgb[0]) == 23


@pytest.mark.parametrize("turn", ["90", "180", "270", "mirrored", "mirrored-90"])
def test_what_lies_is_stored_upright(tmp_path, anew, turn):
    source = encode(tmp_path / "v.mp4", 2)
    source.write_bytes(odd_files.turned(source.read_bytes(), turn))
    new = probe(anew(source, Reencoding(48)))
    assert (new.rotation, new.mirrored) == (0, False)
    before, after = (read_frames(path, [1]).rgb[0].astype(float) for path in (source, anew(source, Reencoding(48))))
    assert before.shape == after.shape and np.abs(before - after).mean() < 6


def coloured(path, matrix, colour_range, codec="libx264", kind="yuv444p"):
    """Two frames of red and blue, in this matrix and range (AVColorSpace, AVColorRange)."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32, 0], pixels[:, 32:, 2] = 255, 255
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, kind
        track.codec_context.options = {"crf": "1"} if codec == "libx264" else {}
        track.codec_context.colorspace, track.codec_context.color_range = matrix, colour_range
        for number in range(2):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format=kind, dst_colorspace=matrix, dst_color_range=colour_range
            )
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    ("matrix", "colour_range", "named"),
    [(1, 1, (1, 1)), (1, 2, (1, 2)), (9, 1, (9, 1)), (5, 2, (5, 2)), (2, 0, (6, 1))],
    ids=["bt709", "bt709-full", "bt2020", "bt601-full", "not-named"],
)
def test_colours_stay_and_are_named(tmp_path, anew, matrix, colour_range, named):
    source = coloured(tmp_path / "v.mp4", matrix, colour_range)
    new = anew(source, Reencoding(48))
    with av.open(str(new)) as container:
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_range, frame.format.name.removeprefix("yuvj")[:6]) in (
        (*named, "yuv420"),
        (*named, "420p"),
    )
    before, after = (read_frames(path, [1]).rgb[0].astype(float) for path in (source, new))
    assert np.abs(before - after)[:, [8, 56]].mean() < 4


def test_rgb_becomes_bt601(tmp_path, anew):
    source = coloured(tmp_path / "v.mkv", 0, 2, codec="ffv1", kind="bgr0")
    shown = read_frames(anew(source, Reencoding(48)), [1]).rgb[0].astype(float)
    assert np.abs(shown[:, 8] - [255, 0, 0]).mean() < 4 and np.abs(shown[:, 56] - [0, 0, 255]).mean() < 4


@pytest.mark.parametrize(("turn", "expected"), [("", 4 / 3), ("90", 3 / 4)])
def test_pixels_keep_their_shape(tmp_path, anew, turn, expected):
    source = tmp_path / "v.mp4"
    with av.open(str(source), "w") as container:
        track = container.add_stream("libx264", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        track.codec_context.sample_aspect_ratio = Fraction(4, 3)
        container.mux(track.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(track.encode(None))
    if turn:
        source.write_bytes(odd_files.turned(source.read_bytes(), turn))
    assert probe(anew(source)).pixel_aspect == pytest.approx(expected)


def clicks(seconds, rate_hz=16000):
    """(samples,) float32: silence, with a tone in the second quarter."""
    sound = tone(seconds, rate_hz)
    sound[: len(sound) // 4] = sound[len(sound) // 2 :] = 0
    return sound


@pytest.mark.parametrize(
    ("end", "more"),
    [("mp4", {}), ("mov", {"sound_at_s": 0.7}), ("mp4", {"sound_first": True}), ("avi", {})],
    ids=["mp4", "later", "first", "avi"],
)
def test_sound_is_copied_as_it_is(tmp_path, anew, end, more):
    source = encode(tmp_path / f"v.{end}", 30, sound=clicks(3.0), **more)
    assert np.array_equal(read_audio(anew(source), 16000), read_audio(source, 16000))


def test_sound_before_the_first_frame_stays_unheard(tmp_path, anew):
    source = encode(tmp_path / "v.mp4", shown_at=[25, *range(26, 40)], sound=clicks(4.0))
    before, after = (read_audio(path, 16000) for path in (source, anew(source)))
    assert len(before) < 2 * 16000 and np.array_equal(before, after)


def test_sound_that_an_mp4_cannot_hold_becomes_aac_at_its_time(tmp_path, anew):
    source = tmp_path / "v.avi"
    with av.open(str(source), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        track = container.add_stream("pcm_alaw", rate=16000, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(30):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        whole = (clicks(3.0)[None] * 32767).astype(np.int16)
        samples = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        samples.sample_rate, samples.pts = 16000, 0
        container.mux(track.encode(samples))
        container.mux(track.encode(None))
    new = anew(source)
    with av.open(str(new)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    before, after = (read_audio(path, 16000)[:48000] for path in (source, new))
    assert np.corrcoef(before, after)[0, 1] > 0.98


def test_the_same_video_gives_the_same_bytes(tmp_path, anew):
    source = encode(tmp_path / "v.mp4", 12, sound=tone(1.2))
    first = anew(source).read_bytes()
    assert anew(encode(tmp_path / "w.mp4", 12, sound=tone(1.2))).read_bytes() == first


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "folder", "absent"])
def test_a_damaged_source_is_named_and_leaves_nothing(tmp_path, anew, damage):
    source = encode(tmp_path / "v.mkv", 30)
    content = source.read_bytes()
    source.unlink()
    if damage == "folder":
        source.mkdir()
    elif damage != "absent":
        source.write_bytes({"truncated": content[: len(content) // 2], "text": b"no video\n", "empty": b""}[damage])
    with pytest.raises(VideoError, match=r"v\.mkv: "):
        anew(source)
    assert not list((tmp_path / "new").iterdir())


def test_a_full_disk_is_not_the_videos_fault(tmp_path, anew):
    source = encode(tmp_path / "v.mp4", 30)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(SaccadeError, match=r"cannot write .*n\.mp4: File too large") as found:
            anew(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not isinstance(found.value, VideoError) and not list((tmp_path / "new").iterdir())
