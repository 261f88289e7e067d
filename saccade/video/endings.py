"""How a file must end, for containers that promise neither frames nor seconds, or whose promise FFmpeg drops where the
file is shorter than it says."""

from pathlib import Path

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # ASF specification, Sec. 3.2
_LARGEST_HEADER = 2**16  # bytes of a file that are looked through for it
_LARGEST_PAGE = 27 + 255 + 255 * 255  # of an Ogg file: RFC 3533, Sec. 6


def end_lacking(path: Path, kind: str) -> str:
    """What a file of kind asf, gif or ogg should have and doesn't, in words; '' where it is whole, and for other
    kinds."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if kind == "asf":
            file.seek(0)
            return _asf_lacking(file.read(_LARGEST_HEADER), size)
        if kind in ("gif", "ogg"):
            file.seek(max(size - _LARGEST_PAGE, 0))
            return _gif_lacking(file.read()) if kind == "gif" else _ogg_lacking(file.read())
    return ""


def _asf_lacking(head: bytes, size: int) -> str:
    """By the file properties: their size of the file counts where it isn't a broadcast."""
    at = head.find(_ASF_PROPERTIES)
    if at < 0 or len(head) < at + 92 or head[at + 88] & 1:
        return ""
    promised = int.from_bytes(head[at + 40 : at + 48], "little")
    return f"{promised} bytes, {size} are there" if promised > size else ""


def _gif_lacking(tail: bytes) -> str:
    """By the trailer (GIF89a, Sec. 27), behind which some writers put zeros."""
    return "" if tail.rstrip(b"\0").endswith(b";") else "a mark of its end"


def _ogg_lacking(tail: bytes) -> str:
    """By the lengths that its last page states."""
    at = tail.rfind(b"OggS")
    lengths = tail[at + 27 : at + 27 + tail[at + 26]] if 0 <= at < len(tail) - 26 else b""
    whole = lengths and at + 27 + tail[at + 26] + sum(lengths) <= len(tail)
    return "" if whole else "a whole page where the file ends"
