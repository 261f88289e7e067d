"""Frames are found by their number, exactly; damage is named; sound comes at the rate asked for."""

import shutil

import av
import numpy as np
import pytest
from numbered import FIXTURES, encode, number_of, tone
from scipy.io import wavfile

from saccade.video import gops
from saccade.video.container import VideoError, fingerprint
from saccade.video.decode import Frames, read_frames, rgb_of
from saccade.video.probe import probe
from saccade.video.sound import read_audio

fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared fixture videos are not here")
ENCODINGS = {
    "one-group.mp4": ("libx264", {"sc_threshold": "0"}),
    "groups.mp4": ("libx264", {"g": "7", "bf": "2"}),
    "no-b-frames.mp4": ("libx264", {"g": "7", "bf": "0"}),
    "open-groups.mp4": ("libx264", {"g": "7", "sc_threshold": "0", "x264-params": "open-gop=1:bframes=3"}),
    "intra-refresh.mp4": ("libx264", {"g": "7", "sc_threshold": "0", "x264-params": "intra-refresh=1"}),
    "groups.mkv": ("libx264", {"g": "7"}),
    "groups.ts": ("libx264", {"g": "7"}),
    "hevc.mp4": ("libx265", {"x265-params": "keyint=7:open-gop=0:log-level=none:pools=none"}),
    "hevc-open.mp4": ("libx265", {"x265-params": "keyint=7:min-keyint=7:open-gop=1:log-level=none:pools=none"}),
    "vp9.webm": ("libvpx-vp9", {"g": "7", "cpu-used": "8", "deadline": "realtime", "b": "300k"}),
    "b-pyramid.mp4": (
        "libx264",
        {"g": "250", "sc_threshold": "0", "x264-params": "bframes=8:b-pyramid=normal:direct=temporal:interlaced=1"},
    ),
    "mpeg4.avi": ("mpeg4", {"g": "7", "qscale": "3"}),
    "mpeg4-b-frames.avi": ("mpeg4", {"g": "7", "bf": "2", "qscale": "3"}),
}
# Where groups of 7 can be entered; where only pictures that no other refers to can be left out; where nothing can,
# though the plan is known; for the rest there is no proof.
ENTERED = {"groups.mp4", "no-b-frames.mp4", "groups.mkv", "hevc.mp4", "vp9.webm", "mpeg4.avi"}
THINNED = {"one-group.mp4", "open-groups.mp4", "intra-refresh.mp4", "b-pyramid.mp4"}
ONE_GROUP = {"hevc-open.mp4"}


@pytest.fixture(scope="module", params=ENCODINGS)
def encoded(request, tmp_path_factory):
    codec, options = ENCODINGS[request.param]
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    return encode(tmp_path_factory.mktemp("encoded") / request.param, 40, codec, options)


def _all_frames(path) -> list[np.ndarray]:
    """PyAV's plain loop, over the last track of pictures: the larger one, where there are two."""
    with av.open(str(path)) as container:
        return [rgb_of(frame) for frame in container.decode(container.streams.video[-1])]


def test_every_frame_shows_its_number(encoded):
    frames = read_frames(encoded, range(40))
    assert [number_of(frame) for frame in frames.rgb] == list(range(40))
    assert frames.rgb.shape == (40, 48, 64, 3) and frames.rgb.dtype == np.uint8 and frames.decoded_frames == 40


def test_any_frames_are_those_of_decoding_from_the_beginning(encoded):
    frames, draw = np.stack(_all_frames(encoded)), np.random.default_rng(0)
    for _ in range(15):
        indices = draw.integers(0, 40, draw.integers(1, 5))
        for known in (None, 40):
            found = read_frames(encoded, indices, known)
            assert np.array_equal(found.rgb, frames[indices]), (indices, known)
            assert found.decoded_frames <= max(indices) + 1


def test_pictures_are_passed_over_only_where_that_is_sound(encoded):
    assert read_frames(encoded, [39]).decoded_frames == 40
    decoded = read_frames(encoded, [39], 40).decoded_frames
    assert decoded <= 7 if encoded.name in ENTERED else 7 < decoded < 40 if encoded.name in THINNED else decoded == 40


PLAIN = {"g": "5", "keyint_min": "5", "sc_threshold": "0", "bf": "0"}


def test_groups_are_decoded_up_to_their_last_wanted_frame(tmp_path):
    found = read_frames(encode(tmp_path / "v.mp4", 40, options=PLAIN), [1, 31, 2, 22], 40)
    assert [number_of(frame) for frame in found.rgb] == [1, 31, 2, 22]
    assert found.decoded_frames == 3 + 3 + 2  # 0 to 2, 20 to 22, 30 and 31


