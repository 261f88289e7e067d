"""In which order a decoder shows the pictures of H.264 and HEVC, read from their headers without decoding.

Both standards give each picture a picture order count that starts anew at every IDR picture. Only its last bits are
written; the rest follows from the picture before (ITU-T H.264 Sec. 8.2.1, H.265 Sec. 8.3.1). Times in the container say
the same, unless somebody moved them; so they are held against each other (`gops`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

# Profiles whose parameter set tells chroma and bit depth: H.264, Sec. 7.3.2.1.1.
_HIGH_PROFILES = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
HEAD = 64  # bytes of a unit that hold all that is asked of a slice

Order = tuple[int, int]  # (IDR pictures so far, picture order count since)
Reader = Callable[[Sequence[bytes]], Order | None]


class _Unreadable(Exception):  # noqa: N818 (a state, not a mistake)
    """The headers can't be followed; nothing is claimed of the file then."""


class _Bits:
    """Reads a unit (NAL) bit by bit, behind its `skip` bytes of header."""

    def __init__(self, unit: bytes, skip: int) -> None:
        payload = unit[skip:].replace(b"\0\0\3", b"\0\0")  # emulation prevention
        self._value, self._left = int.from_bytes(payload, "big"), 8 * len(payload)

    def take(self, count: int) -> int:
        """The next bits as an unsigned number."""
        self._left -= count
        if self._left < 0:
            raise _Unreadable
        return self._value >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """The next number in Exp-Golomb code, unsigned."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise _Unreadable
        return (1 << zeros) - 1 + self.take(zeros)


@dataclass(frozen=True)
class _Sequence:
    """What the parameter sets say of the headers of slices. lsb_bits: how many bits of the count are written; 0 where
    pictures are shown in the order of decoding (H.264, type 2)."""

    lsb_bits: int
    frame_num_bits: int = 0
    separate_planes: bool = False
    frames_only: bool = True
    extra_bits: int = 0
    output_flag: bool = False


def reader(codec: str, header: bytes) -> Reader | None:
    """A function that is given the units of each packet (their first HEAD bytes), in the order of decoding, and gives
    the picture's place in the order of showing, None where it can't tell. None in its place where the `header` (avcC,
    hvcC) doesn't tell enough."""
    try:
        sequence = _h264_sequence(header) if codec == "h264" else _hevc_sequence(header)
    except (_Unreadable, IndexError):
        return None
    counter = _Counter(sequence, _h264_slice if codec == "h264" else _hevc_slice)
    return counter.place


def whole_frames(header: bytes) -> bool:
    """Whether H.264's header (avcC) says that every picture is a whole frame; False, too, where it can't be read."""
    try:
        return _h264_sequence(header).frames_only
    except (_Unreadable, IndexError):
        return False


@dataclass
class _Slice:
    """lsb: None where the count starts anew (IDR). later: whether later pictures count from this one. number: H.264's
    count of pictures that others refer to."""

    lsb: int | None
    later: bool
    number: int | None = None


