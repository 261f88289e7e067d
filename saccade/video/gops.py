"""Which packets a decoder needs for some frames, to give exactly the frames of decoding from the beginning, and no
packets more.

A key frame alone is no place to start: pictures after it may refer to pictures before it (open groups, gradual
refresh). And counting pictures that weren't decoded is right only where each packet is known to give one.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from saccade.video import picture_order

# Per codec whose packets are cut into length-prefixed units: offset of the length size in the header, units that reset
# all references (H.264: IDR; HEVC: IDR, CRA and BLA, whose leading pictures `plan` excludes by time), parameter sets.
_RESETS = {"h264": frozenset({5}), "hevc": frozenset(range(16, 22))}
_PARAMETERS = {"h264": frozenset({7, 8, 13, 15}), "hevc": frozenset({32, 33, 34})}
_LENGTH_AT = {"h264": 4, "hevc": 21}
_KEY_IS_RESET = {"vp8", "vp9", "av1", "libdav1d", "libvpx-vp9", "libvpx", "libaom-av1"}
_VOP, _GROUP_OF_VOP, _START_CODE = b"\0\0\1\xb6", b"\0\0\1\xb3", b"\0\0\1"


class DecodingPlan(NamedTuple):
    """What is known of a file's packets, in the order in which they are decoded. Each gives one frame. numbers: the
    frame that each packet gives. starts: the packets with which closed groups of pictures begin, the first being 0; a
    group's frames have the numbers of its packets. spare: the packets whose picture no other picture refers to."""

    numbers: list[int]
    starts: list[int]
    spare: frozenset[int]


class _Picture(NamedTuple):
    resets: bool  # no later picture refers to one before this
    spare: bool  # no picture refers to this
    order: picture_order.Order | None = None  # its place in the order of showing; None where that of decoding is it


def plan(packets: Sequence[Any], codec: Any, frames: int) -> DecodingPlan | None:
    """The plan of a file, made from `packets` (all of them) without decoding. `frames`: how many are known to decode.

    None where there is no proof: a codec other than H.264, HEVC, VP8, VP9, AV1 and MPEG-4 without B pictures; packets
    without presentation time (but for MPEG-4), cut by an edit list, or with headers of their own; a number of packets
    other than `frames`; presentation times that order the pictures otherwise than the codec does (somebody moved them).
    """
    if len(packets) != frames:
        return None
    look = _reader(codec, packets[0])
    times: list[int] = []
    orders: list[picture_order.Order] = []
    starts: list[int] = []
    spare: set[int] = set()
    for place, packet in enumerate(packets):
        if not packet.size or packet.is_discard or packet.is_corrupt or packet.has_sidedata("new_extradata"):
            return None
        time, picture = place if codec.name == "mpeg4" else packet.pts, look(packet) if look else None
        if time is None or picture is None:
            return None
        while starts and time < times[starts[-1]]:  # shown before its group's start, it may refer to what is before
            starts.pop()
        if picture.resets and (not starts or time > max(times[starts[-1] :])):
            starts.append(place)
        if picture.spare:
            spare.add(place)
        times.append(time)
        orders.append(picture.order or (0, place))
    if starts[:1] != [0] or len(set(times)) < len(times) or _ranks(times) != _ranks(orders):
        return None
    return DecodingPlan(_ranks(times), starts, frozenset(spare))


def _ranks(values: Sequence[Any]) -> list[int]:
    """The place of each value among all, sorted; of equal ones the same."""
    place = {value: number for number, value in enumerate(sorted(values))}
    return [place[value] for value in values]


def decode(
    packets: Sequence[Any], codec: Any, known: DecodingPlan, wanted: Collection[int]
) -> Iterator[tuple[int, Any]]:
    """(number, frame) of what has to be decoded for the frames wanted: their groups, each up to the last one wanted,
    without spare pictures. Whatever the decoder held before is forgotten.

    Gives fewer where the decoder contradicts the plan, with another number of frames or in another order than their
    times say.
    """
    for sent, last in _groups(known, wanted):
        codec.flush_buffers()
        given = (frame for place in [*sent, None] for frame in codec.decode(None if place is None else packets[place]))
        for place, frame in zip(sorted(sent, key=known.numbers.__getitem__), given, strict=False):
            if packets[place].pts not in (None, frame.pts):
                return
            yield known.numbers[place], frame
            if known.numbers[place] == last:
                break


