"""Opens a file and chooses its tracks. What FFmpeg finds wrong becomes a message that names the file.

A video is one file: only demuxers that hold their own pictures and sound are let near it, and only through the `file`
protocol. A playlist is refused before any file that it names is opened.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
from av import library_versions
from av.error import ArgumentError, FFmpegError
from av.stream import Disposition

from saccade.files import need_utf8
from saccade.records import SaccadeError

# FFmpeg's demuxers whose files hold their own pictures, then those of sound alone, so that a sound file is called one.
# Left out are playlists (hls, dash, concat, sdp...), those that open files beside the one named (image2, mlv, vobsub,
# avisynth...), pictures and texts. A movie with outside data opens without it: FFmpeg's `enable_drefs` is off.
_FORMATS = (
    "asf,av1,avi,dv,flv,gif,h263,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,"
    "vvc,wtv,aac,aiff,caf,flac,mp3,wav"
)
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_LISTS = {  # how files begin that name others
    b"#EXTM3U": "an HLS or M3U playlist",
    b"ffconcat": "a list to concatenate",
    b"v=0": "an SDP description",
    b"<?xml": "an XML file, as DASH and other playlists are",
    b"<MPD": "a DASH playlist",
    b"<smil": "a SMIL playlist",
    b"[playlist]": "a PLS playlist",
}
_COVERS = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


class VideoError(SaccadeError):
    """A file that can't be used as a video, or not as asked. The message names the file and says why."""


def fingerprint() -> str:
    """The decoder, for provenance: 'PyAV 18.1.0, libavcodec 62.28.102'."""
    return f"PyAV {av.__version__}, libavcodec {'.'.join(map(str, library_versions['libavcodec']))}"


@contextmanager
def opened(
    path: Path,
    options: Mapping[str, str] = MappingProxyType({}),
    decoder: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Any]:
    """The open container. Whatever FFmpeg finds wrong with it becomes a VideoError that names the file. `options`: of
    FFmpeg's demuxer; `decoder`: of its decoders, as far as it decodes to learn what the tracks are."""
    path = Path(path)
    need_file(path)
    try:
        container = av.open(
            f"file:{path}",
            metadata_errors="replace",
            options=dict(decoder),
            container_options={**options, **_OPTIONS},
        )
    except FFmpegError as error:
        raise VideoError(f"{path}: {_refusal(path, error)}") from error
    with container:
        for stream in (*container.streams.video, *container.streams.audio):
            if stream.codec_context is not None:
                stream.codec_context.thread_count = 1
        with named_errors(path):
            yield container


@contextmanager
def named_errors(video: object) -> Iterator[None]:
    """Whatever FFmpeg finds wrong while it decodes becomes a VideoError that names the video."""
    try:
        yield
    except FFmpegError as error:
        raise VideoError(f"{video}: decoding fails: {reason(error)}") from error


def need_file(path: Path) -> None:
    """Raises VideoError where the path leads to no ordinary file with something in it: a pipe or a device would be
    waited for, or read, without end."""
    try:
        need_utf8(path)
    except SaccadeError as error:
        raise VideoError(str(error)) from None
    if path.is_file():
        if path.stat().st_size == 0:
            raise VideoError(f"{path}: the file is empty (0 bytes)")
        return
    if path.exists():
        what = "a folder" if path.is_dir() else "a pipe or a device"
    else:
        what = f"a link to {path.readlink()}, which isn't there" if path.is_symlink() else "no such file"
    raise VideoError(f"{path}: {what}")


def video_stream(path: Path, container: Any) -> Any:
    """The track of moving pictures that an ordinary player shows: the default one, of several the largest, of these
    the first. Raises VideoError where there is none, or none that decodes."""
    films = [stream for stream in container.streams.video if not stream.disposition & _COVERS]
    if not films:
        raise VideoError(f"{path}: holds no video stream")
    known = [stream for stream in films if stream.codec_context is not None]
    if not known:
        raise VideoError(f"{path}: its video is in a code that {fingerprint()} can't decode")
    return _preferred(known, [stream.codec_context.width * stream.codec_context.height for stream in known])


def audio_stream(container: Any) -> Any:
    """The track of sound that an ordinary player plays: the default one, of several that with most channels, of these
    the first. None where no track decodes."""
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    return _preferred(known, [stream.codec_context.channels for stream in known]) if known else None


def video_tracks(container: Any) -> int:
    """How many tracks of moving pictures there are, cover pictures aside."""
    return sum(not stream.disposition & _COVERS for stream in container.streams.video)


def _preferred(streams: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The choice of ffmpeg's own command line (fftools, map_auto_video and map_auto_audio)."""
    default = [bool(stream.disposition & Disposition.default) for stream in streams]
    ranks = list(zip(default, sizes, strict=True))
    return streams[ranks.index(max(ranks))]


def _refusal(path: Path, error: FFmpegError) -> str:
    """Why the file can't be opened, from its first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        head = b""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, name in _LISTS.items():
        if text.lower().startswith(beginning.lower()):
            return f"is {name}; a video is one file that holds its own pictures"
    if isinstance(error, ArgumentError):
        return f"is a picture or text, not a video, or in a format that isn't opened ({_FORMATS} are)"
    truncated = head[4:8] == b"ftyp"
    hint = "truncated: an MP4 without its index (moov)" if truncated else "no video, or its beginning is damaged"
    return f"can't be opened: {reason(error)} ({hint})"


def reason(error: FFmpegError) -> str:
    return error.strerror or str(error)
