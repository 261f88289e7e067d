"""What one file holds, found from its packets, of which one is decoded: for datasets of hundreds of thousands of files.

Only where the container itself tells how many frames there are and when each is shown, and all that it tells fits
together. Elsewhere all of the file is decoded, so that the answer is in each case what `probe` says.
"""

from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError
from av.stream import Discard

from saccade.video import timeline
from saccade.video.boxes import is_movie
from saccade.video.container import VideoError
from saccade.video.picture_order import whole_frames
from saccade.video.probe import VideoInfo, probe, probe_by
from saccade.video.tally import Tally

_CONTAINERS = ("mov", "matroska")  # as FFmpeg calls MP4 and QuickTime, Matroska and WebM
_CODECS = ("h264", "hevc", "vp9", "av1", "libdav1d")  # whose packets give one frame each
# What FFmpeg decodes while it opens an MP4, and the seconds that it reads, tell nothing that the file's header doesn't
# but a frame rate, which isn't believed then.
_BRIEFLY = {"decoder": {"skip_frame": "all"}, "options": {"analyzeduration": "100000"}}


class _Odd(Exception):  # noqa: N818 (a state, not a mistake)
    """The packets don't tell what the file holds."""


def probe_packets(path: Path) -> VideoInfo:
    """What `probe` says of the file, its errors included, much sooner.

    In an MP4 or Matroska with H.264, HEVC, VP9 or AV1 only the first picture is decoded, and sound up to its first
    sample. There a file passes that `probe` refuses because a later picture is damaged or has another size, `audio` is
    true where sound fails after it began, and `interlaced` is the first picture's. All is decoded where packets are
    hidden by an edit list, lie in fragments, have no time or the same, are marked as damaged, aren't as many as the
    container says, or are shown in another order than the decoder's delay allows for; where H.264 may hold fields; and
    where an MP4's frames keep a rate that its header doesn't say.
    """
    path = Path(path)
    try:
        return probe_by(_read_packets, path, **(_BRIEFLY if is_movie(path) else {}))
    except (_Odd, VideoError):
        return probe(path)


def _read_packets(container: Any, stream: Any, sound: Any, tally: Tally) -> None:
    kind, codec = container.format.name.partition(",")[0], stream.codec_context
    _need(kind in _CONTAINERS and codec.name in _CODECS)
    _need(codec.name != "h264" or whole_frames(codec.extradata or b""))
    own, tick_s = stream.index, [float(track.time_base or 0) for track in container.streams]
    stamps, lengths = list[int](), list[int]()
    for packet in container.demux():
        # a flush packet says 0 for `stream_index`, whatever its track
        if sound is not None and packet.stream.index == sound.index and not tally.sounds:
            tally.sounds = _sounds(packet)
            if tally.sounds and kind == "mov":  # whose index says how far sound reaches
                sound.discard = Discard.all
        if not packet.size:
            continue
        if packet.is_corrupt:
            raise _Odd
        at, index = packet.pts, packet.stream_index
        if kind != "mov" and at is not None and not packet.is_discard:
            tally.content_end_s = max(tally.content_end_s, (at + (packet.duration or 0)) * tick_s[index])
        if index != own:
            continue
        if at is None or packet.is_discard or (packet.is_keyframe and packet.has_sidedata("new_extradata")):
            raise _Odd
        if not stamps:
            _decode_first(codec, packet, tally)
        stamps.append(at)
        lengths.append(packet.duration or 0)
    tally.packets = len(stamps)
    _need(tally.packets > 0)
    _need(stream.frames in ((tally.packets,) if kind == "mov" else (tally.packets, 0)))
    _put_in_order(np.array(stamps, np.int64), np.array(lengths, np.int64), codec.reorder_depth, tally)
    if kind == "mov":
        _need_stated_rate(stream, np.array(tally.stamps))


def _need(fits: bool) -> None:
    if not fits:
        raise _Odd


def _decode_first(codec: Any, packet: Any, tally: Tally) -> None:
    """The size, turn and colours of the first picture, which must be one that needs no other."""
    _need(packet.is_keyframe)
    frames = [*codec.decode(packet), *codec.decode(None)]
    _need(len(frames) == 1)
    tally.note_frame(frames[0])
    _need(not tally.problem and not tally.interlaced)


def _sounds(packet: Any) -> bool:
    """Whether a sample comes of the packet."""
    try:
        return any([frame.samples for frame in packet.decode()])
    except FFmpegError:
        return False


def _need_stated_rate(stream: Any, stamps: np.ndarray) -> None:
    """The rate is the one in the file's header, or there is none: another would be FFmpeg's guess from what it read."""
    times_s = (stamps - stamps[0]) * float(stream.time_base)
    own = (len(times_s) - 1) / times_s[-1] if len(times_s) > 1 else 0
    others = [own, float(stream.guessed_rate or 0)]
    stated = timeline.steady(times_s, float(stream.average_rate or 0))
    _need(stated or not any(timeline.steady(times_s, rate) for rate in others))


def _put_in_order(stamps: np.ndarray, lengths: np.ndarray, delay: int, tally: Tally) -> None:
    """stamps, lengths: (N,) in the order of decoding. delay: how many pictures the decoder holds back."""
    order = np.argsort(stamps, kind="stable")
    shown = stamps[order]
    _need(order[0] == 0 and bool((shown[1:] > shown[:-1]).all()))
    _need(int((order - np.arange(len(order))).max()) <= delay)  # else FFmpeg drops pictures that come too late
    if falls_back := int((np.maximum.accumulate(stamps) - stamps).max()):
        _need(falls_back <= timeline.REORDERED * np.median(np.diff(shown)))  # else it may be two recordings
    tally.reordered = falls_back > 0
    tally.stamps, tally.lengths = shown.tolist(), lengths[order].tolist()
