"""A replayed night on the lab streaming layer, for programs that listen there.

Samples carry the times they had in the night, moved to the moment of the replay.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firmware_bridge import MissingStretch, StreamDeclared, Stretch
from nightcramp.errors import UsageError
from recordings import stream_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylsl import StreamOutlet

    from firmware_bridge import StreamKind
    from nightcramp.replaying import Moment, Night
    from recordings import Channel, StreamFormat

Values = npt.NDArray[np.float32]

_SIGNALS: tuple[StreamKind, ...] = ("emg", "acc")


class LslBridge:
    """Sends what is replayed at the speed of life: a stream for each kind of signal, and markers.

    Streams are called ``NAME EMG``, ``NAME ACC`` and ``NAME events``; samples are float32 in uV, g
    or counts, NaN where they are missing. Markers are JSON objects, one for each episode. A stream
    whose description changes in the night goes on under the same name.

    Parameters
    ----------
    night : Night

    Raises
    ------
    UsageError
        If the extra ``lsl`` is not installed or its library cannot be loaded.
    """

    def __init__(self, night: Night) -> None:
        try:
            import pylsl
        except (ModuleNotFoundError, RuntimeError) as error:
            raise UsageError(
                f"--to-lsl needs the extra 'lsl': pip install 'nightcramp[lsl]' ({error})"
            ) from error
        self._lsl = pylsl
        self._name = night.name
        self._path = Path(night.name)
        self._outlets: dict[StreamKind, StreamOutlet] = {}
        self._declared: dict[StreamKind, StreamDeclared] = {}
        self._formats: dict[StreamKind, StreamFormat] = {}
        self._rates: dict[StreamKind, float] = {}
        self._shift_s: float | None = None
        self._origin_s = 0.0
        self._markers = self._open("events", "Markers", ["episode"], "", 0.0, "string")
        if night.info is not None:
            for stream in filter(None, (night.info.emg, night.info.acc)):
                self._open_stream(stream.kind, stream.channels, stream.rate_hz)

    def moment(self, moment: Moment) -> None:
        """Send what a moment made known."""
        if self._shift_s is None:
            self._shift_s = self._lsl.local_clock() - moment.at_s
        if moment.record is not None:
            self._origin_s = moment.record.monotonic_ns / 1e9 - moment.at_s
        for kind, values, end_s in self._chunks(moment):
            if values.shape[1]:
                samples = np.ascontiguousarray(values.T)
                self._outlets[kind].push_chunk(samples, timestamp=self._shift_s + end_s)
        for event in moment.episodes:
            told = {"kind": event.kind, "onset_s": event.onset_s, "duration_s": event.duration_s}
            self._markers.push_sample([json.dumps(told)], self._shift_s + moment.at_s)

    def _chunks(self, moment: Moment) -> Iterator[tuple[StreamKind, Values, float]]:
        """Yield samples of one stream, and the time of the last one since the night began."""
        for item in moment.items:
            if isinstance(item, StreamDeclared):
                self._declare(item)
            elif isinstance(item, Stretch | MissingStretch):
                declared = self._declared[item.stream]
                end_s = declared.start_s + (item.start + item.n - 1) / declared.rate_hz
                values = _values(item, self._formats[item.stream])
                yield item.stream, values, end_s - self._origin_s
        if moment.block is not None:
            block = moment.block
            for kind, samples in zip(_SIGNALS, (block.emg, block.acc), strict=True):
                if samples is not None:
                    length_s = (samples.shape[1] - 1) / self._rates[kind]
                    yield kind, samples, block.onset_s + length_s

    def _declare(self, declared: StreamDeclared) -> None:
        kind, known = declared.stream, self._formats.get(declared.stream)
        form = stream_format(declared.spec, declared.rate_hz, self._path)
        self._declared[kind], self._formats[kind] = declared, form
        if known is None or (known.spec, known.rate_hz) != (form.spec, form.rate_hz):
            self._open_stream(kind, form.channels, form.rate_hz)

    def _open_stream(self, kind: StreamKind, channels: Sequence[Channel], rate_hz: float) -> None:
        self._rates[kind] = rate_hz
        labels = [channel.label for channel in channels]
        title = kind.upper()
        self._outlets[kind] = self._open(title, title, labels, channels[0].unit, rate_hz)

    def _open(
        self,
        title: str,
        kind: str,
        labels: list[str],
        unit: str,
        rate_hz: float,
        value_format: str = "float32",
    ) -> StreamOutlet:
        name = f"{self._name} {title}"
        info = self._lsl.StreamInfo(
            name, kind, len(labels), rate_hz, value_format, f"nightcramp replay {name}"
        )
        channels = info.desc().append_child("channels")
        for label in labels:
            channel = channels.append_child("channel").append_child_value("label", label)
            channel.append_child_value("unit", unit)
        return self._lsl.StreamOutlet(info)


def _values(item: Stretch | MissingStretch, form: StreamFormat) -> Values:
    """Return samples in the unit of their stream, shape (channels, n); NaN if they are missing."""
    if isinstance(item, MissingStretch):
        return np.full((form.spec.channels, item.n), np.nan, dtype=np.float32)
    return form.samples(item.counts)
