"""Files are read as a player shows them: whatever tracks lie beside the pictures, upright, by presentation time, the
default track, with their own colours; and a video is one file."""

import os
import struct
import threading
from fractions import Fraction

import av
import numpy as np
import odd_files
import pytest
from av.stream import Disposition
from numbered import encode, number_of, picture, tone

from saccade.video import timeline
from saccade.video.cache import KeptVideos
from saccade.video.container import VideoError
from saccade.video.decode import read_frames, rgb_of
from saccade.video.probe import probe
from saccade.video.sound import read_audio
from saccade.video.upright import Turn, turn_of

ONE_GROUP = {"g": "250", "x264-params": "bframes=2:b-adapt=0:b-pyramid=none:scenecut=0"}  # I b b P b b P ...


def remuxed(source, target, change=lambda number, packet: None, beside=None):
    """`source` with its pictures' packets as they are after `change(number, packet)`, left out where that is False;
    `beside(output)` adds a track and gives its packets."""
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        track = before.streams.video[0]
        copy = after.add_stream_from_template(track)
        for packet in beside(after) if beside else ():
            after.mux(packet)
        for number, packet in enumerate(before.demux(track)):
            if packet.dts is not None and change(number, packet) is not False:
                packet.stream = copy
                after.mux(packet)
    return target


def numbers(path, wanted=None, frames=None) -> list[int]:
    info = probe(path)
    return [
        number_of(frame) for frame in read_frames(path, range(info.frames) if wanted is None else wanted, frames).rgb
    ]


def test_an_attachment_beside_the_pictures_does_not_matter(tmp_path):
    def font(output):
        output.add_attachment("font.ttf", "application/x-truetype-font", b"no font")
        return ()

    path = remuxed(encode(tmp_path / "v.mp4", 12), tmp_path / "v.mkv", beside=font)
    assert probe(path).frames == 12 and numbers(path) == list(range(12))


def test_a_data_track_beside_the_pictures_does_not_matter(tmp_path):
    def telemetry(output):
        data = output.add_data_stream("bin_data")
        for time in (0, 45000):
            packet = av.Packet(b"where the camera was")
            packet.stream, packet.pts, packet.dts, packet.time_base = data, time, time, Fraction(1, 90000)
            yield packet

    path = remuxed(encode(tmp_path / "v.mp4", 12), tmp_path / "v.ts", beside=telemetry)
    with av.open(str(path)) as container:
        assert container.streams.data
    assert numbers(path) == list(range(12))


@pytest.mark.parametrize("frames", [30, 2, 1])
@pytest.mark.parametrize("end", ["mp4", "mkv", "ts"])
def test_sound_may_stand_before_the_pictures(tmp_path, end, frames):
    path = encode(tmp_path / f"v.{end}", frames, sound=tone(frames / 10), sound_first=True)
    assert probe(path).frames == frames and numbers(path) == list(range(frames))


def test_a_plan_decodes_no_more_where_sound_stands_first(tmp_path):
    after, before = (
        encode(tmp_path / f"{first}.mp4", 31, options=ONE_GROUP, sound=tone(3.1), sound_first=first)
        for first in (False, True)
    )
    assert read_frames(after, [30], 31).decoded_frames == read_frames(before, [30], 31).decoded_frames == 11


TURNS = {  # how numpy does it, degrees clockwise, whether mirrored
    "90": (lambda stored: np.rot90(stored, -1), 90, False),
    "180": (lambda stored: np.rot90(stored, 2), 180, False),
    "270": (lambda stored: np.rot90(stored, 1), 270, False),
    "mirrored": (lambda stored: stored[:, ::-1], 180, True),
    "upside-down": (lambda stored: stored[::-1], 0, True),
    "mirrored-90": (lambda stored: stored.swapaxes(0, 1), 90, True),
    "mirrored-270": (lambda stored: stored.swapaxes(0, 1)[::-1, ::-1], 270, True),
}


@pytest.fixture(scope="module")
def lying(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("lying") / "v.mp4", 20, options={"g": "7"})


@pytest.mark.parametrize("turn", TURNS)
def test_frames_are_upright_by_every_way(tmp_path, lying, turn):
    stored, (turned, degrees, mirrored) = read_frames(lying, [3, 12]).rgb, TURNS[turn]
    path, expected = tmp_path / "v.mp4", np.stack([turned(frame) for frame in stored])
    path.write_bytes(odd_files.turned(lying.read_bytes(), turn))
    info = probe(path)
    assert (info.height, info.width) == expected.shape[1:3]
    assert (info.rotation, info.mirrored) == (degrees, mirrored)
    assert np.array_equal(read_frames(path, [3, 12]).rgb, expected)
    planned = read_frames(path, [3, 12], 20)
    assert np.array_equal(planned.rgb, expected) and planned.decoded_frames < 13
    kept = KeptVideos(1).read_frames(path, np.array([3, 12]), 20, (info.height, info.width))
    assert np.array_equal(kept.rgb, expected)


