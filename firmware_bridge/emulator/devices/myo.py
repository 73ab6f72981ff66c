"""Emulated Thalmic Myo.

As the maker's ``myohw.h`` and the armband's users tell: it forgets its mode when the link ends,
ends the link after half a minute unless it was told never to sleep, sends pairs of samples on four
characteristics in turn, and falls into a sleep from deep sleep that only USB ends.
"""

from __future__ import annotations

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
    from collections.abc import Sequence

    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.packets import Counts, StreamKind


def _uuid(number: int) -> str:
    return f"d506{number:04x}-a904-deb9-4748-2c7f4a124842"


SERVICE = _uuid(0x0001)
INFO, FIRMWARE, COMMAND = _uuid(0x0101), _uuid(0x0201), _uuid(0x0401)
CLASSIFIER, SMOOTHED = _uuid(0x0103), _uuid(0x0104)
IMU, MOTION_EVENT = _uuid(0x0402), _uuid(0x0502)
EMG = (_uuid(0x0105), _uuid(0x0205), _uuid(0x0305), _uuid(0x0405))
MANUFACTURER = sig(0x2A29)

# Nobody has published what one count is: 5 uV fits the armband's noise and its saturation.
MYO: Final[dict[StreamKind, FrontEnd]] = {
    "emg": FrontEnd(8, 200.0, -128, 127, 5e-6),
    "acc": FrontEnd(3, 50.0, -32768, 32767, 1 / 2048),
}

_SAMPLES = 2
_SLEEP_AFTER_S = 30.0
_INFO = bytes.fromhex("0201f3a5c6d2") + bytes([0, 0, 0, 0, 0, 1]) + bytes(8)
_VERSION = np.array([1, 5, 1970, 2], "<u2").tobytes()
_MODE, _VIBRATE, _DEEP_SLEEP, _LED, _SLEEP_MODE, _UNLOCK = 1, 3, 4, 6, 9, 10
_LENGTHS = {_MODE: 3, _VIBRATE: 1, _DEEP_SLEEP: 0, _LED: 6, _SLEEP_MODE: 1, _UNLOCK: 1}
_EMG_OFF, _EMG_SMOOTHED, _EMG_MODES = 0, 1, range(4)
_IMU_DATA, _IMU_MODES = (1, 3), range(5)


def emg_payload(counts: Counts) -> bytes:
    """Two samples of eight channels, one byte each."""
    return counts.T.astype(np.int8).tobytes()


def imu_payload(
    quaternion: Sequence[int], acceleration: Sequence[int], rotation: Sequence[int]
) -> bytes:
    """Ten little-endian words."""
    return np.array([*quaternion, *acceleration, *rotation], "<i2").tobytes()


class Myo(Peripheral):
    """A Myo armband.

    Parameters
    ----------
    source : SignalSource
    rate_error : float
        In parts per million.
    """

    mtu = 23

    def __init__(self, source: SignalSource, rate_error: float = 0.0) -> None:
        lines = (
            characteristic(INFO, "read"),
            characteristic(FIRMWARE, "read"),
            characteristic(COMMAND, "write"),
            characteristic(IMU, "notify"),
            characteristic(MOTION_EVENT, "indicate"),
            characteristic(CLASSIFIER, "indicate"),
            characteristic(SMOOTHED, "notify"),
            *(characteristic(uuid, "notify") for uuid in EMG),
        )
        maker = Service(DEVICE_INFORMATION, (characteristic(MANUFACTURER, "read"),))
        super().__init__("myo", (Service(SERVICE, lines), BATTERY, maker), MYO, source, rate_error)
        self._emg_mode = _EMG_OFF
        self._sleepless = False
        self._turn = 0
        self._link_s = 0.0
        self._readers |= {
            INFO: lambda _now_s: _INFO,
            FIRMWARE: lambda _now_s: _VERSION,
            MANUFACTURER: lambda _now_s: b"Thalmic Labs",
        }
        self._writers[COMMAND] = self._command

    @property
    def advertisement(self) -> Advertisement:
        """The name its owner gave it, and the service."""
        return Advertisement("My Myo", (SERVICE,))

    def connected(self, now_s: float, mtu: int) -> None:
        """Let the time run until it sleeps."""
        if not self.linked:
            self._link_s = now_s
        super().connected(now_s, mtu)

    def _link_ended(self, now_s: float) -> None:
        super()._link_ended(now_s)
        self._emg_mode, self._sleepless = _EMG_OFF, False

    def _booted(self, now_s: float) -> None:  # noqa: ARG002
        self._emg_mode, self._sleepless = _EMG_OFF, False

    def _command(self, payload: bytes, now_s: float) -> None:
        if len(payload) < 2 or len(payload) != 2 + payload[1]:
            raise AttRefusal(AttError.INVALID_LENGTH)
        operation, values = payload[0], payload[2:]
        if _LENGTHS.get(operation) != len(values):
            raise AttRefusal(AttError.VALUE_NOT_ALLOWED)
        if operation == _MODE:
            self._set_mode(values, now_s)
        elif operation == _SLEEP_MODE:
            self._sleepless = values == b"\x01"
        elif operation == _DEEP_SLEEP:
            self._switch_off(now_s)

    def _set_mode(self, values: bytes, now_s: float) -> None:
        emg, imu, classifier = values
        if emg not in _EMG_MODES or imu not in _IMU_MODES or classifier > 1:
            raise AttRefusal(AttError.VALUE_NOT_ALLOWED)
        wanted = {"emg": emg != _EMG_OFF, "acc": imu in _IMU_DATA}
        for stream, converter in self._converters.items():
            if not wanted[stream]:
                converter.stop(now_s, LossCause.STOPPED)
            elif not converter.running:
                converter.start(now_s)
                self._turn = 0 if stream == "emg" else self._turn
        self._emg_mode = emg

    def _sample(self, now_s: float) -> None:
        if self.linked and not self._sleepless and now_s - self._link_s >= _SLEEP_AFTER_S:
            self._hang_up(now_s)
        emg, acc = self._converters["emg"], self._converters["acc"]
        emg.advance(now_s)
        while runs := emg.block(_SAMPLES):
            self._queue(Block(self._emg_characteristic, "emg", runs, self._turn), now_s)
            self._turn = (self._turn + 1) % len(EMG)
        acc.advance(now_s)
        while runs := acc.block(1):
            self._queue(Block(IMU, "acc", runs, 0), now_s)

    @property
    def _emg_characteristic(self) -> str:
        return SMOOTHED if self._emg_mode == _EMG_SMOOTHED else EMG[self._turn]

    def _emission(self, block: Block) -> Emission:
        counts = self._signals[block.stream].counts(block.runs)
        if block.stream == "acc":
            payload = imu_payload((16384, 0, 0, 0), counts[:, 0].tolist(), (0, 0, 0))
        elif block.characteristic == SMOOTHED:
            payload = np.abs(counts[:, -1]).astype("<u2").tobytes() + b"\0"
        else:
            payload = emg_payload(counts)
        return Emission(block.characteristic, payload, self._named(block))