def test_a_picture_that_no_other_refers_to_is_decoded_only_if_wanted(tmp_path):
    options = {"g": "250", "x264-params": "bframes=2:b-adapt=0:b-pyramid=none:scenecut=0"}  # I b b P b b P ...
    path = encode(tmp_path / "v.mp4", 31, options=options)
    assert read_frames(path, [30], 31).decoded_frames == 11
    assert read_frames(path, [4, 30], 31).decoded_frames == 12


def _plan(path, frames):
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return gops.plan(packets, container.streams.video[0].codec_context, frames)


def test_a_plan_tells_the_frame_that_each_packet_gives(encoded):
    with av.open(str(encoded)) as container:
        times = [
            packet.pts if packet.pts is not None else packet.dts for packet in container.demux(video=0) if packet.size
        ]
    known = _plan(encoded, 40)
    assert (
        known.numbers == [sorted(times).index(time) for time in times]
        if encoded.name in ENTERED | THINNED | ONE_GROUP
        else known is None
    )


def test_there_is_no_plan_for_a_wrong_frame_count(tmp_path):
    path = encode(tmp_path / "v.mp4", 40, options=PLAIN)
    assert _plan(path, 40) is not None and _plan(path, 41) is None
    assert read_frames(path, [39], 41).decoded_frames == 40


def test_a_key_frame_of_an_open_group_is_no_place_to_start(tmp_path):
    path = encode(tmp_path / "v.mp4", 40, options={"g": "7", "x264-params": "open-gop=1:bframes=3"})
    with av.open(str(path)) as container:
        keys = sum(packet.is_keyframe for packet in container.demux(video=0))
    assert keys > 1 and _plan(path, 40).starts == [0]


def test_a_key_frame_without_the_headers_of_the_first_is_no_place_to_start(tmp_path):
    path = encode(tmp_path / "v.avi", 20, "mpeg4", {"g": "10", "qscale": "3"})
    assert _plan(path, 20).starts == [0, 10]
    data = path.read_bytes()
    at = data.rindex(b"\0\0\1\xb2Lavc")  # the encoder's name, by which a decoder chooses whose errors it imitates
    path.write_bytes(data[: at + 4] + b"Xvid" + data[at + 8 :])
    assert _plan(path, 20) is None


def _moved(path, target, number, by):
    """The file with the picture that is shown as `number` shown `by` frames and a half later; its code as it was."""
    with av.open(str(path)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        times = sorted(packet.pts for packet in packets)
        for packet in packets:
            if packet.pts == times[number]:
                packet.pts += by * (times[1] - times[0]) + (times[1] - times[0]) // 2
            packet.stream = copy
            out.mux(packet)
    return target


@pytest.mark.parametrize("number", [3, 14, 15, 16, 17])
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"g": "12", "x264-params": "bframes=3:b-pyramid=normal:b-adapt=0"}),
        ("libx265", {"x265-params": "log-level=none:keyint=12:open-gop=0:bframes=3"}),
    ],
)
def test_there_is_no_plan_where_times_order_pictures_otherwise_than_their_codec(tmp_path, codec, options, number):
    path = encode(tmp_path / "v.mp4", 30, codec, options)
    assert _plan(path, 30) is not None and _plan(_moved(path, tmp_path / "same.mp4", number, 0), 30) is not None
    moved = _moved(path, tmp_path / "moved.mp4", number, 2)
    assert _plan(moved, 30) is None
    frames = read_frames(moved, range(30)).rgb
    for wanted in range(30):
        assert np.array_equal(read_frames(moved, [wanted], 30).rgb[0], frames[wanted])


def test_frames_are_right_even_where_the_decoder_contradicts_the_plan(tmp_path, monkeypatch):
    path = encode(tmp_path / "v.mp4", 40, options=PLAIN)
    wrong = gops.DecodingPlan([1, 0, *range(2, 40)], [0], frozenset())
    monkeypatch.setattr(gops, "plan", lambda *_: wrong)
    found = read_frames(path, [0, 1, 30], 40)
    assert [number_of(frame) for frame in found.rgb] == [0, 1, 30] and found.decoded_frames >= 31


def test_order_and_repeats_are_kept(tmp_path):
    path = encode(tmp_path / "v.mp4", 12)
    assert [number_of(frame) for frame in read_frames(path, [7, 0, 7, 11]).rgb] == [7, 0, 7, 11]


def test_decoding_stops_at_the_last_wanted_frame(tmp_path):
    assert read_frames(encode(tmp_path / "v.mp4"), [4, 9]).decoded_frames == 10


@pytest.mark.parametrize("index", [12, -1])
def test_a_number_out_of_range_names_path_index_and_count(tmp_path, index):
    path = encode(tmp_path / "v.mp4", 12)
    with pytest.raises(VideoError, match=rf"v.mp4: frame {index} .*(only 12 frames decode|numbered from 0)"):
        read_frames(path, [0, index])


def test_no_indices_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        read_frames(tmp_path / "v.mp4", [])


