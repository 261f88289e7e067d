"""One video encoded anew, in H.264 in an MP4: smaller, upright, with key frames so near that few frames are decoded for
one. `saccade/reencoding.py` has the settings.

Frame n of the new file is frame n of the old one, shown at the same time: a frame rate that varies goes on varying.
Colours keep their matrix and range, which the new file names; RGB becomes BT.601. Pixels that aren't square keep their
shape, interlaced lines are scaled as one picture, transparency is left out. Sound is copied, packet by packet, where an
MP4 may hold it; else it becomes AAC, in one channel, as everything here hears it.
"""

import contextlib
import heapq
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import PictureType

from saccade.files import write_atomic
from saccade.reencoding import Reencoding
from saccade.video.container import VideoError, reason
from saccade.video.probe import VideoInfo, decode_all, probe_by
from saccade.video.probe_packets import probe_packets
from saccade.video.reencoded_frames import Shaper
from saccade.video.reencoded_sound import sound_packets
from saccade.video.tally import Tally

_SLOWEST_HZ = 10000  # ticks a second at least: FFmpeg's MP4 takes no fewer; frames shown at the same time are one apart
_QUICKEST_HZ = 1000000  # at most: a frame is shown for less than 2^32 ticks
_RATES_HZ = (1, 1000)  # what a container states outside of these is a clock, no frame rate


def reencode(source: Path, target: Path, way: Reencoding) -> None:
    """Writes `source` to `target`, encoded anew.

    The target appears when it is whole and found to hold as many frames as the source, each at its time. Raises
    VideoError where the source is no whole video (as `probe` does) or can't be encoded; other SaccadeErrors where the
    target can't be written.
    """
    source = Path(source)
    write_atomic(target, lambda temporary: _write(source, temporary, way))


def _write(source: Path, path: Path, way: Reencoding) -> None:
    with (
        _named_errors(source),
        tempfile.TemporaryFile(dir=path.parent) as spool,
        av.open(str(path), "w", format="mp4") as output,
    ):
        pictures = _Pictures(source, output, way, spool)
        info = probe_by(pictures.encode, source)
        shown = _ticks(info.times_s, pictures.ticks_hz)
        sounds = sound_packets(source, output) if info.audio else []
        for packet in heapq.merge(pictures.packets(shown, info.duration_s), sounds, key=_decoded_at):
            output.mux(packet)
    _need_same(source, info, shown / pictures.ticks_hz, path)


@contextlib.contextmanager
def _named_errors(source: Path) -> Iterator[None]:
    """What FFmpeg can't do with the video becomes a VideoError that names it; what the disk can't stays."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise VideoError(f"{source}: can't be encoded anew: {reason(error)}") from error


def _decoded_at(packet: Any) -> Fraction:
    return Fraction(packet.dts * packet.time_base)


class _Coded(NamedTuple):
    """A packet of x264's: how long it is, which frame it gives, whether it is a key frame."""

    size: int
    frame: int
    key: bool


