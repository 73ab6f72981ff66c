"""Emulated Polar H10 and Verity Sense: acceleration through "Polar Measurement Data".

Frames carry the sensor's clock at their last sample; after a reset the clock stands at the year
2019. The H10 sends words, the Verity Sense a first sample and packed differences. A stream ends
with the link.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from firmware_bridge.emulator.devices.outbox import Block
from firmware_bridge.emulator.devices.peripheral import (
    BATTERY,
    DEVICE_INFORMATION,
    Peripheral,
    characteristic,
    sig,
)
from firmware_bridge.emulator.sensor import (
    Advertisement,
    AttError,
    AttRefusal,
    Emission,
    LossCause,
    Service,
)
from firmware_bridge.emulator.sources import FrontEnd

if TYPE_CHECKING:
    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.packets import Counts, StreamKind

SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
FIRMWARE_REVISION = sig(0x2A26)

H10: Final[dict[StreamKind, FrontEnd]] = {"acc": FrontEnd(3, 50.0, -8000, 8000, 1e-3)}
VERITY_SENSE: Final[dict[StreamKind, FrontEnd]] = {"acc": FrontEnd(3, 52.0, -8000, 8000, 1e-3)}

_SAMPLES = 36
_PIECE = 18
_NS = 1e9
# From 2000-01-01, where the clock counts from, to 2019-01-01, where a reset puts it.
_AFTER_RESET_NS = (19 * 365 + 5) * 86_400 * 10**9
_GET_SETTINGS, _START, _STOP = 1, 2, 3
_ACC = 2
_RESPONSE, _FEATURES = 0xF0, 0x0F
_DONE, _BAD_OPERATION, _BAD_TYPE, _NOT_SUPPORTED = 0, 1, 2, 3
_BAD_LENGTH, _BAD_PARAMETER, _ALREADY, _BAD_MTU, _BAD_STATE = 4, 5, 6, 10, 12
_RATE, _RESOLUTION, _RANGE, _CHANNELS, _FACTOR = 0, 1, 2, 4, 5
_WIDTH = {_RATE: 2, _RESOLUTION: 2, _RANGE: 2, _CHANNELS: 1}
_REFUSED = {_RATE: 8, _RESOLUTION: 7, _RANGE: 9, _CHANNELS: 11}
_WORDS, _DIFFERENCES = 0x01, 0x81
_NEEDED_MTU = 232


def pack_differences(vectors: Counts) -> bytes:
    """First vector in full, then blocks of differences, least significant bit first.

    Parameters
    ----------
    vectors : int32 array, shape (samples, 3)
    """
    steps = np.diff(vectors, axis=0)
    pieces = [steps[i : i + _PIECE] for i in range(0, len(steps), _PIECE)]
    first: bytes = vectors[0].astype("<i2").tobytes()
    return first + b"".join(_pack_piece(piece) for piece in pieces)


def _pack_piece(steps: Counts) -> bytes:
    """Width in bits, number of vectors, two's complement fields one after the other."""
    width = max(int(max(steps.max(), -1 - steps.min())).bit_length() + 1, 1)
    bits = (steps.reshape(-1, 1) >> np.arange(width)) & 1
    packed = np.packbits(bits.astype(np.uint8).ravel(), bitorder="little")
    return bytes([width, len(steps)]) + packed.tobytes()


