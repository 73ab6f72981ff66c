"""Emulated Ultimate Robotics uMyo v3.1.

As its public firmware does: it measures from the moment its Bluetooth mode is entered and numbers
samples with 32 bits through everything but a reboot; 256 samples wait in RAM, the oldest are
overwritten; one notification at a time is given to the radio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from firmware_bridge.emulator.devices.outbox import Block
from firmware_bridge.emulator.devices.peripheral import Peripheral, characteristic
from firmware_bridge.emulator.sensor import (
    Advertisement,
    AttError,
    AttRefusal,
    Emission,
    LossCause,
    Service,
)
from firmware_bridge.emulator.sources import FrontEnd
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.packets import StreamKind

SERVICE = "93375900-f229-8b49-b397-44b5899b8601"
TELEMETRY = "fc7a850d-c1a5-f61f-0da7-9995621fbd01"
NAME = "fc7a850d-c1a5-f61f-0da7-9995621fbd02"

# 0.6 V reference, gain 1/6, 14 bit, and the amplifier's gain of 80.
_EMG_VOLT = 0.6 * 6 / 2**14 / 80

UMYO: Final[dict[StreamKind, FrontEnd]] = {
    "emg": FrontEnd(1, 1116.0, -8192, 8191, _EMG_VOLT),
    "acc": FrontEnd(3, 25.0, -32768, 32767, 1 / 16384),
}

_QUEUE_SAMPLES = 256
_EMPTY_MV, _FULL_MV = 3200, 4200
_NAME_LENGTH = 16
_REST = np.zeros(6, "<i2").tobytes() + np.array([16384, 0, 0, 0], "<i2").tobytes()
_LEVEL = -np.ones(4, "<i2")

# Samples and format byte of the layouts, by the length of their payload in the first dialect.
_LAYOUTS = {20: (8, 2), 36: (16, 2), 52: (24, 2), 60: (24, 1)}
_IMU_FORMAT = 3


class Umyo(Peripheral):
    """A uMyo in Bluetooth mode.

    Parameters
    ----------
    source : SignalSource
    rate_error : float
        In parts per million, of the 1116 samples per second that it really takes.
    """

    mtu = 64
    in_flight = 1

    def __init__(self, source: SignalSource, rate_error: float = 0.0) -> None:
        lines = (
            characteristic(TELEMETRY, "read", "notify"),
            characteristic(NAME, "read", "write-without-response", "notify"),
        )
        super().__init__("umyo", (Service(SERVICE, lines),), UMYO, source, rate_error)
        self._name = b"uMyo-A1B2"
        self._layout = 52
        self._dialect = 1
        self._number_of_0 = 0
        self._spare = 0
        self._latest = b""
        self._readers[NAME] = lambda _now_s: self._name
        self._readers[TELEMETRY] = lambda _now_s: self._latest
        self._writers[NAME] = self._rename
        self._faults |= {
            "counter": self._set_counter,
            "dialect": self._set_dialect,
            "layout": self._set_layout,
        }
        self._booted(0.0)

    @property
    def battery_mv(self) -> int:
        """What the advertisement says of the battery."""
        return round(_EMPTY_MV + (_FULL_MV - _EMPTY_MV) * self.battery_percent / 100)

    @property
    def advertisement(self) -> Advertisement:
        """Shortened name; battery and attitude for those who only listen."""
        battery = (self.battery_mv - 2000) // 10
        attitude = bytes(2 + 6) + (16384).to_bytes(2, "big") + bytes(3)
        return Advertisement(
            self._name[:7].decode("ascii", errors="replace"),
            (SERVICE,),
            bytes([0xA1, battery]) + attitude,
        )

    def _booted(self, now_s: float) -> None:
        for converter in self._converters.values():
            converter.start(now_s)
        self._number_of_0 = 1 - self._converters["emg"].taken(now_s)

    def _link_ended(self, now_s: float) -> None:  # noqa: ARG002
        """Go on measuring."""
        self._spare = 0

    def _sample(self, now_s: float) -> None:
        if TELEMETRY in self._wanted:
            self._overwrite(now_s)

    def _overwrite(self, now_s: float) -> None:
        """Measure, and keep the newest of it; while nobody listens it need not be told."""
        emg, acc = self._converters["emg"], self._converters["acc"]
        emg.advance(now_s)
        room = _QUEUE_SAMPLES + self._spare * _LAYOUTS[self._layout][0]
        emg.drop(emg.n_held - room, LossCause.QUEUE_FULL, now_s)
        acc.advance(now_s)
        acc.drop(acc.n_held - 1, LossCause.QUEUE_FULL, now_s)

    def _stream(self, room: int) -> list[Emission]:
        sent: list[Emission] = []
        if TELEMETRY not in self._wanted:
            return sent
        while len(sent) < room and (block := self._following()):
            sent.append(self._emission(block))
        self._spare = room - len(sent)
        return sent

    def _following(self) -> Block | None:
        """Motion first: there is only one of it."""
        emg, acc = self._converters["emg"], self._converters["acc"]
        if runs := acc.block(1):
            return Block(TELEMETRY, "acc", runs, 0)
        if runs := emg.block(_LAYOUTS[self._layout][0]):
            return Block(TELEMETRY, "emg", runs, runs[0].first + self._number_of_0)
        return None

    def _emission(self, block: Block) -> Emission:
        counts = self._signals[block.stream].counts(block.runs)
        if block.stream == "acc":
            number, body = _IMU_FORMAT, counts.astype("<i2").tobytes() + _REST
        else:
            number = _LAYOUTS[self._layout][1]
            body = (block.number % 2**32).to_bytes(4, "little") + counts.astype("<i2").tobytes()
            body += _LEVEL.tobytes() if self._layout == 60 else b""
        payload = body if self._dialect == 1 else bytes([number]) + body
        self._latest = payload
        return Emission(TELEMETRY, payload, self._named(block))

    def _rename(self, payload: bytes, _now_s: float) -> None:
        if not 1 <= len(payload) <= _NAME_LENGTH:
            raise AttRefusal(AttError.INVALID_LENGTH)
        self._name = payload
        self._answer(NAME, payload)

    def _set_counter(self, now_s: float, value: float) -> None:
        """Let the next sample have this number."""
        taken = self._converters["emg"].taken(now_s)
        self._number_of_0 = int(value) - taken

    def _set_dialect(self, now_s: float, number: float) -> None:  # noqa: ARG002
        """1: no format byte, told apart by length. 2: a format byte in front."""
        if number not in (1, 2):
            raise UsageError(f"The uMyo has no dialect {number}: expected 1 or 2.")
        self._dialect = int(number)

    def _set_layout(self, now_s: float, length: float) -> None:  # noqa: ARG002
        """Length of an EMG packet of the first dialect."""
        if length not in _LAYOUTS:
            raise UsageError(f"The uMyo has no packets of {length} bytes: expected {[*_LAYOUTS]}.")
        self._layout = int(length)

    def _set_battery(self, now_s: float, percent: float) -> None:
        super()._set_battery(now_s, percent)
        if self.battery_percent == 0:
            self._switch_off(now_s)
