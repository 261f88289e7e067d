"""Opens a file and finds its video. What FFmpeg finds wrong becomes a message that names the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

from saccade.records import SaccadeError

# Demuxers that accept pictures or plain text; such files decode to something, but they are no videos.
_NOT_VIDEO = {"image2", "tty", "ass", "srt", "webvtt", "concat", "ffmetadata"}


class VideoError(SaccadeError):
    """A file that can't be used as a video, or not as asked. The message names the file and says why."""


def fingerprint() -> str:
    """The decoder, for provenance: 'PyAV 18.1.0, libavcodec 62.28.102'."""
    return f"PyAV {av.__version__}, libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}"


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The open container. Whatever FFmpeg finds wrong with it becomes a VideoError that names the file."""
    path = Path(path)
    if not path.is_file():
        where = f"a link to {path.readlink()}, which isn't there" if path.is_symlink() else "no such file"
        raise VideoError(f"{path}: {where}")
    if path.stat().st_size == 0:
        raise VideoError(f"{path}: the file is empty (0 bytes)")
    try:
        container = av.open(f"file:{path}", metadata_errors="replace")
    except FFmpegError as error:
        with path.open("rb") as file:
            mp4 = file.read(8)[4:] == b"ftyp"
        hint = "truncated: an MP4 without its index (moov)" if mp4 else "no video, or its beginning is damaged"
        raise VideoError(f"{path}: can't be opened: {reason(error)} ({hint})") from error
    with container:
        for stream in (*container.streams.video, *container.streams.audio):
            if stream.codec_context is not None:
                stream.codec_context.thread_count = 1
        try:
            yield container
        except FFmpegError as error:
            raise VideoError(f"{path}: decoding fails: {reason(error)}") from error


def video_stream(path: Path, container: Any) -> Any:
    """The first stream of moving pictures."""
    if any(name in _NOT_VIDEO or name.endswith("_pipe") for name in container.format.name.split(",")):
        raise VideoError(f"{path}: is a picture or text, not a video")
    for stream in container.streams.video:
        if stream.codec_context is None:
            raise VideoError(f"{path}: its video is in a code that {fingerprint()} can't decode")
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise VideoError(f"{path}: holds no video stream")


def reason(error: FFmpegError) -> str:
    return error.strerror or str(error)