class Polar(Peripheral):
    """An H10 or a Verity Sense.

    Parameters
    ----------
    device : str
        Name of the `DeviceSpec`.
    name : str
        Advertised name.
    front_ends : dict of stream to FrontEnd
    packed : bool
        Whether it packs differences.
    source : SignalSource
    rate_error : float
        Of the converter, in parts per million.
    clock_error : float
        Of the clock in the frames, in parts per million.
    """

    def __init__(
        self,
        device: str,
        name: str,
        front_ends: dict[StreamKind, FrontEnd],
        source: SignalSource,
        rate_error: float,
        *,
        packed: bool,
        clock_error: float = 0.0,
    ) -> None:
        lines = (
            characteristic(CONTROL, "read", "write", "indicate"),
            characteristic(DATA, "notify"),
        )
        information = Service(DEVICE_INFORMATION, (characteristic(FIRMWARE_REVISION, "read"),))
        services = (Service(SERVICE, lines), BATTERY, information)
        super().__init__(device, services, front_ends, source, rate_error)
        self._name = name
        self._packed = packed
        self._settings = {
            _RATE: round(front_ends["acc"].rate_hz),
            _RESOLUTION: 16,
            _RANGE: 8,
            **({_CHANNELS: 3} if packed else {}),
        }
        self._clock_speed = 1.0 + clock_error * 1e-6
        self._ns_at_0 = _AFTER_RESET_NS
        self._readers |= {
            CONTROL: lambda _now_s: bytes([_FEATURES, 1 << _ACC]) + bytes(15),
            FIRMWARE_REVISION: lambda _now_s: b"3.1.1",
        }
        self._writers[CONTROL] = self._command
        self._faults["clock_step"] = self._step_clock

    @property
    def advertisement(self) -> Advertisement:
        """Name, by which hosts know it."""
        return Advertisement(self._name, ())

    def _booted(self, now_s: float) -> None:
        self._ns_at_0 = _AFTER_RESET_NS - round(now_s * self._clock_speed * _NS)

    def _command(self, payload: bytes, now_s: float) -> None:
        if CONTROL not in self._wanted:
            raise AttRefusal(AttError.NOT_SUBSCRIBED)
        operation, kind = payload[:1], payload[1:2]
        code, data = self._obey(payload, now_s)
        answer = bytes([_RESPONSE]) + (operation or b"\0") + (kind or b"\0") + bytes([code])
        self._answer(CONTROL, answer + data)

    def _obey(self, payload: bytes, now_s: float) -> tuple[int, bytes]:
        if len(payload) < 2:
            return _BAD_LENGTH, b""
        operation, kind, settings = payload[0], payload[1], payload[2:]
        if operation not in (_GET_SETTINGS, _START, _STOP):
            return _BAD_OPERATION, b""
        if kind != _ACC:
            return (_NOT_SUPPORTED if kind < 16 else _BAD_TYPE), b""
        if operation == _GET_SETTINGS:
            return _DONE, b"\0" + self._offered
        return self._start(settings, now_s) if operation == _START else (self._stop(now_s), b"")

    @property
    def _offered(self) -> bytes:
        return b"".join(
            bytes([kind, 1]) + value.to_bytes(_WIDTH[kind], "little")
            for kind, value in self._settings.items()
        )

    def _start(self, settings: bytes, now_s: float) -> tuple[int, bytes]:
        acc = self._converters["acc"]
        code = _ALREADY if acc.running else self._judge(settings)
        if code == _DONE and self._payload_max + 3 < _NEEDED_MTU:
            code = _BAD_MTU
        if code != _DONE:
            return code, b""
        acc.start(now_s)
        factor = bytes([_FACTOR, 1]) + struct.pack("<f", 1.0) if self._packed else b""
        return _DONE, b"\0" + factor

    def _judge(self, settings: bytes) -> int:
        """Every setting asked for must be one that is offered, and none may be missing."""
        asked: dict[int, int] = {}
        start = 0
        while start < len(settings):
            kind = settings[start]
            stop = start + 2 + _WIDTH.get(kind, 0)
            if kind not in self._settings or settings[start + 1 : start + 2] != b"\1":
                return _BAD_PARAMETER
            if stop > len(settings):
                return _BAD_LENGTH
            asked[kind] = int.from_bytes(settings[start + 2 : stop], "little")
            start = stop
        for kind, value in self._settings.items():
            if asked.get(kind) != value:
                return _REFUSED[kind] if kind in asked else _BAD_PARAMETER
        return _DONE

    def _stop(self, now_s: float) -> int:
        if not self._converters["acc"].running:
            return _BAD_STATE
        self._halt(LossCause.STOPPED, now_s)
        return _DONE

    def _sample(self, now_s: float) -> None:
        acc = self._converters["acc"]
        acc.advance(now_s)
        while runs := acc.block(_SAMPLES):
            last_s = acc.time_of(runs[-1].first + runs[-1].n - 1)
            stamp_ns = self._ns_at_0 + round(last_s * self._clock_speed * _NS)
            self._queue(Block(DATA, "acc", runs, stamp_ns), now_s)

    def _emission(self, block: Block) -> Emission:
        vectors = self._signals["acc"].counts(block.runs).T
        kind = _DIFFERENCES if self._packed else _WORDS
        body = pack_differences(vectors) if self._packed else vectors.astype("<i2").tobytes()
        header = bytes([_ACC]) + (block.number % 2**64).to_bytes(8, "little") + bytes([kind])
        return Emission(DATA, header + body, self._named(block))

    def _step_clock(self, now_s: float, seconds: float) -> None:  # noqa: ARG002
        self._ns_at_0 += int(seconds * _NS)


def h10(source: SignalSource, rate_error: float = 0.0, clock_error: float = 0.0) -> Polar:
    """Make an H10."""
    return Polar(
        "polar-h10",
        "Polar H10 12345678",
        H10,
        source,
        rate_error,
        packed=False,
        clock_error=clock_error,
    )


def verity_sense(source: SignalSource, rate_error: float = 0.0, clock_error: float = 0.0) -> Polar:
    """Make a Verity Sense."""
    return Polar(
        "polar-verity-sense",
        "Polar Sense 12345678",
        VERITY_SENSE,
        source,
        rate_error,
        packed=True,
        clock_error=clock_error,
    )
