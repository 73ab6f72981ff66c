"""Emulated OYMotion gForcePro: eight channels of 8 or 12 bits, commands and answers.

As in the maker's development kits: packages carry a number only after it was asked for, what was
set is forgotten with the link, packets that do not fit the MTU are sent in parts, and on the Pro
asking for acceleration together with EMG silently stops the EMG.
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
    from firmware_bridge.packets import StreamKind

SERVICE = sig(0xFFD0)
COMMAND = "f000ffe1-0451-4000-b000-000000000000"
DATA = "f000ffe2-0451-4000-b000-000000000000"

# 2.5 V reference and a gain of 1200 (LibEMG); the maker's own kits disagree with each other.
_EMG_VOLT = 2.5 / 1200
EIGHT_BIT: Final[dict[StreamKind, FrontEnd]] = {
    "emg": FrontEnd(8, 500.0, 0, 255, _EMG_VOLT / 127, offset=128)
}
TWELVE_BIT: Final[dict[StreamKind, FrontEnd]] = {
    "emg": FrontEnd(8, 500.0, 0, 4095, _EMG_VOLT / 2047, offset=2048)
}

_VERSION_OF, _BATTERY, _POWER_OFF, _PACKAGE_ID = 0x06, 0x08, 0x1D, 0x26
_SET_EMG, _GET_EMG, _SUBSCRIBE = 0x3F, 0x46, 0x4F
_DONE, _NOT_SUPPORTED, _BAD_PARAMETER = 0, 1, 2
_ACC_FLAG, _EMG_FLAG = 0x01, 0x80
_ACC_TYPE, _EMG_TYPE, _PART = 0x01, 0x08, 0xFF
_ACC_PERIOD_S = 0.02
_ONE_G = np.array([0, 0, 65536], "<i4").tobytes()
_RATE = 500
_BYTES = 128
_CHANNELS = 8


class GForce(Peripheral):
    """A gForcePro armband.

    Parameters
    ----------
    bits : int
        8 or 12: of the counts that `source` gives.
    source : SignalSource
    rate_error : float
        In parts per million.
    """

    def __init__(self, bits: int, source: SignalSource, rate_error: float = 0.0) -> None:
        lines = (
            characteristic(COMMAND, "write", "write-without-response", "notify"),
            characteristic(DATA, "notify"),
        )
        front_ends = EIGHT_BIT if bits == 8 else TWELVE_BIT
        services = (Service(SERVICE, lines),)
        super().__init__(f"gforce-{bits}bit", services, front_ends, source, rate_error)
        self._source_bits = bits
        self._writers[COMMAND] = self._command
        self._forget_settings()

    def _forget_settings(self) -> None:
        self._numbered = False
        self._bits = 8
        self._flags = 0
        self._number = 0
        self._acc_told_s = 0.0

    @property
    def advertisement(self) -> Advertisement:
        """Name and service."""
        return Advertisement("gForcePro(1234)", (SERVICE,))

    def _link_ended(self, now_s: float) -> None:
        super()._link_ended(now_s)
        self._forget_settings()

    def _booted(self, now_s: float) -> None:  # noqa: ARG002
        self._forget_settings()

    def _command(self, payload: bytes, now_s: float) -> None:
        if not payload:
            return
        request, body = payload[0], payload[1:]
        if request == _POWER_OFF:
            self._switch_off(now_s)
            return
        code, data = self._obey(request, body, now_s)
        self._send_in_parts(COMMAND, bytes([code, request]) + data)

    def _obey(self, request: int, body: bytes, now_s: float) -> tuple[int, bytes]:
        told = {
            _BATTERY: bytes([self.battery_percent]),
            _VERSION_OF: b"3.1.0",
            _GET_EMG: self._settings,
        }
        if request in told:
            return _DONE, told[request]
        if request == _PACKAGE_ID:
            return self._switch_number(body), b""
        if request == _SET_EMG:
            return self._set_emg(body), b""
        if request == _SUBSCRIBE:
            return self._subscribe(body, now_s), b""
        return _NOT_SUPPORTED, b""

    @property
    def _settings(self) -> bytes:
        rate_and_channels = np.array([_RATE, 0xFF], "<u2").tobytes()
        return rate_and_channels + bytes([_BYTES, self._bits])

    def _switch_number(self, body: bytes) -> int:
        if body not in (b"\0", b"\1"):
            return _BAD_PARAMETER
        self._numbered = body == b"\1"
        return _DONE

    def _set_emg(self, body: bytes) -> int:
        """Set the bits; another rate than 500 a second and less than all channels are refused."""
        if len(body) != 6 or body[:5] != self._settings[:5] or body[5] not in (8, 12):
            return _BAD_PARAMETER
        self._bits = body[5]
        return _DONE

    def _subscribe(self, body: bytes, now_s: float) -> int:
        if len(body) != 4:
            return _BAD_PARAMETER
        self._flags = int.from_bytes(body, "little")
        emg = self._converters["emg"]
        if self._flags & _EMG_FLAG and not self._flags & _ACC_FLAG:
            emg.start(now_s)
        else:
            emg.stop(now_s, LossCause.FIRMWARE if self._flags & _EMG_FLAG else LossCause.STOPPED)
        return _DONE

    def _sample(self, now_s: float) -> None:
        emg = self._converters["emg"]
        emg.advance(now_s)
        while runs := emg.block(_BYTES // (_CHANNELS * (1 if self._bits == 8 else 2))):
            self._queue(Block(DATA, "emg", runs, self._number), now_s)
            self._number = (self._number + 1) % 256
        if self._flags & _ACC_FLAG and now_s - self._acc_told_s >= _ACC_PERIOD_S:
            self._acc_told_s = now_s
            self._answer(DATA, self._headed(_ACC_TYPE, self._number) + _ONE_G)
            self._number = (self._number + 1) % 256

    def _headed(self, kind: int, number: int) -> bytes:
        return bytes([kind, number]) if self._numbered else bytes([kind])

    def _stream(self, room: int) -> list[Emission]:
        """Blocks, each in as many parts as the link needs."""
        parts = self._parts_of(2 + _BYTES)
        return [
            part for emission in super()._stream(room // parts) for part in self._in_parts(emission)
        ]

    def _emission(self, block: Block) -> Emission:
        counts = self._signals["emg"].counts(block.runs)
        if self._bits == 8:
            values = (counts >> self._source_bits - 8).T.astype(np.uint8)
        else:
            values = (counts << 12 - self._source_bits).T.astype("<u2")
        payload = self._headed(_EMG_TYPE, block.number) + values.tobytes()
        return Emission(DATA, payload, self._named(block))

    def _parts_of(self, length: int) -> int:
        if length <= self._payload_max:
            return 1
        return -(-length // (self._payload_max - 2))

    def _in_parts(self, emission: Emission) -> list[Emission]:
        """Parts are numbered down to 0, with which the samples are complete."""
        uuid, payload, n = emission.characteristic, emission.payload, self._payload_max - 2
        if len(payload) <= self._payload_max:
            return [emission]
        last = self._parts_of(len(payload)) - 1
        return [
            Emission(
                uuid,
                bytes([_PART, last - i]) + payload[i * n : (i + 1) * n],
                emission.samples if i == last else (),
            )
            for i in range(last + 1)
        ]

    def _send_in_parts(self, uuid: str, packet: bytes) -> None:
        for part in self._in_parts(Emission(uuid, packet)):
            self._answer(uuid, part.payload)


def eight_bit(source: SignalSource, rate_error: float = 0.0) -> GForce:
    """Make an armband whose source counts 8 bits."""
    return GForce(8, source, rate_error)


def twelve_bit(source: SignalSource, rate_error: float = 0.0) -> GForce:
    """Make an armband whose source counts 12 bits."""
    return GForce(12, source, rate_error)
