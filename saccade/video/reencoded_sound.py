"""The sound of a video for the file that it is encoded into anew, on the clock of its pictures: 0 is when the first
frame is shown."""

from pathlib import Path
from typing import Any

import av

from saccade.video.container import audio_stream, opened
from saccade.video.sound import first_shown_s, read_audio

_BEFORE_S = 1.0  # kept of what comes before the first frame: not heard, but a decoder may need it
_AAC_BIT_RATE = 96_000  # of one channel; two get 128,000 as a rule
_AAC_RATE_HZ = 48_000  # where the sound's own is none of AAC's
_AAC_SAMPLES = 1024  # of a packet


def sound_packets(source: Path, output: Any) -> list[Any]:
    """The packets of the sound, for a track that `output` is given for them. Copied where an MP4 may hold their code
    and their times rise; else AAC."""
    packets, track = [], None
    begin_s = first_shown_s(source)
    with opened(source) as container:
        sound = audio_stream(container)
        rate_hz = sound.codec_context.sample_rate
        if sound.codec_context.name in output.supported_codecs:
            packets = _from(begin_s, [packet for packet in container.demux(sound) if packet.size])
        if packets:
            track = output.add_stream_from_template(sound)
    for packet in packets:
        packet.stream = track
    return packets or _as_aac(source, output, rate_hz)


def _from(begin_s: float, packets: list[Any]) -> list[Any]:
    """The packets with their times from then on; none where their times don't rise."""
    times = [packet.dts for packet in packets]
    if None in times or any(after <= before for before, after in zip(times, times[1:], strict=False)):
        return []
    for packet in packets:
        begin = round(begin_s / packet.time_base)
        packet.pts = (packet.dts if packet.pts is None else packet.pts) - begin
        packet.dts -= begin
    return [packet for packet in packets if (packet.pts + (packet.duration or 0)) * packet.time_base > -_BEFORE_S]


def _as_aac(source: Path, output: Any, rate_hz: int) -> list[Any]:
    track = output.add_stream("aac", layout="mono")
    rate_hz = rate_hz if rate_hz in track.codec_context.codec.audio_rates else _AAC_RATE_HZ
    track.codec_context.sample_rate, track.codec_context.bit_rate = rate_hz, _AAC_BIT_RATE
    samples = read_audio(source, rate_hz)
    packets = []
    for first in range(0, len(samples), _AAC_SAMPLES):
        block = av.AudioFrame.from_ndarray(samples[None, first : first + _AAC_SAMPLES], format="fltp", layout="mono")
        block.sample_rate, block.pts = rate_hz, first
        packets += track.encode(block)
    return [*packets, *track.encode(None)]