def test_probe_tells_what_was_encoded(tmp_path):
    path = encode(tmp_path / "v.mp4", 25, size=(80, 48), fps=10, sound=tone(2.5))
    found = vars(probe(path))
    assert found.pop("times_s") == pytest.approx(np.arange(25) / 10)
    assert found == {
        "frames": 25,
        "fps": 10.0,
        "duration_s": pytest.approx(2.5),
        "width": 80,
        "height": 48,
        "audio": True,
        "bytes": path.stat().st_size,
        "rotation": 0,
        "mirrored": False,
        "pixel_aspect": 1.0,
        "interlaced": False,
        "video_tracks": 1,
    }


def test_probe_counts_the_frames_that_decode(encoded):
    assert probe(encoded).frames == 40


def test_no_sound_is_no_error(tmp_path):
    assert probe(encode(tmp_path / "v.mp4")).audio is False


def test_a_declared_track_without_samples_is_no_sound(tmp_path):
    path = encode(tmp_path / "v.mkv", sound=np.zeros(0, np.float32))
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
    assert probe(path).audio is False
    with pytest.raises(VideoError, match=r"v.mkv: declares sound, but holds no sample"):
        read_audio(path, 16000)


@pytest.mark.parametrize(("name", "codec"), [("v.avi", "mpeg4"), ("v.mp4", "libx264"), ("v.mkv", "libx264")])
def test_a_variable_frame_rate_is_no_damage(tmp_path, name, codec):
    # an AVI fills the gaps with empty places
    path = encode(tmp_path / name, codec=codec, shown_at=[0, 1, 2, 5, 6, 7, 8, 12, 13, 14])
    info = probe(path)
    assert info.frames == 10 and info.duration_s == pytest.approx(1.5, abs=0.11)  # to within a frame
    assert [number_of(frame) for frame in read_frames(path, range(10), 10).rgb] == list(range(10))


def test_an_empty_file(tmp_path):
    (tmp_path / "v.mp4").touch()
    with pytest.raises(VideoError, match=r"v.mp4: the file is empty"):
        probe(tmp_path / "v.mp4")


def test_a_missing_file(tmp_path):
    with pytest.raises(VideoError, match=r"v.mp4: no such file"):
        probe(tmp_path / "v.mp4")


@pytest.mark.parametrize("name", ["page.html", "page.mp4", "page.txt", "page.avi"])
def test_a_text_is_no_video(tmp_path, name):
    (tmp_path / name).write_text("<html>404 not found</html>\n" * 50)
    with pytest.raises(VideoError, match=rf"{name}.*(no video|not a video)"):
        probe(tmp_path / name)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_is_no_video_whatever_its_name(tmp_path, suffix):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / f"v.{suffix}")
    shutil.copy(tmp_path / f"v.{suffix}", tmp_path / "v.mp4")
    with pytest.raises(VideoError, match=r"v.mp4: is a picture or text"):
        probe(tmp_path / "v.mp4")


def test_a_sound_file_is_no_video(tmp_path):
    wavfile.write(tmp_path / "v.wav", 16000, tone(0.5))
    with pytest.raises(VideoError, match=r"v.wav: holds no video stream"):
        probe(tmp_path / "v.wav")


