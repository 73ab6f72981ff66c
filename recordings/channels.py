"""Which signals of a file are the EMG of the leg and which its acceleration."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.calibration import calibrate, where_to_name
from recordings.labels import (
    axis_of,
    is_acc_label,
    is_emg_label,
    is_head_label,
    is_unplaced_emg,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recordings.bids import ChannelTable
    from recordings.edf_header import EdfHeader, SignalHeader
    from recordings.edf_stream import Scale
    from recordings.recording import Channel, StreamKind

LOWEST_EMG_HZ, HIGHEST_EMG_HZ = 200.0, 4000.0
LOWEST_ACC_HZ = 10.0
_AXES = "xyz"


@dataclass(frozen=True, slots=True)
class Selection:
    """Signals of one stream, and what had to be decided to find them.

    Attributes
    ----------
    signals : tuple of SignalHeader
        Of one rate; empty if there is no such stream.
    channels : tuple of Channel
    scales : tuple of Scale
    notes : tuple of str
    """

    signals: tuple[SignalHeader, ...]
    channels: tuple[Channel, ...]
    scales: tuple[Scale, ...]
    notes: tuple[str, ...]


def choose_emg(
    header: EdfHeader, table: ChannelTable | None, wanted: Sequence[str] | None
) -> Selection:
    """Choose EMG channels of one rate and one kind of unit.

    Parameters
    ----------
    header : EdfHeader
    table : ChannelTable or None
        Decides where it exists; otherwise the labels do.
    wanted : sequence of str or None
        Labels that decide instead of both, if there are any.

    Raises
    ------
    RecordingError
        If a wanted channel is missing or has no usable range, none is found, or none has a usable
        rate or range.
    """
    signals, notes = _candidates(header, table, wanted, "emg")
    if not signals:
        source = f" that {table.path.name} calls good EMG" if table else " that looks like EMG"
        told = "".join(f" ({note})" for note in notes)
        raise RecordingError(
            f"no channel{source} among {_names(header.channels)}{told}",
            file=header.path,
            advice=f"Name the EMG channels {where_to_name(header)}.",
        )
    signals, rate_notes = _of_one_rate(header, signals)
    calibrated, faults = _calibrated_emg(header, signals)
    if faults and (wanted or not calibrated):
        raise faults[0]
    range_notes = [f"left out: {fault.place}: {fault.problem}" for fault in faults]
    scaled = [entry for entry in calibrated if entry[1].scaled]
    kept = scaled or calibrated
    unscaled = [entry[0] for entry in calibrated if entry not in kept]
    unit_notes = [f"left out, without a unit of voltage: {_names(unscaled)}"] if unscaled else []
    return _selection(kept, (*notes, *rate_notes, *range_notes, *unit_notes))


def _calibrated_emg(
    header: EdfHeader, signals: Sequence[SignalHeader]
) -> tuple[list[tuple[SignalHeader, Channel, Scale]], list[RecordingError]]:
    """Return channels with their scales, and a fault of each whose range makes no sense."""
    calibrated, faults = [], []
    for signal in signals:
        try:
            calibrated.append((signal, *calibrate(header, signal, "emg")))
        except RecordingError as fault:
            faults.append(fault)
    return calibrated, faults


def choose_acc(
    header: EdfHeader, table: ChannelTable | None, wanted: Sequence[str] | None
) -> Selection:
    """Choose the three axes of one accelerometer, x, y, z where the labels say so.

    Parameters are those of `choose_emg`. The selection is empty, with a note, where there is no
    usable accelerometer and none was asked for.

    Raises
    ------
    RecordingError
        If wanted channels are missing, are not three, or have no common usable rate or unit.
    """
    candidates, notes = _candidates(header, table, wanted, "acc")
    if not candidates:
        return Selection((), (), (), (*notes, "no acceleration: no channel is named so"))
    signals = candidates if wanted else _first_triple(header, candidates)
    if others := [signal for signal in candidates if signal not in signals]:
        notes.append(f"left out, not of the first accelerometer: {_names(others)}")
    try:
        return _calibrated_acc(header, signals, notes)
    except RecordingError as error:
        if wanted:
            raise
        return Selection((), (), (), (*notes, f"no acceleration: {error.problem}"))


def _calibrated_acc(
    header: EdfHeader, signals: Sequence[SignalHeader], notes: Sequence[str]
) -> Selection:
    rates = {header.rate_hz(signal) for signal in signals}
    if len(signals) != len(_AXES) or len(rates) > 1 or min(rates) < LOWEST_ACC_HZ:
        raise RecordingError(
            f"it takes three axes of one rate of at least {LOWEST_ACC_HZ:g} Hz, "
            f"not {_names(signals)}",
            file=header.path,
        )
    calibrated = [(signal, *calibrate(header, signal, "acc")) for signal in signals]
    if len({channel.scaled for _, channel, _ in calibrated}) > 1:
        raise RecordingError(f"only some of {_names(signals)} have a unit", file=header.path)
    return _selection(calibrated, notes)


def _selection(
    calibrated: Sequence[tuple[SignalHeader, Channel, Scale]], notes: Iterable[str]
) -> Selection:
    signals, channels, scales = zip(*calibrated, strict=True)
    return Selection(signals, channels, scales, tuple(notes))


def _candidates(
    header: EdfHeader,
    table: ChannelTable | None,
    wanted: Sequence[str] | None,
    kind: StreamKind,
) -> tuple[list[SignalHeader], list[str]]:
    if wanted:
        found = [signal for name in wanted for signal in _named(header, name, kind)]
        return list(dict.fromkeys(found)), []
    if table:
        return _listed(header, table, kind)
    if kind == "acc":
        return [signal for signal in header.channels if is_acc_label(signal.label)], []
    return _labelled_emg(header)


def _labelled_emg(header: EdfHeader) -> tuple[list[SignalHeader], list[str]]:
    """Return EMG by label; where there is EEG, without what is the chin's by convention."""
    found = [signal for signal in header.channels if is_emg_label(signal.label)]
    if not any(is_head_label(signal.label) for signal in header.channels):
        return found, []
    chin = [signal for signal in found if is_unplaced_emg(signal.label)]
    notes = [f"left out, EMG of the chin as it stands beside EEG: {_names(chin)}"] if chin else []
    return [signal for signal in found if signal not in chin], notes


