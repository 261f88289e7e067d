"""Small files of many kinds, each made by one call of the command `ffmpeg`: for tests that compare us with it.

Every frame has a corner of each colour, red, green, blue and white clockwise from the top left, and between them its
number in black and white bars.
"""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

FRAMES, FPS, WIDTH, HEIGHT = 18, 10, 64, 48
CORNERS = "RGWB"  # clockwise from the top left
_COLOURS = {"R": (255, 0, 0), "G": (0, 255, 0), "W": (255, 255, 255), "B": (0, 0, 255)}


def picture(number: int) -> np.ndarray:
    """(H, W, 3) uint8. Bit k of the number is bar k from the left, in the middle third."""
    bits = number >> (np.arange(WIDTH) * 8 // WIDTH) & 1
    shown = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    shown[16:32] = 255 * bits[:, None]
    for colour, place in zip(
        CORNERS, [np.s_[:16, :16], np.s_[:16, -16:], np.s_[-16:, -16:], np.s_[-16:, :16]], strict=True
    ):
        shown[place] = _COLOURS[colour]
    return shown


def corners(frame: np.ndarray) -> str:
    """The corners of a decoded frame, clockwise from the top left: RGWB where it is upright."""
    names = {tuple(value > 127 for value in colour): name for name, colour in _COLOURS.items()}
    return "".join(names.get(tuple(frame[y, x] > 127), "?") for y, x in ((6, 6), (6, -7), (-7, -7), (-7, 6)))


def number_of(frame: np.ndarray) -> int:
    """The number that an upright frame shows; -1 where it lies on its side."""
    if frame.shape[0] > frame.shape[1]:
        return -1
    bars = frame[20:28, 4:64:8, 1].mean(0) > 127
    return int((bars << np.arange(8)).sum())


_PICTURES = f"-f rawvideo -pix_fmt rgb24 -video_size {WIDTH}x{HEIGHT} -framerate {FPS} -i pictures.rgb"
_SOUND = f"-f lavfi -t {FRAMES / FPS} -i sine=sample_rate=16000"
_YUV = "-pix_fmt yuv420p -threads 1"
_X264 = f"{_YUV} -c:v libx264 -preset veryfast -g 6 -sc_threshold 0"
_B = f"{_X264} -bf 3 -x264-params b-pyramid=normal:b-adapt=0"
_OPEN = f"{_X264} -bf 2 -x264-params open-gop=1:b-adapt=0"
_X265_QUIET = "log-level=none:pools=none:frame-threads=1:keyint=6:min-keyint=6"
_X265 = f"{_YUV} -c:v libx265 -preset ultrafast -x265-params {_X265_QUIET}"
_VP9 = f"{_YUV} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 6 -b:v 300k"
_HIDDEN = "-deadline good -cpu-used 5 -auto-alt-ref 1 -lag-in-frames 10 -b:v 300k"  # pictures that are never shown
_MPEG4 = f"{_YUV} -c:v mpeg4 -qscale 3 -g 6"
_MPEG2 = f"{_YUV} -c:v mpeg2video -r 25 -qscale 3 -g 6"
_BT709 = "-vf scale=out_color_matrix=bt709"
_BT2020 = "-vf scale=out_color_matrix=bt2020"
_AFTER_A_PAUSE = "-vf setpts=N+30*gte(N\\,7) -fps_mode passthrough"  # 3 s between frames 6 and 7

# Each with the arguments before its own name; names of other files here are made first.
RECIPES = {
    # codecs in the containers where they are found, without and with pictures that aren't shown as they are coded
    "b0.mp4": f"{_PICTURES} {_X264} -bf 0",
    "b.mp4": f"{_PICTURES} {_B}",
    "open.mp4": f"{_PICTURES} {_OPEN}",
    "one-group.mp4": f"{_PICTURES} {_X264} -g 100 -bf 2",
    "refresh.mp4": f"{_PICTURES} {_X264} -x264-params intra-refresh=1",
    "one-frame.mp4": f"{_PICTURES} {_B} -frames:v 1",
    "two-frames.mp4": f"{_PICTURES} {_B} -frames:v 2",
    **{f"b.{end}": "-i b.mp4 -c copy" for end in ("mov", "mkv", "avi", "flv", "ts", "m2ts", "3gp", "nut", "m4v")},
    **{f"open.{end}": "-i open.mp4 -c copy" for end in ("mkv", "ts", "flv", "avi")},
    **{f"b0.{end}": "-i b0.mp4 -c copy" for end in ("mov", "avi", "flv", "ts")},
    "fragments.mp4": "-i b.mp4 -c copy -movflags frag_keyframe+empty_moov",
    "faststart.mp4": "-i b.mp4 -c copy -movflags faststart",
    "negative-offsets.mp4": "-i b.mp4 -c copy -movflags negative_cts_offsets",
    "no-edits.mp4": "-i b.mp4 -c copy -use_editlist 0",
    "hevc.mp4": f"{_PICTURES} {_X265}:open-gop=0:bframes=2",
    "hevc-open.mp4": f"{_PICTURES} {_X265}:open-gop=1:bframes=3 -tag:v hvc1",
    "hevc-b0.mkv": f"{_PICTURES} {_X265}:bframes=0",
    "hevc.mkv": "-i hevc.mp4 -c copy",
    "hevc-open.ts": "-i hevc-open.mp4 -c copy",
    "vp8.webm": f"{_PICTURES} {_YUV} -c:v libvpx -deadline realtime -g 6 -b:v 300k",
    "vp8-hidden.webm": f"{_PICTURES} {_YUV} -c:v libvpx {_HIDDEN}",
    "vp8.avi": "-i vp8.webm -c copy",
    "vp9.webm": f"{_PICTURES} {_VP9}",
    "vp9-hidden.webm": f"{_PICTURES} {_YUV} -c:v libvpx-vp9 {_HIDDEN}",
    "vp9-hidden.mp4": "-i vp9-hidden.webm -c copy",
    "vp9.mkv": "-i vp9.webm -c copy",
    "av1.mp4": f"{_PICTURES} {_YUV} -c:v libaom-av1 -cpu-used 8 -usage realtime -g 6",
    "av1-hidden.mkv": f"{_PICTURES} {_YUV} -c:v libaom-av1 -cpu-used 8 -lag-in-frames 10 -g 12",
    "av1-hidden.webm": "-i av1-hidden.mkv -c copy",
    "mpeg4.mp4": f"{_PICTURES} {_MPEG4}",
    "mpeg4.avi": "-i mpeg4.mp4 -c copy",
    "mpeg4-b.mp4": f"{_PICTURES} {_MPEG4} -bf 2",
    "mpeg4-b.avi": f"{_PICTURES} {_MPEG4} -bf 2",
    "mpeg4-b.mkv": "-i mpeg4-b.mp4 -c copy",
    "mpeg4-b.3gp": "-i mpeg4-b.mp4 -c copy",
    "packed.avi": f"{_PICTURES} {_YUV} -c:v libxvid -bf 2 -g 6 -qscale 3 -flags +mv4",
    "mpeg2.mpg": f"{_PICTURES} {_MPEG2} -bf 2",
    "mpeg2.ts": "-i mpeg2.mpg -c copy",
    "mpeg2.mkv": "-fflags +genpts -i mpeg2.mpg -c copy",
    "mpeg2-b0.vob": f"{_PICTURES} {_MPEG2} -bf 0",
    "mpeg1.mpg": f"{_PICTURES} {_MPEG2} -c:v mpeg1video -bf 2",
    "mjpeg.avi": f"{_PICTURES} -pix_fmt yuvj420p -c:v mjpeg -qscale 3",
    "mjpeg.mov": "-i mjpeg.avi -c copy",
    "mjpeg.mkv": "-i mjpeg.avi -c copy",
    "prores.mov": f"{_PICTURES} -c:v prores_ks -profile:v 3",
    "ffv1.mkv": f"{_PICTURES} {_YUV} -c:v ffv1",
    "ffv1-rgb.avi": f"{_PICTURES} -pix_fmt bgr0 -c:v ffv1",
    "theora.ogv": f"{_PICTURES} {_YUV} -c:v libtheora -qscale 8 -g 6",
    "wmv2.wmv": f"{_PICTURES} {_YUV} -c:v wmv2 -qscale 3 -g 6",
    "msmpeg4.avi": f"{_PICTURES} {_YUV} -c:v msmpeg4 -qscale 3 -g 6",
    "flv1.flv": f"{_PICTURES} {_YUV} -c:v flv1 -qscale 3 -g 6",
    "rle.mov": f"{_PICTURES} -c:v qtrle -pix_fmt rgb24",
    "png.mov": f"{_PICTURES} -c:v png -pix_fmt rgb24",
    "plain.avi": f"{_PICTURES} -c:v rawvideo -pix_fmt bgr24",
    "b.h264": "-i b.mp4 -c copy",
    "mpeg2.m2v": "-i mpeg2.mpg -c copy",
    "mpeg2.mxf": "-i mpeg2.mpg -c copy",
    "vp9-hidden.ivf": "-i vp9-hidden.webm -c copy",
    "few-colours.gif": f"{_PICTURES}",
    # what lies beside the picture, and before it
    **{
        f"sound-first.{end}": f"-i b.mp4 {_SOUND} -map 1 -map 0 -c:v copy" for end in ("mp4", "mov", "mkv", "ts", "avi")
    },
    "sound-first.flv": f"-i b.mp4 {_SOUND} -map 1 -map 0 -c:v copy -ar 44100",
    "sound-first.wmv": f"-i wmv2.wmv {_SOUND} -map 1 -map 0 -c:v copy",
    "sound-first.mpg": f"-i mpeg2.mpg {_SOUND} -map 1 -map 0 -c:v copy -ar 32000 -c:a mp2",
    "sound-first.webm": f"-i vp9.webm {_SOUND} -map 1 -map 0 -c:v copy",
    "sound-first-b0.mp4": f"-i b0.mp4 {_SOUND} -map 1 -map 0 -c:v copy",
    "sound-longer.mp4": f"-i b.mp4 {_SOUND} -t 6 -f lavfi -i sine=sample_rate=16000 -map 0 -map 2 -c:v copy",
    "sound-later.mkv": f"-i b.mp4 -itsoffset 1 {_SOUND} -map 0 -map 1 -c:v copy",
    "words-first.mkv": "-i b.mp4 -i words.srt -map 1 -map 0 -c:v copy -c:s srt",
    "words-first.mp4": "-i b.mp4 -i words.srt -map 1 -map 0 -c:v copy -c:s mov_text",
    "attachment.mkv": "-i b.mp4 -c copy -attach words.srt -metadata:s:t mimetype=application/x-truetype-font",
    "chapters.mp4": "-i b.mp4 -i chapters.txt -map_metadata 1 -map 0 -c copy",
    "timecode.mov": "-i b.mp4 -c copy -timecode 00:00:00:00",
    "cover.mp4": "-i cover.png -i b.mp4 -map 0 -map 1 -c copy -disposition:v:0 attached_pic",
    "second-is-default.mkv": "-i mirror.mp4 -i b.mp4 -map 0 -map 1 -c copy -disposition:v:0 0 -disposition:v:1 default",
    "second-is-default.mp4": "-i mirror.mp4 -i b.mp4 -map 0 -map 1 -c copy -disposition:v:0 0 -disposition:v:1 default",
    "mirror.mp4": f"{_PICTURES} -vf hflip {_X264}",
    # time
    "trim-start.mp4": "-ss 0.8 -i b.mp4 -c copy",
    "trim-start-b0.mov": "-ss 0.8 -i b0.mp4 -c copy",
    "trim-end.mp4": "-t 0.9 -i b.mp4 -c copy",
    "trim-both-sound.mp4": "-ss 0.8 -t 0.7 -i sound-first.mp4 -map 0 -c copy",
    "trim-start.mkv": "-ss 0.8 -i b.mp4 -c copy",
    "delayed.mp4": f"-itsoffset 0.5 -i b.mp4 {_SOUND} -map 0 -map 1 -c:v copy",
    "delayed.mkv": f"-itsoffset 0.5 -i b.mp4 {_SOUND} -map 0 -map 1 -c:v copy",
    **{f"offset.{end}": "-i b.mp4 -c copy -output_ts_offset 1.4" for end in ("mp4", "mov", "mkv", "ts", "flv", "avi")},
    "offset.mpg": "-i mpeg2.mpg -c copy -output_ts_offset 3",
    "offset.wmv": "-i wmv2.wmv -c copy -output_ts_offset 2",
    "before-zero.mp4": "-i b.mp4 -c copy -avoid_negative_ts disabled -output_ts_offset -0.5",
    "before-zero.ts": "-i b.mp4 -c copy -avoid_negative_ts disabled -output_ts_offset -0.5",
    "wraps-around.ts": "-i b.mp4 -c copy -output_ts_offset 95442.9",
    **{f"pause.{end}": f"{_PICTURES} {_AFTER_A_PAUSE} {_B}" for end in ("mp4", "mkv", "flv", "ts", "avi")},
    "pause-b0.mp4": f"{_PICTURES} {_AFTER_A_PAUSE} {_X264} -bf 0",
    "pause.webm": f"{_PICTURES} {_AFTER_A_PAUSE} {_VP9}",
    "pause.wmv": f"{_PICTURES} {_AFTER_A_PAUSE} {_YUV} -c:v wmv2 -qscale 3 -g 6",
    "pause-b0.avi": f"{_PICTURES} {_AFTER_A_PAUSE} {_MPEG4}",
    "uneven.mp4": f"{_PICTURES} -vf settb=1/1000,setpts=100*N+5*N*N -fps_mode passthrough -enc_time_base 1:1000 {_B}",
    # colours
    "ten-bit.mp4": f"{_PICTURES} {_B} -pix_fmt yuv420p10le -profile:v high10",
    "ten-bit-hevc.mkv": f"{_PICTURES} {_X265}:bframes=2 -pix_fmt yuv420p10le",
    "ten-bit.webm": f"{_PICTURES} {_VP9} -pix_fmt yuv420p10le -profile:v 2",
    "full-range.mp4": f"{_PICTURES} {_B} -pix_fmt yuvj420p",
    "full-range-bt709.mkv": f"{_PICTURES} {_BT709}:out_range=pc {_B} -colorspace bt709 -color_range pc",
    "bt601.mp4": f"{_PICTURES} {_B} -colorspace smpte170m -color_trc smpte170m",
    "bt709.mp4": f"{_PICTURES} {_BT709} {_B} -colorspace bt709 -color_trc bt709",
    "bt2020.mp4": f"{_PICTURES} {_BT2020} {_B} -pix_fmt yuv420p10le -colorspace bt2020nc -color_trc bt2020-10",
    "bt709.webm": f"{_PICTURES} {_BT709} {_VP9} -colorspace bt709",
    "chroma422.mp4": f"{_PICTURES} {_B} -pix_fmt yuv422p",
    "chroma444.mp4": f"{_PICTURES} {_B} -pix_fmt yuv444p",
    "grey.mkv": f"{_PICTURES} -c:v ffv1 -pix_fmt gray",
    "alpha.mov": f"{_PICTURES} -c:v qtrle -pix_fmt argb",
    "wide-pixels.mp4": f"{_PICTURES} -vf setsar=4/3 {_B}",
    "interlaced.mpg": f"{_PICTURES} {_MPEG2} -flags +ilme+ildct -top 1",
    "interlaced.mp4": f"{_PICTURES} {_X264} -x264-params tff=1",
    "not-of-blocks.mp4": f"{_PICTURES} -vf crop=62:46:0:0 {_B}",
    "odd-size.webm": f"{_PICTURES} -vf crop=63:47:0:0 {_VP9}",
    "alpha.webm": f"{_PICTURES} {_VP9} -pix_fmt yuva420p",
    "odd-size.mp4": f"{_PICTURES} -vf crop=63:47:0:0 {_B} -pix_fmt yuv444p",
    # turned: see TURNED
    "lying-90.mov": "-i lying-90.mp4 -c copy",
    "lying-90-sound.mp4": f"-i lying-90.mp4 {_SOUND} -map 1 -map 0 -c:v copy",
    "lying-270-trimmed.mp4": "-ss 0.8 -i lying-270.mp4 -c copy",
}

# 16.16 fixed point a b c d of the display matrix (ISO/IEC 14496-12, Sec. 6.2.2), by how it turns clockwise, and the
# filters of ffmpeg that undo it beforehand and do it
_TURNS = {
    "90": ((0, 1, -1, 0), "transpose=cclock", "transpose=clock"),
    "180": ((-1, 0, 0, -1), "hflip,vflip", "hflip,vflip"),
    "270": ((0, -1, 1, 0), "transpose=clock", "transpose=cclock"),
    "mirrored": ((-1, 0, 0, 1), "hflip", "hflip"),
    "upside-down": ((1, 0, 0, -1), "vflip", "vflip"),
    "mirrored-90": ((0, 1, 1, 0), "transpose=cclock_flip", "transpose=cclock_flip"),
    "mirrored-270": ((0, -1, -1, 0), "transpose=clock_flip", "transpose=clock_flip"),
}
RECIPES |= {f"lying-{turn}.mp4": f"{_PICTURES} -vf {filters} {_B}" for turn, (_, filters, _) in _TURNS.items()}
TURNED = {f"turned-{turn}.mp4": (f"lying-{turn}.mp4", turn) for turn in _TURNS} | {
    "turned-90.mov": ("lying-90.mov", "90"),
    "turned-90-sound.mp4": ("lying-90-sound.mp4", "90"),
    "turned-270-trimmed.mp4": ("lying-270-trimmed.mp4", "270"),
}
# seconds that an edit list shows, as phones and QuickTime trim; those that show parts in another order are rare
TRIMMED = {
    "shown-0-0.9.mp4": ("b.mp4", (0, 0.9)),
    "shown-0.5-1.8.mp4": ("b.mp4", (0.5, 1.8)),
    "shown-0.5-1.3.mp4": ("b.mp4", (0.5, 1.3)),
    "shown-0.5-1.3.mov": ("b0.mov", (0.5, 1.3)),
    "shown-0.5-1.3-open.mp4": ("open.mp4", (0.5, 1.3)),
    "shown-0.55-1.26.mp4": ("b.mp4", (0.55, 1.26)),  # between frames
    "shown-0.3-1.1-hevc.mp4": ("hevc.mp4", (0.3, 1.1)),
    "end-in-a-rest.mp4": ("pause-b0.mp4", (0.2, 2.0)),
    "two-parts.mp4": ("b.mp4", (0.2, 0.7), (1.1, 1.6)),
    "two-parts-b0.mp4": ("b0.mp4", (0.2, 0.7), (1.1, 1.6)),
    "backwards.mp4": ("b.mp4", (1.1, 1.6), (0.2, 0.7)),
    "twice.mp4": ("b.mp4", (0.6, 1.2), (0.6, 1.2)),
    "twice-b0.mp4": ("b0.mp4", (0.6, 1.2), (0.6, 1.2)),
    "twice-mpeg4.mp4": ("mpeg4.mp4", (0.6, 1.2), (0.6, 1.2)),
    "rest-between.mp4": ("b.mp4", (0, 0.6), (-1, 1.0), (0.6, 1.8)),
    "rest-before.mp4": ("b.mp4", (-1, 1.0), (0.5, 1.8)),
    "shown-0.7-1.5-mpeg4-b.mp4": ("mpeg4-b.mp4", (0.7, 1.5)),
}
# files put one behind the other, whose clocks start anew
JOINED = {"two-recordings.mpg": ("mpeg2.mpg", "mpeg2.mpg")}
NAMES = sorted({*RECIPES, *TURNED, *TRIMMED, *JOINED})


def turning(name: str) -> str:
    """The filter of ffmpeg that shows this file's pictures upright; empty where they are as they are stored."""
    return _TURNS[TURNED[name][1]][2] if name in TURNED else ""


def prepare(folder: Path) -> None:
    """What the recipes start from: pictures, words and a cover."""
    (folder / "pictures.rgb").write_bytes(np.stack([picture(number) for number in range(FRAMES)]).tobytes())
    (folder / "chapters.txt").write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=9\ntitle=first\n")
    (folder / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    _ffmpeg(folder, f"{_PICTURES} -frames:v 1 cover.png")


def make(folder: Path, name: str) -> Path:
    """The file of that name, made in `folder` where it isn't there. Raises CalledProcessError where ffmpeg can't."""
    path = folder / name
    if path.exists():
        return path
    if name in RECIPES:
        for word in RECIPES[name].split():
            if word in NAMES:
                make(folder, word)
        _ffmpeg(folder, f"{RECIPES[name]} {name}")
    elif name in TURNED:
        source, turn = TURNED[name]
        path.write_bytes(turned(make(folder, source).read_bytes(), turn))
    elif name in JOINED:
        path.write_bytes(b"".join(make(folder, source).read_bytes() for source in JOINED[name]))
    else:
        source, *parts = TRIMMED[name]
        path.write_bytes(trimmed(make(folder, source).read_bytes(), *parts))
    return path


def _ffmpeg(folder: Path, words: str) -> None:
    command = ["ffmpeg", "-nostdin", "-y", "-v", "error", *words.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


def _boxes(data: bytes, names: list[str], start: int = 0, end: int | None = None) -> Iterator[int]:
    """Where each MP4 box at this path starts."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        if kind.decode("latin1") == names[0]:
            if len(names) == 1:
                yield start
            else:
                yield from _boxes(data, names[1:], start + 8, start + size)
        start += size or end


def turned(data: bytes, turn: str) -> bytes:
    """Every track with this display matrix."""
    changed, (a, b, c, d) = bytearray(data), _TURNS[turn][0]
    for at in _boxes(data, ["moov", "trak", "tkhd"]):
        changed[at + 48 : at + 84] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    return bytes(changed)


def trimmed(data: bytes, *parts: tuple[float, float]) -> bytes:
    """An MP4 with one track and its header last, of which only these parts (from, to, in seconds of what was shown) are
    shown, one after the other; (-1, s) shows nothing for s seconds. No sample is taken out."""
    movie, track, media, lists, edit = (
        next(_boxes(data, ["moov", *names]))
        for names in (
            ["mvhd"],
            ["trak", "tkhd"],
            ["trak", "mdia", "mdhd"],
            ["trak", "edts"],
            ["trak", "edts", "elst"],
        )
    )
    scale, media_scale = (struct.unpack(">I", data[at + 20 : at + 24])[0] for at in (movie, media))
    start = struct.unpack(">i", data[edit + 20 : edit + 24])[0]
    entries = [
        (round(last_s * scale), -1, 1 << 16)
        if first_s == -1
        else (round((last_s - first_s) * scale), start + round(first_s * media_scale), 1 << 16)
        for first_s, last_s in parts
    ]
    changed = bytearray(data)
    changed[movie + 24 : movie + 28] = changed[track + 28 : track + 32] = struct.pack(">I", sum(e[0] for e in entries))
    old = struct.unpack(">I", data[edit : edit + 4])[0]
    new = struct.pack(">I4sII", 16 + 12 * len(entries), b"elst", 0, len(entries))
    new += b"".join(struct.pack(">IiI", *entry) for entry in entries)
    changed[edit : edit + old] = new
    for at in (next(_boxes(data, ["moov"])), next(_boxes(data, ["moov", "trak"])), lists):
        changed[at : at + 4] = struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + len(new) - old)
    return bytes(changed)