def test_a_picture_turned_by_another_angle_stays_as_stored(tmp_path, lying):
    data = bytearray(lying.read_bytes())
    at = data.index(b"tkhd") + 44  # the matrix of 45 degrees
    data[at : at + 16] = struct.pack(">4i", 46341, 46341, 0, -46341)
    (tmp_path / "v.mp4").write_bytes(data)
    assert np.array_equal(read_frames(tmp_path / "v.mp4", [3]).rgb, read_frames(lying, [3]).rgb)


def test_a_turn_of_90_degrees_exchanges_sides_and_those_of_pixels(tmp_path, lying):
    assert Turn(True, True, False).size(64, 48) == (48, 64) and Turn(False, True, True).size(64, 48) == (64, 48)
    with av.open(str(tmp_path / "w.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for number in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode(None))
    wide = tmp_path / "w.mp4"
    assert probe(wide).pixel_aspect == pytest.approx(4 / 3) and (probe(wide).width, probe(wide).height) == (64, 48)
    (tmp_path / "t.mp4").write_bytes(odd_files.turned(wide.read_bytes(), "90"))
    assert probe(tmp_path / "t.mp4").pixel_aspect == pytest.approx(3 / 4)


@pytest.mark.parametrize(("first_s", "last_s"), [(0, 0.9), (1.5, 4.0), (1.5, 2.7), (0.3, 2.0)])
def test_what_an_edit_list_hides_does_not_exist(tmp_path, first_s, last_s):
    source = encode(tmp_path / "whole.mp4", 40, options={"g": "12", "sc_threshold": "0"})
    (tmp_path / "v.mp4").write_bytes(odd_files.trimmed(source.read_bytes(), (first_s, last_s)))
    info, shown = probe(tmp_path / "v.mp4"), list(range(round(10 * first_s), round(10 * last_s)))
    assert (
        numbers(tmp_path / "v.mp4")
        == shown
        == [*shown[:1], *numbers(tmp_path / "v.mp4", range(1, len(shown)), len(shown))]
    )
    assert info.duration_s == pytest.approx(last_s - first_s) and info.fps == 10
    assert info.times_s == pytest.approx(np.arange(len(shown)) / 10)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_trimmed_file_that_is_cut_short_is_refused(tmp_path, share):
    source = encode(tmp_path / "whole.mp4", 60, container_options={"movflags": "faststart"}, options={"g": "12"})
    data = odd_files.trimmed(source.read_bytes(), (1.5, 6.0))
    (tmp_path / "v.mp4").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VideoError, match=r"truncated .* promises \d+ frames, \d+ are there"):
        probe(tmp_path / "v.mp4")


@pytest.mark.parametrize("end", ["mp4", "mkv", "flv", "ts", "avi"])
def test_a_file_that_starts_late_or_reorders_its_pictures_is_whole(tmp_path, end):
    path = encode(tmp_path / f"v.{end}", 20, options={"bf": "2"}, shown_at=list(range(14, 34)))
    info = probe(path)
    assert info.frames == 20 and info.steady and info.duration_s == pytest.approx(2.0, abs=2e-3)


@pytest.mark.parametrize("end", ["mp4", "mkv", "flv"])
def test_a_pause_lies_where_it_is(tmp_path, end):
    """Ten frames a second, a pause of nine seconds, ten frames a second."""
    shown_at = [*range(10), *range(100, 110)]
    info = probe(encode(tmp_path / f"v.{end}", shown_at=shown_at))
    assert info.times_s == pytest.approx(np.array(shown_at) / 10, abs=1e-3)
    assert info.duration_s == pytest.approx(11.0, abs=1e-3) and info.fps == pytest.approx(10, abs=0.01)
    assert not info.steady and info.columns()["times_s"] == list(info.times_s)


def test_the_index_keeps_no_times_where_the_rate_says_them(tmp_path):
    info = probe(encode(tmp_path / "v.mkv", 40, fps=30))  # milliseconds: 33, 67, 100
    assert info.steady and info.columns()["times_s"] == [] and len(info.times_s) == 40


def test_stamps_that_are_missing_or_fall_back_are_put_in_order():
    assert timeline.shown_at([None, 10, None, 30, None], 10).tolist() == [0, 10, 20, 30, 40]
    assert timeline.shown_at([5, 7, 6, 8], 1).tolist() == [0, 1, 2, 3]
    assert timeline.shown_at([None, None, None], 4).tolist() == [0, 4, 8]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("place", [2, 29, 30])
def test_a_plan_is_not_used_where_times_number_frames_otherwise(tmp_path, codec, place):
    options = ONE_GROUP if codec == "libx264" else {"x265-params": "keyint=7:open-gop=0:log-level=none:pools=none"}
    source = encode(tmp_path / "v.mp4", 31, codec, options)

    def later(number, packet):
        if number == place:
            packet.pts += packet.duration * 7 // 2

    path = remuxed(source, tmp_path / "moved.mp4", later)
    for wanted in ([30], [29], [28, 3], [4], [5]):
        assert numbers(path, wanted, 31) == wanted
    assert list(probe(path).times_s) == sorted(probe(path).times_s)


def test_a_plan_is_not_used_where_a_picture_was_lost_that_others_refer_to(tmp_path):
    """The decoder makes it up from those that it has."""
    source = encode(tmp_path / "v.mp4", 31, options=ONE_GROUP)
    path = remuxed(source, tmp_path / "v.mkv", lambda number, packet: number != 4)  # I P b b, then this P
    whole = read_frames(path, range(30)).rgb
    assert probe(path).frames == 30
    for wanted in (29, 12, 6):
        assert np.array_equal(read_frames(path, [wanted], 30).rgb[0], whole[wanted])


def test_of_several_tracks_the_default_one_is_read_and_counted(tmp_path):
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as container:
        tracks = []
        for default in (False, True):
            track = container.add_stream("libx264", rate=10)
            track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
            track.disposition = Disposition.default.value if default else 0
            tracks.append(track)
        for number in range(8):
            for shift, track in zip((100, 0), tracks, strict=True):
                container.mux(track.encode(av.VideoFrame.from_ndarray(picture(number + shift), format="rgb24")))
        for track in tracks:
            container.mux(track.encode(None))
    assert probe(path).video_tracks == 2 and numbers(path) == list(range(8)) == numbers(path, range(8), 8)


MATRICES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593), 2: (0.299, 0.114)}


