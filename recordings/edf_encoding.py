"""The header of an EDF+C or BDF+C file, as text that reads back to the same numbers.

Source: EDF+ specification, section 2.1 (edfplus.info).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError
from recordings.edf_header import BDF_ANNOTATIONS, EDF_ANNOTATIONS
from recordings.edf_start import start_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recordings.recording import Channel

_LOWEST, _HIGHEST = -32768, 32767  # counts of 16 bits
# So near to the true step, no 16-bit count becomes another float32.
_STEP_TOLERANCE = 1e-9
_PRINTABLE = re.compile(r"[ -~]+")
_VERSION = {2: b"0       ", 3: b"\xffBIOSEMI"}
_KIND = {2: "EDF+C", 3: "BDF+C"}


@dataclass(frozen=True, slots=True)
class SignalText:
    """What the header says of one signal.

    Attributes
    ----------
    label, unit : str
    physical : tuple of str
        Texts of the smallest and largest value.
    digital : tuple of int
        The counts they stand for.
    samples : int
        In each data record.
    """

    label: str
    unit: str
    physical: tuple[str, str]
    digital: tuple[int, int]
    samples: int


def describe_channel(channel: Channel, samples: int) -> SignalText:
    """Return header texts from which a reader gets count times resolution, exactly.

    Steps of 0.2 uV within -6553.6 to 6553.4 uV, for example, are counts of -32768 to 32767. Steps
    of 2**-12 g cannot reach 32767 counts, 7.999755859375 g, but can reach 32000, which is 7.8125 g.

    Raises
    ------
    OutputError
        If the limits need more than 16 bits, or if 8 characters cannot hold them exactly.
    """
    step = channel.resolution
    low, high = (round(limit / step) for limit in channel.limits)
    if not _LOWEST <= low < high <= _HIGHEST:
        raise OutputError(
            f"channel {channel.label!r}: counts from {low} to {high} do not fit EDF's 16 bits."
        )
    texts = number_text(low * step), number_text(high * step)
    read_step = (Fraction(texts[1]) - Fraction(texts[0])) / (high - low)
    read_offset = Fraction(texts[0]) - low * read_step
    if max(abs(read_step - Fraction(step)), abs(read_offset)) > _STEP_TOLERANCE * step:
        raise OutputError(
            f"channel {channel.label!r}: limits of {channel.limits} at steps of {step} "
            f"{channel.unit} cannot be told exactly in the 8 characters of an EDF header. "
            "Choose limits that are short decimal fractions and whole numbers of steps."
        )
    return SignalText(channel.label, channel.unit, texts, (low, high), samples)


def describe_annotations(width: int, sample_bytes: int = 2) -> SignalText:
    """Return the header texts of an annotation signal of `width` bytes in each data record."""
    label = EDF_ANNOTATIONS if sample_bytes == 2 else BDF_ANNOTATIONS
    lowest = -(1 << (8 * sample_bytes - 1))
    return SignalText(label, "", ("-1", "1"), (lowest, -lowest - 1), width // sample_bytes)


def encode_header(
    signals: Sequence[SignalText],
    *,
    n_records: int,
    record_s: int,
    start: datetime | None,
    patient_code: str,
    equipment: str,
    sample_bytes: int = 2,
) -> bytes:
    """Return the header of an EDF+C file, or, with samples of 3 bytes, of a BDF+C file.

    Raises
    ------
    OutputError
        If a text does not fit its field or is not ASCII, if a code holds spaces, or if the start is
        no whole second from 1985 to 2084.
    """
    stated_date, date, time = start_texts(start)
    size = 256 * (len(signals) + 1)
    return b"".join(
        [
            _VERSION[sample_bytes],
            _field(f"{_code(patient_code, 'patient')} X X X", 80, "patient code"),
            _field(
                f"Startdate {stated_date} X X {_code(equipment, 'equipment')}", 80, "equipment code"
            ),
            _field(date, 8, "start date"),
            _field(time, 8, "start time"),
            _field(str(size), 8, "header size"),
            _field(_KIND[sample_bytes], 44, "reserved"),
            _field(str(n_records), 8, "number of data records"),
            _field(str(record_s), 8, "duration of a data record"),
            _field(str(len(signals)), 4, "number of signals"),
            *(_field(signal.label, 16, "label") for signal in signals),
            b" " * 80 * len(signals),
            *(_field(signal.unit, 8, "unit") for signal in signals),
            *(_field(signal.physical[0], 8, "physical minimum") for signal in signals),
            *(_field(signal.physical[1], 8, "physical maximum") for signal in signals),
            *(_field(str(signal.digital[0]), 8, "digital minimum") for signal in signals),
            *(_field(str(signal.digital[1]), 8, "digital maximum") for signal in signals),
            b" " * 80 * len(signals),
            *(_field(str(signal.samples), 8, "samples per data record") for signal in signals),
            b" " * 32 * len(signals),
        ]
    )


def _code(text: str, name: str) -> str:
    if not text or " " in text:
        raise OutputError(f"the {name} code {text!r} must be one word; use X to say nothing.")
    return text


def _field(text: str, width: int, name: str) -> bytes:
    if len(text) > width or (text and not _PRINTABLE.fullmatch(text)):
        raise OutputError(
            f"{text!r} cannot stand in an EDF header as {name}: "
            f"it takes {width} characters of ASCII at most."
        )
    return text.encode("ascii").ljust(width)


def number_text(value: float) -> str:
    """Return the decimal text of at most 8 characters that is nearest to a value."""
    texts = (f"{value:.{decimals}f}" for decimals in range(7, -1, -1))
    shortened = (text.rstrip("0").rstrip(".") if "." in text else text for text in texts)
    return next(text for text in shortened if len(text) <= 8)
