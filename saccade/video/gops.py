"""Where a decoder may start afresh and still give exactly the frames of decoding from the beginning.

A key frame alone isn't enough: pictures after it may refer to pictures before it (open groups, gradual refresh), and counting
pictures that weren't decoded is sound only where each packet is known to give one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

# Per codec whose packets are cut into length-prefixed units: offset of the length size in the header, units that reset all
# references (H.264: IDR; HEVC: IDR, CRA and BLA, whose leading pictures `closed_starts` excludes by time), parameter sets.
_RESETS = {"h264": frozenset({5}), "hevc": frozenset(range(16, 22))}
_PARAMETERS = {"h264": frozenset({7, 8, 13, 15}), "hevc": frozenset({32, 33, 34})}
_LENGTH_AT = {"h264": 4, "hevc": 21}
_KEY_IS_RESET = {"vp8", "vp9", "av1", "libdav1d", "libvpx-vp9", "libvpx", "libaom-av1"}


def closed_starts(packets: Iterable[Any], codec: Any, frames: int) -> list[int]:
    """The numbers of the frames at which closed groups of pictures begin, the first being 0. Decodes nothing.

    [0] alone where there is no proof: another codec than H.264, HEVC, VP8, VP9 and AV1, packets without presentation time
    (AVI), cut by an edit list, with parameter sets of their own, or not as many as the `frames` that are known to decode.
    """
    starts, last, earliest, count = [0], None, None, 0
    for packet in packets:
        if packet.pts is None and packet.dts is None and not packet.size:
            continue  # the end
        if not packet.size or packet.pts is None or packet.is_discard or packet.is_corrupt or packet.has_sidedata("new_extradata"):
            return [0]
        resets = _resets(packet, codec.name, codec.extradata)
        if resets is None or (earliest is not None and packet.pts < earliest):
            return [0]
        if resets and (last is None or packet.pts > last):
            earliest = packet.pts  # nothing that follows may be shown before it
            starts += [count] if count else []
        last = packet.pts if last is None else max(last, packet.pts)
        count += 1
    return starts if count == frames else [0]


def decode_groups(packets: Iterable[Any], codec: Any, starts: list[int], wanted: np.ndarray) -> Iterator[tuple[int, Any]]:
    """(number, frame) of every frame of the groups that hold a wanted one. `starts`: as `closed_starts` gives them."""
    needed = set((np.searchsorted(starts, wanted, side="right") - 1).tolist())
    group, number, running = -1, 0, False
    for count, packet in enumerate(packets):
        if group + 1 < len(starts) and count == starts[group + 1]:
            group += 1
            if running and group not in needed:
                yield from enumerate(codec.decode(None), number)
                running = False
            elif not running and group in needed:
                if group:
                    codec.flush_buffers()
                number, running = starts[group], True
        if running:
            for frame in packet.decode():
                yield number, frame
                number += 1


def _resets(packet: Any, name: str, header: bytes | None) -> bool | None:
    """Whether no later picture can refer to one before this packet; None where the stream isn't understood."""
    if name in _KEY_IS_RESET:
        return bool(packet.is_keyframe)
    if name not in _RESETS or not header or header[0] != 1 or len(header) <= _LENGTH_AT[name]:
        return None
    kinds = set(_units(bytes(packet), (header[_LENGTH_AT[name]] & 3) + 1, name))
    return None if kinds & _PARAMETERS[name] else bool(kinds & _RESETS[name])


def _units(data: bytes, length_size: int, name: str) -> Iterator[int]:
    """The type of each unit (NAL) of a packet: ISO/IEC 14496-15; H.264 Table 7-1, HEVC Table 7-1."""
    place = 0
    while place + length_size < len(data):
        size = int.from_bytes(data[place : place + length_size], "big")
        first = data[place + length_size]
        yield first & 31 if name == "h264" else first >> 1 & 63
        place += length_size + size