def decoded_for(known: DecodingPlan, wanted: Collection[int]) -> int:
    """How many frames `decode` gives for those wanted, where the decoder follows the plan."""
    return sum(known.numbers[place] <= last for sent, last in _groups(known, wanted) for place in sent)


def _groups(known: DecodingPlan, wanted: Collection[int]) -> Iterator[tuple[list[int], int]]:
    """(the packets to send, the number of the last frame wanted) of each group with a wanted frame, in order."""
    ordered = sorted(set(wanted))
    for first, end in zip(known.starts, [*known.starts[1:], len(known.numbers)], strict=True):
        inside = set(ordered[bisect_left(ordered, first) : bisect_left(ordered, end)])
        if not inside:
            continue
        last = max(inside)
        until = max(place for place in range(first, end) if known.numbers[place] <= last)
        sent = [
            place for place in range(first, until + 1) if known.numbers[place] in inside or place not in known.spare
        ]
        yield sent, last


def _reader(codec: Any, first: Any) -> Any:
    """A function of a packet that says what kind of picture it holds, or None where it can't. None in its place for a
    codec that isn't understood."""
    header, name = codec.extradata, codec.name
    if name in _KEY_IS_RESET:
        return lambda packet: _Picture(bool(packet.is_keyframe), False)
    if name == "mpeg4":
        headers = _before_vop(bytes(first))
        return lambda packet: _mpeg4_picture(bytes(packet), headers)
    if name not in _RESETS or not header or header[0] != 1 or len(header) <= _LENGTH_AT[name]:
        return None
    if (order := picture_order.reader(name, header)) is None:
        return None
    return lambda packet: _unit_picture(bytes(packet), (header[_LENGTH_AT[name]] & 3) + 1, name, order)


def _unit_picture(data: bytes, length_size: int, name: str, order: picture_order.Reader) -> _Picture | None:
    """The picture of an H.264 or HEVC packet. In H.264 a picture is spare if all of its slices say so: nal_ref_idc 0,
    Sec. 7.4.1."""
    units = list(_units(data, length_size))
    heads = [unit[0] for unit in units]
    kinds = {head & 31 if name == "h264" else head >> 1 & 63 for head in heads}
    if kinds & _PARAMETERS[name] or (shown := order(units)) is None:
        return None
    spare = name == "h264" and all(not head & 96 for head in heads if 1 <= head & 31 <= 5)
    return _Picture(bool(kinds & _RESETS[name]), spare, shown)


def _units(data: bytes, length_size: int) -> Iterator[bytes]:
    """How each unit (NAL) of a packet begins: ISO/IEC 14496-15; H.264 Table 7-1, HEVC Table 7-1."""
    place = 0
    while place + length_size < len(data):
        begin = place + length_size
        yield data[begin : begin + picture_order.HEAD]
        place = begin + int.from_bytes(data[place:begin], "big")


def _mpeg4_picture(data: bytes, headers: bytes) -> _Picture | None:
    """The picture of an MPEG-4 part 2 packet, one a packet, I and P only. Without B, pictures are shown in the order in
    which they are coded (ISO/IEC 14496-2, Sec. 6.3.5).

    An I picture resets all references only where it repeats the file's `headers`. Decoding depends on these; some say
    which encoder's errors to imitate.
    """
    at = data.find(_VOP)
    kind = data[at + 4] >> 6 if 0 <= at < len(data) - 4 else None  # 0 I, 1 P, 2 B, 3 S
    if kind not in (0, 1) or data.find(_START_CODE, at + 4) >= 0 or (own := _before_vop(data)) not in (headers, b""):
        return None
    return _Picture(kind == 0 and own == headers, False)


def _before_vop(data: bytes) -> bytes:
    """The headers in front of a packet's picture, without the time code (group of VOP)."""
    head = data[: max(data.find(_VOP), 0)]
    at = head.find(_GROUP_OF_VOP)
    return head if at < 0 else head[:at] + head[at + 7 :]