def _named(header: EdfHeader, name: str, kind: StreamKind) -> list[SignalHeader]:
    exact = [signal for signal in header.channels if signal.label == name]
    alike = [signal for signal in header.channels if signal.label.lower() == name.lower()]
    if not alike:
        raise RecordingError(
            f"there is no channel {name!r}; the file has {_names(header.channels)}",
            file=header.path,
            advice=f"Name the channels with --{kind} as the file does.",
        )
    return exact or alike


def _listed(
    header: EdfHeader, table: ChannelTable, kind: StreamKind
) -> tuple[list[SignalHeader], list[str]]:
    rows = [(signal, table.channels.get(signal.label.lower())) for signal in header.channels]
    of_kind = [(signal, row) for signal, row in rows if row and row.kind == kind]
    bad = [signal for signal, row in of_kind if row.bad]
    notes = [f"left out, called bad by {table.path.name}: {_names(bad)}"] if bad else []
    return [signal for signal, row in of_kind if not row.bad], notes


def _of_one_rate(
    header: EdfHeader, signals: Sequence[SignalHeader]
) -> tuple[list[SignalHeader], list[str]]:
    """Keep the largest group of channels of one usable rate; the faster of two equal ones."""
    usable = [s for s in signals if LOWEST_EMG_HZ <= header.rate_hz(s) <= HIGHEST_EMG_HZ]
    if not usable:
        found = ", ".join(
            f"{signal.label!r} at {header.rate_hz(signal):g} Hz" for signal in signals
        )
        raise RecordingError(
            f"EMG from 20 Hz upwards needs {LOWEST_EMG_HZ:g} to {HIGHEST_EMG_HZ:g} samples "
            f"a second, but the file has {found}",
            file=header.path,
        )
    sizes = Counter(signal.samples for signal in usable)
    samples = max(sizes, key=lambda n: (sizes[n], n))
    kept = [signal for signal in usable if signal.samples == samples]
    others = [signal for signal in signals if signal not in kept]
    rate = header.rate_hz(kept[0])
    notes = [f"left out, not sampled at {rate:g} Hz: {_names(others)}"] if others else []
    return kept, notes


def _first_triple(header: EdfHeader, signals: Sequence[SignalHeader]) -> list[SignalHeader]:
    """Return the axes of the first complete sensor, or all signals if no label names an axis."""
    sensors: dict[tuple[str, int], dict[str, SignalHeader]] = {}
    for signal in signals:
        if header.rate_hz(signal) >= LOWEST_ACC_HZ and (found := axis_of(signal.label)):
            sensor, axis = found
            sensors.setdefault((sensor, signal.samples), {}).setdefault(axis, signal)
    complete = (axes for axes in sensors.values() if len(axes) == len(_AXES))
    first = next(complete, None)
    return [first[axis] for axis in _AXES] if first else list(signals)


def _names(signals: Iterable[SignalHeader]) -> str:
    return ", ".join(repr(signal.label) for signal in signals)
