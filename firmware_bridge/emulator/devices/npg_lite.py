"""Emulated Upside Down Labs NPG Lite (3 and 6 channels, 500 Hz; 3 channels, 250 Hz) and band.

As its public firmware does: nothing is sent before ``START`` and nothing after the link has
ended; the counter of a sample begins at 0 with ``START`` and counts what enters a packet, not what
the converter was asked for; two packets are buffered, and whether they were sent is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from firmware_bridge.emulator.devices.outbox import Block
from firmware_bridge.emulator.devices.peripheral import Peripheral, characteristic, sig
from firmware_bridge.emulator.sensor import Advertisement, Emission, LossCause, Service
from firmware_bridge.emulator.sources import FrontEnd

if TYPE_CHECKING:
    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.packets import Counts, StreamKind

SERVICE = "4fafc201-1fb5-459e-8fcc-c5c9c331914b"
DATA = "beb5483e-36e1-4688-b7f5-ea07361b26a8"
CONTROL = sig(0xFF01)
BATTERY = "f633d0ec-46b4-43c1-a39f-1ca06d0602e1"
IMU = "5a153fa9-7be0-400c-8ef8-d84502b31c4d"

_BATTERY_PERIOD_S = 10.0
_LOWEST_PERCENT = 5
_BOOT_PERCENT = 10
# The converter's pool of five DMA frames is thrown away whole when it overflows.
_POOL_S = 0.1
_CONTROL_BUFFER = 20
# Of a 12-bit converter for 3.3 V behind an instrumentation amplifier with a gain of 1000. Neither
# the gain nor the band is published.
_EMG_VOLT = 3.3 / 4096 / 1000
_ACC_PER_SAMPLE = 5


def _emg(channels: int, rate_hz: float = 500.0) -> FrontEnd:
    return FrontEnd(channels, rate_hz, 0, 4095, _EMG_VOLT, offset=2048)


_ACC = FrontEnd(3, 100.0, -32768, 32767, 1 / 16000)

BAND: Final[dict[StreamKind, FrontEnd]] = {"emg": _emg(3), "acc": _ACC}
BOARD_3CH: Final[dict[StreamKind, FrontEnd]] = {"emg": _emg(3)}
BOARD_6CH: Final[dict[StreamKind, FrontEnd]] = {"emg": _emg(6)}
BOARD_250HZ: Final[dict[StreamKind, FrontEnd]] = {"emg": _emg(3, 250.0)}


def pack(number: int, counts: Counts, dtype: str) -> bytes:
    """For each sample a counter byte and big-endian words."""
    channels, n = counts.shape
    table = np.empty((n, 1 + 2 * channels), np.uint8)
    table[:, 0] = (number + np.arange(n)) & 0xFF
    table[:, 1:] = counts.T.astype(dtype, order="C").view(np.uint8)
    return table.tobytes()


class NpgLite(Peripheral):
    """Board or band.

    Parameters
    ----------
    device : str
    name : str
        Advertised name.
    front_ends : dict of stream to FrontEnd
        With ACC: the band.
    block : int
        EMG samples in a notification.
    source : SignalSource
    rate_error : float
        In parts per million.
    """

    queue_depth = 2

    def __init__(
        self,
        device: str,
        name: str,
        front_ends: dict[StreamKind, FrontEnd],
        block: int,
        source: SignalSource,
        rate_error: float,
    ) -> None:
        imu = (characteristic(IMU, "notify"),) if "acc" in front_ends else ()
        lines = (
            characteristic(DATA, "notify"),
            characteristic(CONTROL, "read", "write", "notify"),
            characteristic(BATTERY, "read", "notify"),
            *imu,
        )
        super().__init__(device, (Service(SERVICE, lines),), front_ends, source, rate_error)
        self._name = name
        self._block = block
        self._counters = {"emg": 0, "acc": 0}
        self._last_answer = b""
        self._battery_told_s = 0.0
        self._readers[CONTROL] = lambda _now_s: self._last_answer
        self._readers[BATTERY] = lambda _now_s: bytes([self.battery_percent])
        self._writers[CONTROL] = self._command
        self._faults["adc_overrun"] = self._overrun

    @property
    def advertisement(self) -> Advertisement:
        """Name and service."""
        return Advertisement(self._name, (SERVICE,))

    @property
    def _running(self) -> bool:
        return self._converters["emg"].running

    def _command(self, payload: bytes, now_s: float) -> None:
        if self._block == 25 and len(payload) >= _CONTROL_BUFFER:
            # The low-power firmware copies what is written into 20 bytes, unchecked.
            self.reboot(now_s)
            return
        text = payload.decode("ascii", errors="replace").strip("\x00 \r\n")
        if text == "START":
            self._start(now_s)
        elif text == "STOP":
            self._halt(LossCause.STOPPED, now_s)
        elif text in ("STATUS", "WHORU"):
            state = "RUNNING" if self._running else "STOPPED"
            self._say("NPG-LITE" if text == "WHORU" else state)
        else:
            self._say("UNKNOWN COMMAND")

    def _say(self, text: str) -> None:
        self._last_answer = text.encode()
        self._answer(CONTROL, self._last_answer)

    def _start(self, now_s: float) -> None:
        self._halt(LossCause.STOPPED, now_s)
        self._counters = {"emg": 0, "acc": 0}
        self._battery_told_s = now_s
        for converter in self._converters.values():
            converter.start(now_s)

    def _sample(self, now_s: float) -> None:
        if not self._running:
            return
        self._fill("emg", DATA, self._block, now_s)
        if "acc" in self._converters:
            self._fill("acc", IMU, _ACC_PER_SAMPLE, now_s)
        if now_s - self._battery_told_s >= _BATTERY_PERIOD_S:
            self._battery_told_s = now_s
            self._answer(BATTERY, bytes([self.battery_percent]))

    def _fill(self, stream: StreamKind, uuid: str, n: int, now_s: float) -> None:
        converter = self._converters[stream]
        converter.advance(now_s)
        while runs := converter.block(n):
            self._queue(Block(uuid, stream, runs, self._counters[stream]), now_s)
            self._counters[stream] = (self._counters[stream] + n) % 256

    def _emission(self, block: Block) -> Emission:
        counts = self._signals[block.stream].counts(block.runs)
        dtype = ">u2" if block.stream == "emg" else ">i2"
        return Emission(block.characteristic, pack(block.number, counts, dtype), self._named(block))

    def _overrun(self, now_s: float, seconds: float = _POOL_S) -> None:
        """Lose samples without a jump of the counter."""
        emg = self._converters["emg"]
        emg.overrun(now_s, round(seconds * emg.rate_hz))

    def _set_battery(self, now_s: float, percent: float) -> None:
        super()._set_battery(now_s, percent)
        self._answer(BATTERY, bytes([self.battery_percent]))
        if self.battery_percent < _LOWEST_PERCENT:
            self._switch_off(now_s)

    def _booted(self, now_s: float) -> None:
        if self.battery_percent < _BOOT_PERCENT:
            self._switch_off(now_s)


def band(source: SignalSource, rate_error: float = 0.0) -> NpgLite:
    """Make an NPG-Lite-band."""
    return NpgLite("npg-lite-band", "NPG-Lite-band-3CH:DA:CE", BAND, 20, source, rate_error)


def board_3ch(source: SignalSource, rate_error: float = 0.0) -> NpgLite:
    """Make a board with three channels."""
    return NpgLite("npg-lite-3ch", "NPG-Lite-3CH:A1:B2", BOARD_3CH, 10, source, rate_error)


def board_6ch(source: SignalSource, rate_error: float = 0.0) -> NpgLite:
    """Make a board with six channels."""
    return NpgLite("npg-lite-6ch", "NPG-Lite-6CH:A1:B2", BOARD_6CH, 10, source, rate_error)


def board_250hz(source: SignalSource, rate_error: float = 0.0) -> NpgLite:
    """Make a board with the low-power firmware."""
    return NpgLite("npg-lite-250hz", "NPG-Lite", BOARD_250HZ, 25, source, rate_error)
