"""Emulated Movesense sensor with the maker's GATT sensor data firmware: acceleration only.

A subscription by path starts it and ends with the link; the clock in the packets runs on. Packets
that do not fit the MTU are sent in two parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from firmware_bridge.emulator.devices.outbox import Block
from firmware_bridge.emulator.devices.peripheral import BATTERY, Peripheral, characteristic
from firmware_bridge.emulator.sensor import Advertisement, Emission, LossCause, Service
from firmware_bridge.emulator.sources import FrontEnd

if TYPE_CHECKING:
    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.packets import StreamKind

SERVICE = "34802252-7185-4d5d-b431-630e7050e8f0"
COMMAND = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY = "34800002-7185-4d5d-b431-630e7050e8f0"

# The sensor's own step is a quarter of a mg at +-8 g; a finer one keeps the night's resolution.
MOVESENSE: Final[dict[StreamKind, FrontEnd]] = {"acc": FrontEnd(3, 52.0, -160_000, 160_000, 1e-4)}

_HELLO, _SUBSCRIBE, _UNSUBSCRIBE, _FETCH = range(4)
_RESULT, _DATA, _DATA_PART_2 = 1, 2, 3
_OK, _BAD_REQUEST, _NOT_FOUND, _NOT_IMPLEMENTED = 200, 400, 404, 501
_PATH = b"/Meas/Acc/52"
_OTHER_PATHS = tuple(b"/Meas/Acc/%d" % rate for rate in (13, 26, 104, 208, 416, 833, 1666))
_SAMPLES = 4
_GRAVITY = 9.80665


class Movesense(Peripheral):
    """A Movesense sensor.

    Parameters
    ----------
    source : SignalSource
    rate_error : float
        Of the converter, in parts per million.
    clock_error : float
        Of the clock in the packets, which has a crystal of its own, in parts per million.
    """

    mtu = 161

    def __init__(
        self, source: SignalSource, rate_error: float = 0.0, clock_error: float = 0.0
    ) -> None:
        lines = (
            characteristic(COMMAND, "write", "write-without-response"),
            characteristic(NOTIFY, "notify"),
        )
        services = (Service(SERVICE, lines), BATTERY)
        super().__init__("movesense", services, MOVESENSE, source, rate_error)
        self._ticks_per_s = 1000.0 * (1.0 + clock_error * 1e-6)
        self._ticks_at_0 = 0.0
        self._reference = 0
        self._writers[COMMAND] = self._command
        self._faults["clock_step"] = self._step_clock

    @property
    def advertisement(self) -> Advertisement:
        """Name with serial number, and service."""
        return Advertisement("Movesense 223430000019", (SERVICE,))

    def _booted(self, now_s: float) -> None:
        self._ticks_at_0 = -now_s * self._ticks_per_s

    def _command(self, payload: bytes, now_s: float) -> None:
        if len(payload) < 2:
            return
        operation, reference, path = payload[0], payload[1], payload[2:]
        status, data = self._obey(operation, reference, path, now_s)
        result = bytes([_RESULT, reference]) + status.to_bytes(2, "little") + data
        self._answer(NOTIFY, result)

    def _obey(self, operation: int, reference: int, path: bytes, now_s: float) -> tuple[int, bytes]:
        acc = self._converters["acc"]
        if operation == _HELLO:
            return _OK, b"Hello"
        if operation == _SUBSCRIBE and path == _PATH:
            self._reference = reference
            acc.start(now_s)
            return _OK, b""
        if operation == _UNSUBSCRIBE and acc.running and reference == self._reference:
            self._halt(LossCause.STOPPED, now_s)
            return _OK, b""
        if operation == _FETCH or path in _OTHER_PATHS:
            return _NOT_IMPLEMENTED, b""
        return (_NOT_FOUND if operation <= _UNSUBSCRIBE else _BAD_REQUEST), b""

    def _sample(self, now_s: float) -> None:
        acc = self._converters["acc"]
        acc.advance(now_s)
        while runs := acc.block(_SAMPLES):
            taken_s = acc.time_of(runs[0].first)
            ticks = int(self._ticks_at_0 + taken_s * self._ticks_per_s)
            self._queue(Block(NOTIFY, "acc", runs, ticks % 2**32), now_s)

    def _stream(self, room: int) -> list[Emission]:
        whole = 6 + 12 * _SAMPLES
        fits = whole <= self._payload_max
        emissions = super()._stream(room if fits else room // 2)
        return emissions if fits else [part for e in emissions for part in self._in_two(e)]

    def _in_two(self, emission: Emission) -> list[Emission]:
        n = self._payload_max
        second = bytes([_DATA_PART_2, self._reference]) + emission.payload[n:]
        return [
            Emission(NOTIFY, emission.payload[:n]),
            Emission(NOTIFY, second, emission.samples),
        ]

    def _emission(self, block: Block) -> Emission:
        unit = MOVESENSE["acc"].unit * _GRAVITY
        metres = (self._signals["acc"].counts(block.runs).T * unit).astype("<f4")
        header = bytes([_DATA, self._reference]) + block.number.to_bytes(4, "little")
        return Emission(NOTIFY, header + metres.tobytes(), self._named(block))

    def _step_clock(self, now_s: float, seconds: float) -> None:  # noqa: ARG002
        self._ticks_at_0 += int(seconds * 1000)
