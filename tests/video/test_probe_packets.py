"""Packets tell of a file what decoding all of it tells; where they don't, it is decoded."""

import av
import numpy as np
import odd_files
import pytest
from numbered import FIXTURES, encode, tone

from saccade.video import probe_packets as module
from saccade.video.container import VideoError
from saccade.video.picture_order import whole_frames
from saccade.video.probe import probe
from saccade.video.probe_packets import probe_packets

B_FRAMES = {"g": "12", "x264-params": "bframes=3:b-pyramid=normal:b-adapt=0"}
UNEVEN = [0, 1, 2, 5, 6, 7, 8, 12, 13, 14]
HEVC = {"x265-params": "log-level=none:pools=none:keyint=12:bframes=3"}
VP9 = {"g": "7", "cpu-used": "8", "deadline": "realtime", "b": "300k"}
# Of these the index tells all: file, codec, its options, more of `encode`.
TOLD = {
    "b-frames.mp4": ("libx264", B_FRAMES, {}),
    "plain.mov": ("libx264", {"bf": "0"}, {}),
    "fps.mp4": ("libx264", B_FRAMES, {"fps": 24}),
    "front.mp4": ("libx264", B_FRAMES, {"container_options": {"movflags": "faststart"}}),
    "sound.mp4": ("libx264", B_FRAMES, {"sound": tone(3.0)}),
    "sound-first.mp4": ("libx264", B_FRAMES, {"sound": tone(3.0), "sound_first": True}),
    "silent-track.mp4": ("libx264", B_FRAMES, {"sound": np.zeros(0, np.float32)}),
    "sound.mkv": ("libx264", B_FRAMES, {"sound": tone(4.0), "sound_at_s": 1.0}),
    "wide-pixels.mp4": ("libx264", {"x264-params": "sar=4/3"}, {}),  # which the codec alone says
    "uneven.mp4": ("libx264", B_FRAMES, {"shown_at": UNEVEN}),
    "uneven.mkv": ("libx264", B_FRAMES, {"shown_at": UNEVEN}),
    "one.mp4": ("libx264", {}, {"frames": 1}),
    "hevc.mp4": ("libx265", HEVC, {}),
    "hevc.mkv": ("libx265", HEVC, {}),
    "vp9.webm": ("libvpx-vp9", VP9, {}),
    "vp9.mp4": ("libvpx-vp9", VP9, {}),
}
NOT_TOLD = {
    "mpeg4.avi": ("mpeg4", {"g": "7"}, {}),
    "packets.ts": ("libx264", B_FRAMES, {}),
    "mpeg4.mp4": ("mpeg4", {"g": "7", "bf": "2"}, {}),
    "vp8.webm": ("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "300k"}, {}),
    "fields.mp4": ("libx264", {"x264-params": "interlaced=1"}, {}),
    "fragments.mp4": ("libx264", {"g": "7"}, {"container_options": {"movflags": "frag_keyframe+empty_moov"}}),
}


@pytest.fixture
def whole(monkeypatch):
    """The files that were decoded whole."""
    files = []
    monkeypatch.setattr(module, "probe", lambda path: (files.append(path.name), probe(path))[1])
    return files


def _encoded(folder, name, recipe):
    codec, options, more = recipe
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    return encode(folder / name, **({"frames": 30} | more), codec=codec, options=options)


@pytest.mark.parametrize("name", TOLD)
def test_what_packets_tell_is_what_decoding_tells(tmp_path, whole, name):
    path = _encoded(tmp_path, name, TOLD[name])
    assert probe_packets(path) == probe(path) and not whole


@pytest.mark.parametrize("name", NOT_TOLD)
def test_where_packets_do_not_tell_all_is_decoded(tmp_path, whole, name):
    path = _encoded(tmp_path, name, NOT_TOLD[name])
    assert probe_packets(path) == probe(path) and whole == [name]


@pytest.mark.parametrize("turn", ["90", "mirrored-270"])
def test_a_turned_file(tmp_path, whole, turn):
    path = encode(tmp_path / "v.mp4", options=B_FRAMES)
    path.write_bytes(odd_files.turned(path.read_bytes(), turn))
    assert probe_packets(path) == probe(path) and not whole


@pytest.mark.parametrize("parts", [[(0.5, 1.3)], [(0, 0.9)], [(0.6, 1.2), (0.6, 1.2)]])
def test_what_an_edit_list_hides_is_not_counted(tmp_path, whole, parts):
    path = encode(tmp_path / "v.mp4", options=B_FRAMES)
    path.write_bytes(odd_files.trimmed(path.read_bytes(), *parts))
    assert probe_packets(path) == probe(path) and whole == ["v.mp4"]


def _remuxed(folder, change):
    """30 pictures whose packets are as `change(packets, a frame's length in ticks)` leaves them."""
    with (
        av.open(str(encode(folder / "v.mp4", 30, options=B_FRAMES))) as source,
        av.open(str(folder / "changed.mp4"), "w") as out,
    ):
        copy = out.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux() if packet.size]
        change(sorted(packets, key=lambda packet: packet.pts), packets[0].duration)
        for packet in packets:
            packet.stream = copy
            out.mux(packet)
    return folder / "changed.mp4"