def _cut(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def test_an_mp4_cut_short_lacks_its_index(tmp_path):
    with pytest.raises(VideoError, match=r"v.mp4: can't be opened: .*without its index \(moov\)"):
        probe(_cut(encode(tmp_path / "v.mp4"), 0.9))


@pytest.mark.parametrize("share", [0.4, 0.97])
def test_an_mp4_with_its_index_in_front_promises_more_than_there_is(tmp_path, share):
    path = encode(tmp_path / "v.mp4", 60, container_options={"movflags": "faststart"})
    with pytest.raises(VideoError, match=r"v.mp4: truncated .* promises 60 frames, \d+ are there"):
        probe(_cut(path, share))


def test_an_mp4_whose_sound_is_cut_short_is_truncated_though_all_frames_are_there(tmp_path):
    path = encode(tmp_path / "v.mp4", 10, sound=tone(9.0), container_options={"movflags": "faststart"})
    assert probe(path).frames == 10
    with pytest.raises(VideoError, match=r"v.mp4: truncated .* promises sound up to byte \d+, the file has \d+"):
        probe(_cut(path, 0.7))


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_fragments_cut_short(tmp_path, share):
    options = {"movflags": "frag_keyframe+delay_moov"}
    path = encode(tmp_path / "v.mp4", 30, options={"g": "7"}, sound=tone(3.0), container_options=options)
    assert probe(path).frames == 30
    with pytest.raises(VideoError, match=r"truncated or damaged: the container promises"):
        probe(_cut(path, share))


@pytest.mark.parametrize(("name", "codec"), [("v.mkv", "libx264"), ("v.avi", "mpeg4")])
def test_other_containers_cut_short(tmp_path, name, codec):
    with pytest.raises(VideoError, match=r"truncated or damaged: the container promises"):
        probe(_cut(encode(tmp_path / name, 60, codec), 0.7))


def test_damage_in_the_middle(tmp_path):
    path = encode(tmp_path / "v.mp4", 60)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = np.random.default_rng(0).bytes(400)
    path.write_bytes(data)
    with pytest.raises(VideoError, match=r"v.mp4: .*(decodes with errors|decoding fails)"):
        probe(path)
    with pytest.raises(VideoError, match=r"v.mp4: .*(decodes with errors|decoding fails)"):
        read_frames(path, range(60))


def test_titles_in_another_alphabet_are_no_obstacle(tmp_path):
    path = encode(tmp_path / "v.avi", 5, "mpeg4")
    data = path.read_bytes()
    assert b"ISFT" in data
    at = data.index(b"ISFT") + 8
    path.write_bytes(data[:at] + b"\xe9\xff" + data[at + 2 :])
    assert probe(path).frames == 5


def test_a_colon_in_a_relative_name_is_no_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encode(tmp_path / "plain.mp4", 5).rename(tmp_path / "http:v.mp4")
    assert probe("http:v.mp4").frames == 5


def test_sound_is_resampled_to_the_rate_asked_for(tmp_path):
    path = encode(tmp_path / "v.mp4", 20, sound=tone(2.0, 32000, 1000.0), rate_hz=32000)
    sound = read_audio(path, 8000)
    assert sound.dtype == np.float32 and sound.ndim == 1 and len(sound) == pytest.approx(16000, abs=600)
    middle = sound[4000:12000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() * 8000 / len(middle) == 1000 and np.sqrt(2 * np.mean(middle**2)) == pytest.approx(
        0.5, rel=0.05
    )


def test_two_channels_become_their_mean(tmp_path):
    both = np.stack([tone(1.0), np.zeros(16000, np.float32)])
    sound = read_audio(encode(tmp_path / "v.mp4", 10, sound=both), 16000)[4000:12000]
    assert np.sqrt(2 * np.mean(sound**2)) == pytest.approx(0.25, rel=0.05)


def test_sound_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(VideoError, match=r"v.mp4: has no sound"):
        read_audio(encode(tmp_path / "v.mp4", 5), 16000)


def test_fingerprint_names_decoder_and_versions():
    assert fingerprint().startswith(f"PyAV {av.__version__}, libavcodec ")


@fixtures
@pytest.mark.parametrize(
    ("name", "frames", "fps", "width", "height", "audio"),
    [
        ("mmaction2_test.avi", 164, 25, 320, 240, True),
        ("mmaction2_test.mp4", 300, 30, 340, 256, False),
        ("mmaction2_demo.mp4", 280, 28, 340, 256, False),
        ("torchcodec_av1_video.mkv", 125, 25, 640, 360, False),
        ("torchcodec_h265_video.mp4", 10, 10, 128, 128, False),
        ("torchcodec_nasa_13013.mp4", 390, 30000 / 1001, 480, 270, True),  # the larger of two tracks
    ],
)
def test_probe_of_published_files(name, frames, fps, width, height, audio):
    info = probe(FIXTURES / name)
    assert (info.frames, info.fps, info.width, info.height, info.audio) == (frames, fps, width, height, audio)
    assert info.duration_s == pytest.approx(frames / fps, abs=1e-3)


@fixtures
@pytest.mark.parametrize(
    "name",
    [
        "mmaction2_demo.mp4",
        "mmaction2_test.avi",
        "torchcodec_av1_video.mkv",
        "torchcodec_h265_video.mp4",
        "torchcodec_nasa_13013.mp4",
    ],
)
def test_frames_of_published_files_are_those_of_decoding_from_the_beginning(name):
    frames = _all_frames(FIXTURES / name)
    indices = np.random.default_rng(1).integers(0, len(frames), 6)
    found = read_frames(FIXTURES / name, indices, len(frames))
    assert isinstance(found, Frames) and np.array_equal(found.rgb, np.stack([frames[index] for index in indices]))


@fixtures
def test_passing_over_saves_decoding_in_a_published_file():
    found = read_frames(FIXTURES / "mmaction2_demo.mp4", [275], 280)
    assert found.decoded_frames == 7  # its last closed group begins at frame 268; 7 of its first 8 pictures


@fixtures
def test_sound_of_a_published_file_equals_its_wave_file():
    rate, wave = wavfile.read(FIXTURES / "mmaction2_test.wav")
    sound = read_audio(FIXTURES / "mmaction2_test.avi", rate)
    # written by another program, in 16 bits
    assert len(sound) == len(wave) and np.abs(sound - wave.mean(1) / 2**15).max() < 1e-4