@pytest.mark.parametrize("layout", ["yuv420p", "yuv444p", "yuv420p10le", "yuv444p10le", "yuv422p12le"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)  # BT.709, 601 twice, 2020, unsaid (601)
def test_colours_follow_matrix_range_and_depth(matrix, full, layout):
    """Flat colours against the formulas of ITU-R BT.601, 709 and 2020."""
    bits = int((layout.split("p")[1] or "8le")[:-2])
    unit, (red, blue), draw = 2 ** (bits - 8), MATRICES[matrix], np.random.default_rng(0)
    for _ in range(12):
        y, u, v = (int(value) for value in draw.integers(60 * unit, 190 * unit, 3))
        frame = av.VideoFrame(32, 16, layout)
        kind = np.uint8 if bits == 8 else np.uint16
        for plane, value in zip(frame.planes, (y, u, v), strict=True):
            plane.update(np.full(plane.buffer_size // np.dtype(kind).itemsize, value, kind))
        frame.colorspace, frame.color_range = matrix, 2 if full else 1
        low, tall, wide = (0, 2**bits - 1, 2**bits - 1) if full else (16 * unit, 219 * unit, 224 * unit)
        grey, cb, cr = (y - low) / tall, (u - 128 * unit) / wide, (v - 128 * unit) / wide
        r, b = grey + 2 * (1 - red) * cr, grey + 2 * (1 - blue) * cb
        g = (grey - red * r - blue * b) / (1 - red - blue)
        expected = np.clip(255 * np.array([r, g, b]), 0, 255)
        assert np.abs(rgb_of(frame)[4:12, 8:24] - expected).max() < 1.5


def test_sound_starts_with_the_first_frame(tmp_path):
    """(late, early): silence before a track that starts late, nothing of one that starts before the pictures."""
    late = read_audio(encode(tmp_path / "l.mp4", 30, sound=tone(1.0), sound_at_s=1.5), 16000)
    assert np.abs(late[:23900]).max() < 0.01 and np.abs(late[24200:24600]).max() > 0.4
    early = encode(tmp_path / "e.mkv", sound=tone(2.0), shown_at=list(range(5, 25)))
    assert len(read_audio(early, 16000)) == pytest.approx(1.5 * 16000, abs=1100)  # AAC pads


def test_sound_of_a_trimmed_video_starts_with_the_first_frame_shown(tmp_path):
    """The key frame that it depends on is hidden; the sound's own edit list is as it was."""
    source = encode(tmp_path / "s.mp4", 40, options={"g": "12", "sc_threshold": "0"}, sound=tone(1.0), sound_at_s=2.0)
    data, at = bytearray(source.read_bytes()), source.read_bytes().index(b"elst")
    media_s = struct.unpack(">I", data[data.index(b"mdhd") + 16 :][:4])[0]
    start = struct.unpack(">i", data[at + 16 : at + 20])[0]
    data[at + 16 : at + 20] = struct.pack(">i", start + round(1.5 * media_s))  # what was at 1.5 s is at 0
    (tmp_path / "v.mp4").write_bytes(data)
    assert numbers(tmp_path / "v.mp4")[:2] == [15, 16]
    sound = read_audio(tmp_path / "v.mp4", 16000)
    assert np.abs(sound[:31000]).max() < 0.01 and np.abs(sound[32200:33000]).max() > 0.4


def test_a_gap_in_the_sound_is_silence(tmp_path):
    path = tmp_path / "v.mkv"
    source = encode(tmp_path / "s.mkv", 30, sound=tone(3.0))
    with av.open(str(source)) as before, av.open(str(path), "w") as after:
        copies = {stream.index: after.add_stream_from_template(stream) for stream in before.streams}
        for packet in before.demux():
            if packet.size and not (packet.stream.type == "audio" and 1000 < packet.pts < 2000):
                packet.stream = copies[packet.stream.index]
                after.mux(packet)
    sound = read_audio(path, 16000)
    assert len(sound) == pytest.approx(48000, abs=1100)
    assert np.abs(sound[19000:31000]).max() < 0.01 and np.abs(sound[34000:46000]).max() > 0.4


LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhidden.ts\n#EXT-X-ENDLIST\n",
    "list.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhidden.ts\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile hidden.ts\n",
    "list.mpd": '<?xml version="1.0"?>\n<MPD><Period><BaseURL>hidden.ts</BaseURL></Period></MPD>\n',
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
    "list.pls": "[playlist]\nFile1=hidden.ts\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_files_is_refused_before_any_of_them_is_opened(tmp_path, name):
    (tmp_path / name).write_text(LISTS[name])
    os.mkfifo(tmp_path / "hidden.ts")  # whoever opens it waits for ever
    said = []

    def read():
        with pytest.raises(VideoError) as refused:
            probe(tmp_path / name)
        said.append(str(refused.value))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(10)
    assert said and f"{name}: is a" in said[0] and "a video is one file" in said[0]


@pytest.mark.parametrize("kind", [b"url ", b"alis"])
def test_a_movie_whose_pictures_are_in_another_file_is_refused(tmp_path, kind):
    data = bytearray(encode(tmp_path / "v.mp4", 5).read_bytes())
    place = b"/tmp/hidden.mp4\0" if kind == b"url " else bytes(150) + b"/tmp/hidden.mp4"
    entry = struct.pack(">I4sI", 12 + len(place), kind, 0) + place
    at = data.index(b"dref") - 4
    longer = 16 + len(entry) - int.from_bytes(data[at : at + 4], "big")
    data[at : at + 16 + len(entry) - longer] = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        box = data.index(name) - 4
        data[box : box + 4] = (int.from_bytes(data[box : box + 4], "big") + longer).to_bytes(4, "big")
    (tmp_path / "v.mp4").write_bytes(data)
    with pytest.raises(VideoError, match=r"v.mp4: its pictures or sounds are in another file \(/tmp/hidden.mp4\)"):
        probe(tmp_path / "v.mp4")


def test_sound_in_an_unknown_code_is_no_sound_and_no_obstacle(tmp_path):
    data = encode(tmp_path / "v.mp4", 10, sound=tone(1.0)).read_bytes()
    (tmp_path / "v.mp4").write_bytes(data.replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))
    assert probe(tmp_path / "v.mp4").frames == 10 and not probe(tmp_path / "v.mp4").audio
    with pytest.raises(VideoError, match=r"v.mp4: its sound is in a code that can't be decoded"):
        read_audio(tmp_path / "v.mp4", 16000)


@pytest.mark.parametrize(("rotation", "degrees"), [(-90, 90), (90, 270), (-180, 180), (180, 180), (0, 0), (45, 0)])
def test_a_turn_is_known_where_pyav_has_no_name_for_other_data_of_the_frame(rotation, degrees):
    class Frame:
        @property
        def side_data(self):
            raise ValueError("29 is not a valid Type")

    Frame.rotation = rotation
    assert turn_of(Frame()).degrees == degrees and not turn_of(Frame()).mirrored
