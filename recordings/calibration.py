"""From digital values to microvolts and g, exactly as the header defines it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.bids import own_table_name
from recordings.edf_header import exact_number
from recordings.edf_stream import Scale
from recordings.recording import Channel
from recordings.units import delivered_unit

if TYPE_CHECKING:
    from fractions import Fraction

    from recordings.edf_header import EdfHeader, SignalHeader
    from recordings.recording import StreamKind


_LARGEST = 1e30  # beyond, samples would not fit float32; nothing real is near


def calibrate(header: EdfHeader, signal: SignalHeader, kind: StreamKind) -> tuple[Channel, Scale]:
    """Return a signal as a channel of a stream, and how its digital values become samples.

    The four texts of the header are decimal fractions and are taken exactly: a file whose texts
    state a step of 0.2 uV gives samples that are the nearest float32 to count times 0.2.

    Raises
    ------
    RecordingError
        If a range is no number, is empty or absurd, or does not fit the file's integers.
    """
    physical = _range(header, signal, "physical", signal.physical)
    digital = _range(header, signal, "digital", signal.digital)
    largest = 1 << (8 * header.sample_bytes - 1)
    if digital[0] > digital[1] or digital[0] < -largest or digital[1] >= largest:
        raise _unusable(
            header,
            signal,
            f"digital range, {digital[0]} to {digital[1]}, must rise "
            f"within {-largest} to {largest - 1}",
        )
    unit, factor = delivered_unit(kind, signal.unit)
    if max(abs(limit * factor) for limit in physical) > _LARGEST:
        raise _unusable(header, signal, f"physical range reaches beyond {_LARGEST:g} {unit}")
    gain = (physical[1] - physical[0]) / (digital[1] - digital[0]) * factor
    offset = physical[0] * factor - digital[0] * gain
    low, high = sorted(float(limit * factor) for limit in physical)
    channel = Channel(signal.label, unit, resolution=abs(float(gain)), limits=(low, high))
    return channel, Scale(float(gain), float(offset))


def _range(
    header: EdfHeader, signal: SignalHeader, name: str, texts: tuple[str, str]
) -> tuple[Fraction, Fraction]:
    low, high = (
        exact_number(header.path, text, f"{name} {end} of {signal.label!r}")
        for text, end in zip(texts, ("minimum", "maximum"), strict=True)
    )
    if low == high:
        raise _unusable(header, signal, f"{name} range, {texts[0]} to {texts[1]}, is empty")
    return low, high


def _unusable(header: EdfHeader, signal: SignalHeader, fault: str) -> RecordingError:
    return RecordingError(
        f"the {fault}",
        file=header.path,
        place=f"header, channel {signal.label!r}",
        advice=f"If this channel is not needed, name those that are {where_to_name(header)}.",
    )


def where_to_name(header: EdfHeader) -> str:
    """Return how a person tells which channels are meant, whatever the command."""
    return (
        f"in {own_table_name(header.path)} beside the file (tab-separated columns name and type; "
        "type EMG or ACCEL), or with --emg and --acc of analyze and replay"
    )