class _Pictures:
    """The frames of a video on their way through x264. Its packets lie in the spool until all is decoded: only then is
    it known when each frame is shown. ticks_hz: the clock of the new file, on which the old one's times are whole."""

    def __init__(self, source: Path, output: Any, way: Reencoding, spool: BinaryIO) -> None:
        self._source, self._way, self._spool = source, way, spool
        self._track, self._shaper = output.add_stream("libx264"), Shaper(way.short_side)
        self._coded: list[_Coded] = []
        self._frames = 0
        self.ticks_hz = _SLOWEST_HZ

    def encode(self, container: Any, stream: Any, sound: Any, tally: Tally) -> None:
        """The pass over the open source, as `probe_by` takes it."""
        rates = [rate for rate in (stream.average_rate, stream.guessed_rate) if rate]
        rate = next((rate for rate in rates if _RATES_HZ[0] <= rate <= _RATES_HZ[1]), Fraction(25))
        aspect = stream.sample_aspect_ratio

        def each(frame: Any) -> None:
            if not self._frames:
                self._begin(frame, rate, aspect)
            picture = self._shaper.shaped(frame)
            picture.pts, picture.time_base = self._frames, 1 / rate
            picture.pict_type = PictureType.NONE  # else x264 makes it what it was
            self._frames += 1
            self._keep(picture)

        ticks = Fraction(stream.time_base).denominator
        self.ticks_hz = min(ticks * -(-_SLOWEST_HZ // ticks), _QUICKEST_HZ)
        decode_all(container, stream, sound, tally, each)
        if self._frames and not tally.problem:
            self._keep(None)

    def _begin(self, frame: Any, rate: Fraction, aspect: Fraction | None) -> None:
        width, height = self._shaper.size(frame)
        codec = self._track.codec_context
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.framerate, codec.time_base, codec.thread_count = rate, 1 / rate, 1
        if aspect and aspect != 1:
            codec.sample_aspect_ratio = self._shaper.aspect(frame, aspect)
        for name, value in self._shaper.colours(frame).items():
            setattr(codec, name, value)
        way, switches = self._way, {"cabac": self._way.cabac, "mbtree": self._way.mbtree}
        fixed = f"keyint={way.gop}:min-keyint={way.gop}:scenecut=0:bframes={way.b_frames}:b-adapt=0:b-pyramid=none"
        chosen = ":".join(f"{name}={int(value)}" for name, value in switches.items())
        codec.options = {
            "crf": str(way.crf),
            "preset": way.preset,
            "x264-params": f"threads=1:lookahead-threads=1:{fixed}:{chosen}",
        }

    def _keep(self, picture: Any) -> None:
        try:
            packets = self._track.encode(picture)
        except FFmpegError as error:  # here, since the caller would take it for the decoder's
            raise VideoError(f"{self._source}: x264 can't encode it: {reason(error)}") from error
        for packet in packets:
            self._spool.write(bytes(packet))
            self._coded.append(_Coded(packet.size, packet.pts, packet.is_keyframe))

    def packets(self, shown: np.ndarray, duration_s: float) -> Iterator[Any]:
        """The packets, in the order of decoding. shown: (frames,) ticks; the last frame's end is the video's.

        The n-th is decoded when the n-th frame is shown, all of them so much sooner that none is late. So they take as
        long as the frames do, which is what an MP4 says of its length."""
        last = max(round(duration_s * self.ticks_hz) - int(shown[-1]), 1)
        lengths = [*np.diff(shown).tolist(), last]
        sooner = max(int(shown[place] - shown[one.frame]) for place, one in enumerate(self._coded))
        self._track.time_base = Fraction(1, self.ticks_hz)
        self._spool.seek(0)
        for place, one in enumerate(self._coded):
            packet = av.Packet(self._spool.read(one.size))
            packet.stream, packet.time_base, packet.is_keyframe = self._track, self._track.time_base, one.key
            packet.pts, packet.dts = int(shown[one.frame]), int(shown[place]) - sooner
            packet.duration = last if place == len(lengths) - 1 else lengths[one.frame]
            yield packet


def _ticks(times_s: Sequence[float], ticks_hz: int) -> np.ndarray:
    """(N,) int64: the times on the new clock, rising: what is shown at the same time as its predecessor comes a tick
    later."""
    ticks, numbers = np.rint(np.array(times_s) * ticks_hz).astype(np.int64), np.arange(len(times_s))
    return np.maximum.accumulate(ticks - numbers) + numbers


def _need_same(source: Path, old: VideoInfo, times_s: np.ndarray, path: Path) -> None:
    """Raises VideoError where the new file, at `path`, doesn't hold the old one's frames, at these times, and sound."""
    try:
        new = probe_packets(path)
    except VideoError as error:
        raise VideoError(f"{source}: encoded anew, it can't be read: {str(error).removeprefix(f'{path}: ')}") from None
    if new.frames != old.frames:
        raise VideoError(f"{source}: encoded anew, it has {new.frames} frames in place of {old.frames}")
    if (off_s := float(np.abs(np.array(new.times_s) - times_s).max())) > 1 / _SLOWEST_HZ:
        raise VideoError(f"{source}: encoded anew, its frames are shown up to {off_s:.3f} s from where they were")
    if new.audio != old.audio:
        raise VideoError(f"{source}: encoded anew, its sound no longer decodes")