@pytest.mark.parametrize(("count", "by", "told"), [(0, 0, True), (1, 29, False), (9, 14, False)])
def test_times_that_order_pictures_as_no_decoder_does_are_not_believed(tmp_path, whole, count, by, told):
    def later(shown, step):
        for packet in shown[12 : 12 + count]:
            packet.pts += by * step

    path = _remuxed(tmp_path, later)
    assert probe_packets(path) == probe(path) and (not whole) == told


def test_a_rate_that_the_header_does_not_say_is_not_guessed_from_the_first_packets(tmp_path, whole):
    def stay(shown, step):
        shown[-1].duration = 50 * step

    path = _remuxed(tmp_path, stay)
    assert probe_packets(path) == probe(path) and probe(path).fps == 10 and whole


def _cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize(
    ("name", "share"), [("v.mp4", 0), ("v.mp4", 0.9), ("front.mp4", 0.5), ("front.mp4", 0.99), ("v.mkv", 0.7)]
)
def test_a_file_that_is_cut_is_refused_in_the_same_words(tmp_path, name, share):
    options = {"movflags": "faststart"} if name == "front.mp4" else {}
    path = _cut(encode(tmp_path / name, 60, options=B_FRAMES, sound=tone(6.0), container_options=options), share)
    with pytest.raises(VideoError) as decoded:
        probe(path)
    with pytest.raises(VideoError) as told:
        probe_packets(path)
    assert str(told.value) == str(decoded.value)


def test_sound_that_is_cut_is_found_though_only_its_first_packets_are_read(tmp_path):
    path = encode(tmp_path / "v.mp4", 10, sound=tone(9.0), container_options={"movflags": "faststart"})
    with pytest.raises(VideoError, match=r"promises sound up to byte \d+"):
        probe_packets(_cut(path, 0.7))


def test_a_picture_that_is_damaged_in_the_middle_is_not_found_and_the_first_is(tmp_path):
    path = encode(tmp_path / "v.mp4", 60, options={"bf": "0"})
    good = path.read_bytes()
    start, middle = good.index(b"mdat") + 800, len(good) // 2

    def damaged(at):
        path.write_bytes(good[:at] + np.random.default_rng(0).bytes(300) + good[at + 300 :])
        return path

    assert probe_packets(damaged(middle)).frames == 60
    for at in (start, middle):
        with pytest.raises(VideoError):
            probe(damaged(at))
    with pytest.raises(VideoError):
        probe_packets(damaged(start))


def test_only_a_header_that_says_so_promises_whole_frames(tmp_path):
    def header(name, options):
        with av.open(str(encode(tmp_path / name, 3, options=options))) as container:
            return container.streams.video[0].codec_context.extradata

    assert whole_frames(header("frames.mp4", {})) is True
    assert whole_frames(header("fields.mp4", {"x264-params": "interlaced=1"})) is False
    assert whole_frames(b"") is False


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared fixture videos are not here")
@pytest.mark.parametrize("file", sorted(FIXTURES.glob("*.m[pk]?")), ids=lambda file: file.name)
def test_published_files(file, whole):
    assert probe_packets(file) == probe(file) and not whole