class _Counter:
    """Completes the written bits of the counts, picture by picture."""

    def __init__(self, sequence: _Sequence, read: Callable[[bytes, _Sequence], _Slice | None]) -> None:
        self._sequence, self._read = sequence, read
        self._resets, self._before, self._pictures = 0, 0, 0
        self._number: int | None = None

    def place(self, units: Sequence[bytes]) -> Order | None:
        """See `reader`."""
        try:
            found = next((one for unit in units if (one := self._read(unit, self._sequence))), None)
        except (_Unreadable, IndexError):
            found = None
        if found is None or self._lacks_some_before(found):
            return None
        self._pictures += 1
        if found.lsb is None:
            self._resets, self._before = self._resets + 1, 0
            return self._resets, (0 if self._sequence.lsb_bits else self._pictures)
        if not self._sequence.lsb_bits:
            return self._resets, self._pictures
        size = 1 << self._sequence.lsb_bits
        # the count with these last bits that is nearest to the one before
        count = self._before + (found.lsb - self._before + size // 2) % size - size // 2
        if found.later:
            self._before = count
        return self._resets, count

    def _lacks_some_before(self, found: _Slice) -> bool:
        """Whether pictures that others refer to were lost, or the count of them doesn't go on (H.264, Sec. 7.4.3). A
        decoder makes them up from what it has decoded, so that nothing may be passed over."""
        before, self._number = self._number, found.number if found.later else self._number
        if found.number is None or before is None or found.lsb is None:
            return False
        return (found.number - before) % (1 << self._sequence.frame_num_bits) > 1


def _h264_sequence(header: bytes) -> _Sequence:
    """From an avcC (ISO/IEC 14496-15, Sec. 5.3.3.1) with one sequence parameter set (H.264, Sec. 7.3.2.1.1)."""
    if header[5] & 31 != 1:
        raise _Unreadable
    length = int.from_bytes(header[6:8], "big")
    bits = _Bits(header[8 : 8 + length], skip=1)
    profile, _ = bits.take(8), bits.take(16)
    bits.golomb()
    planes = False
    if profile in _HIGH_PROFILES:
        if bits.golomb() == 3:
            planes = bool(bits.take(1))
        bits.golomb(), bits.golomb(), bits.take(1)
        if bits.take(1):  # scaling lists: not followed
            raise _Unreadable
    frame_num_bits, kind = bits.golomb() + 4, bits.golomb()
    if kind == 1:
        raise _Unreadable
    lsb_bits = bits.golomb() + 4 if kind == 0 else 0
    bits.golomb(), bits.take(1), bits.golomb(), bits.golomb()
    return _Sequence(lsb_bits, frame_num_bits, planes, frames_only=bool(bits.take(1)))


def _h264_slice(unit: bytes, sequence: _Sequence) -> _Slice | None:
    """The slice of a picture, None for other units: H.264, Sec. 7.3.3."""
    kind, reference = unit[0] & 31, bool(unit[0] & 96)
    if kind not in (1, 2, 5):
        return None
    bits = _Bits(unit, skip=1)
    bits.golomb(), bits.golomb(), bits.golomb()
    bits.take(2 * sequence.separate_planes)
    number = bits.take(sequence.frame_num_bits)
    if not sequence.frames_only and bits.take(1):
        raise _Unreadable  # a field
    if kind == 5:
        return _Slice(None, True, number)
    return _Slice(bits.take(sequence.lsb_bits), reference, number)


def _hevc_sequence(header: bytes) -> _Sequence:
    """From an hvcC (ISO/IEC 14496-15, Sec. 8.3.3.1) with one sequence and one picture parameter set."""
    kinds: dict[int, list[bytes]] = {}
    for kind, unit in _hevc_units(header):
        kinds.setdefault(kind, []).append(unit)
    if len(kinds.get(33, ())) != 1 or len(kinds.get(34, ())) != 1:
        raise _Unreadable
    bits = _Bits(kinds[33][0], skip=2)
    bits.take(4)
    sub_layers = bits.take(3)
    bits.take(1 + 96)
    present = [bits.take(1) * 88 + bits.take(1) * 8 for _ in range(8 if sub_layers else 0)]
    for length in present[:sub_layers]:  # a profile and a level of each, where it has them
        bits.take(length)
    bits.golomb()
    planes = bits.golomb() == 3 and bool(bits.take(1))
    bits.golomb(), bits.golomb()
    if bits.take(1):
        [bits.golomb() for _ in range(4)]
    bits.golomb(), bits.golomb()
    lsb_bits = bits.golomb() + 4
    picture = _Bits(kinds[34][0], skip=2)
    picture.golomb(), picture.golomb(), picture.take(1)
    output_flag = bool(picture.take(1))
    return _Sequence(lsb_bits, separate_planes=planes, extra_bits=picture.take(3), output_flag=output_flag)


def _hevc_units(header: bytes) -> Iterator[tuple[int, bytes]]:
    place = 23
    for _ in range(header[22]):
        kind, count, place = header[place] & 63, int.from_bytes(header[place + 1 : place + 3], "big"), place + 3
        for _ in range(count):
            length = int.from_bytes(header[place : place + 2], "big")
            yield kind, header[place + 2 : place + 2 + length]
            place += 2 + length


def _hevc_slice(unit: bytes, sequence: _Sequence) -> _Slice | None:
    """The first slice segment of a picture, None for other units: H.265, Sec. 7.3.6.1."""
    kind, temporal = unit[0] >> 1 & 63, (unit[1] & 7) - 1
    if kind > 21 or 9 < kind < 16:
        return None
    if kind in (19, 20):
        return _Slice(None, True)
    bits = _Bits(unit, skip=2)
    if not bits.take(1):
        return None
    if kind >= 16:
        bits.take(1)
    bits.golomb(), bits.take(sequence.extra_bits), bits.golomb()
    bits.take(sequence.output_flag + 2 * sequence.separate_planes)
    lsb = bits.take(sequence.lsb_bits)
    if 16 <= kind <= 18:  # BLA
        return _Slice(None, True)
    leading_or_unreferenced = kind in (6, 7, 8, 9) or (kind < 16 and kind % 2 == 0)
    return _Slice(lsb, temporal == 0 and not leading_or_unreferenced)
