"""Emulated OpenBCI Ganglion with firmware 2 (differences) or 3 (absolute values).

As the maker's public library does. Firmware 2 sends one sample in full, then 200 as differences to
the sample before with the sign in place of the last bit, 201 to a round. Firmware 3 sends the high
bits of every sample, 200 to a round, and leaves every 201st out; the number of its first packet is
not one. Commands are single characters, and one that comes too soon after another is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from firmware_bridge.emulator.devices.converter import Run, lose
from firmware_bridge.emulator.devices.outbox import Block
from firmware_bridge.emulator.devices.peripheral import (
    DEVICE_INFORMATION,
    Peripheral,
    characteristic,
    sig,
)
from firmware_bridge.emulator.sensor import Advertisement, Emission, LossCause, Service
from firmware_bridge.emulator.sources import FrontEnd

if TYPE_CHECKING:
    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.packets import Counts, StreamKind

SERVICE = sig(0xFE84)
NOTIFY = "2d30c082-f39f-4ce6-923f-3484ea480596"
COMMAND = "2d30c083-f39f-4ce6-923f-3484ea480596"
DISCONNECT = "2d30c084-f39f-4ce6-923f-3484ea480596"
FIRMWARE_REVISION, SOFTWARE_REVISION = sig(0x2A26), sig(0x2A28)

# 1.2 V reference, 24 bit, gains 1.5 and 51.
_EMG_VOLT = 1.2 / (2**23 - 1) / 1.5 / 51
_RAIL = 2**23
_ACC = FrontEnd(3, 10.0, -128, 127, 0.016)

FIRMWARE_2: Final[dict[StreamKind, FrontEnd]] = {
    "emg": FrontEnd(4, 200.0, -_RAIL, _RAIL - 1, _EMG_VOLT, differences=2**18 - 1),
    "acc": _ACC,
}
# The last of 18 bits is the sign: 24 - 18 + 1 bits are left out.
FIRMWARE_3: Final[dict[StreamKind, FrontEnd]] = {
    "emg": FrontEnd(4, 200.0, -_RAIL, _RAIL - 1, _EMG_VOLT, step=2**7),
    "acc": _ACC,
}

_PAIRS = 100
_ACC_PERIOD = 10
_DEAF_S = 0.05
_PADDING = b"ABCDEFG"
_TEXT_PART, _TEXT_END = 206, 207
_IMPEDANCE = range(201, 206)
_OHM = 1207
_SQUARE = 8000
_TEXT_LENGTH = 19


def pack_fields(values: Counts, bits: int) -> bytes:
    """Fields of `bits` bits, most significant bit first, the sign in place of the last bit.

    Parameters
    ----------
    values : int32 array, shape (2, 4)
        Two samples of four channels.
    bits : int
        18 (18 bytes) or 19 (19 bytes).
    """
    packed = 0
    for value in values.ravel().tolist():
        field = value & ~1 if value >= 0 else value | 1
        packed = packed << bits | field & (1 << bits) - 1
    return packed.to_bytes(bits, "big")


def high_bits(values: Counts, bits: int) -> Counts:
    """Take what of 24 bits goes into a field."""
    return values >> (24 - bits)


class Ganglion(Peripheral):
    """A Ganglion board.

    Parameters
    ----------
    firmware : int
        2 or 3.
    source : SignalSource
    rate_error : float
        In parts per million.
    """

    mtu = 23

    def __init__(self, firmware: int, source: SignalSource, rate_error: float = 0.0) -> None:
        lines = (
            characteristic(NOTIFY, "read", "notify"),
            characteristic(COMMAND, "write", "write-without-response"),
            characteristic(DISCONNECT, "write", "write-without-response"),
        )
        revisions = (
            characteristic(FIRMWARE_REVISION, "read"),
            characteristic(SOFTWARE_REVISION, "read"),
        )
        front_ends = FIRMWARE_2 if firmware == 2 else FIRMWARE_3
        services = (Service(SERVICE, lines), Service(DEVICE_INFORMATION, revisions))
        super().__init__(f"ganglion-fw{firmware}", services, front_ends, source, rate_error)
        self._firmware = firmware
        self._revision = b"2.0.1" if firmware == 2 else b"3.0.2"
        self._acc_on = self._square_wave = False
        self._channels_off: set[int] = set()
        self._number = 0
        self._bogus = False
        self._companion = -1
        self._command_s = float("-inf")
        self._acc_begun: set[int] = set()
        revision = lambda _now_s: self._revision  # noqa: E731
        self._readers |= {FIRMWARE_REVISION: revision, SOFTWARE_REVISION: revision}
        self._writers |= {COMMAND: self._command, DISCONNECT: self._goodbye}

    @property
    def advertisement(self) -> Advertisement:
        """Name, by the firmware's fashion, and service."""
        name = "Ganglion-12ab" if self._firmware == 2 else "Ganglion 1.3 (12ab)"
        return Advertisement(name, (SERVICE,))

    def _goodbye(self, _payload: bytes, now_s: float) -> None:
        self._hang_up(now_s)

    def _command(self, payload: bytes, now_s: float) -> None:
        """Obey one character; more in one write, or too soon after the last, are not seen."""
        soon = now_s - self._command_s < _DEAF_S
        self._command_s = now_s
        if soon or not payload:
            return
        character = chr(payload[0])
        if character in "1234":
            self._channels_off.add(int(character) - 1)
        elif character in "!@#$":
            self._channels_off.discard("!@#$".index(character))
        elif character in "[]":
            self._square_wave = character == "["
        else:
            self._obey(character, now_s)

    def _obey(self, character: str, now_s: float) -> None:
        if character == "b":
            self._start(now_s)
        elif character == "s":
            self._halt(LossCause.STOPPED, now_s)
        elif character in "nN":
            self._switch_acceleration(now_s, on=character == "n")
        elif character == "z":
            for number in _IMPEDANCE:
                self._answer(NOTIFY, bytes([number]) + f"{_OHM}Z".encode())
        elif character == "?":
            self._say("MCP3912 CONFIG_1: 0x0000E5\n")
        elif character == "v":
            self._halt(LossCause.STOPPED, now_s)
            self._say(f"OpenBCI Ganglion v{self._revision.decode()}\n")

    def _switch_acceleration(self, now_s: float, *, on: bool) -> None:
        self._acc_on = on
        if not on:
            self._converters["acc"].stop(now_s, LossCause.STOPPED)
        elif self._converters["emg"].running:
            # The part measures by itself: its newest sample can be read at once.
            self._converters["acc"].start(now_s - 1 / _ACC.rate_hz)

    def _say(self, text: str) -> None:
        data = text.encode()
        parts = [data[i : i + _TEXT_LENGTH] for i in range(0, len(data), _TEXT_LENGTH)]
        for part in parts[:-1]:
            self._answer(NOTIFY, bytes([_TEXT_PART]) + part)
        self._answer(NOTIFY, bytes([_TEXT_END]) + parts[-1])

    def _start(self, now_s: float) -> None:
        if self._converters["emg"].running:
            return
        self._number = 0
        self._bogus = self._firmware == 3
        self._converters["emg"].start(now_s)
        self._switch_acceleration(now_s, on=self._acc_on)

    def _halt(self, cause: LossCause, now_s: float) -> None:
        super()._halt(cause, now_s)
        for index in sorted(self._acc_begun):
            lose(self.lost, "acc", (Run(index, 1),), cause, now_s)
        self._acc_begun.clear()
        self._companion = -1

    def _booted(self, now_s: float) -> None:  # noqa: ARG002
        self._acc_on = self._square_wave = False
        self._channels_off.clear()

    def _sample(self, now_s: float) -> None:
        emg = self._converters["emg"]
        emg.advance(now_s)
        while self._begin_round(now_s):
            runs = emg.block(1 if self._is_raw(self._number) else 2)
            if runs is None:
                return
            self._packet(runs, now_s)

    def _begin_round(self, now_s: float) -> bool:
        """Leave a sample out before firmware 3 begins anew; False while it is not there."""
        if self._firmware == 3 and self._number == _PAIRS:
            emg = self._converters["emg"]
            if not emg.n_held:
                return False
            emg.drop(1, LossCause.FIRMWARE, now_s)
            self._number = 0
        return True

    def _is_raw(self, number: int) -> bool:
        return self._firmware == 2 and number == 0

    def _packet(self, runs: tuple[Run, ...], now_s: float) -> None:
        emg = self._converters["emg"]
        self._measure_acceleration(emg.time_of(runs[-1].first + runs[-1].n - 1))
        number = self._number if self._acc_on or self._is_raw(self._number) else self._number + 100
        if self._bogus:
            # One less than the first number, in a byte; its samples cannot be placed.
            number, self._bogus = (number - 1) % 256, False
            lose(self.lost, "emg", runs, LossCause.FIRMWARE, now_s)
            self._answer(NOTIFY, bytes([number]) + bytes(19))
            return
        self._queue(Block(NOTIFY, "emg", runs, number, self._companion), now_s)
        last = _PAIRS if self._firmware == 2 else _PAIRS - 1
        wrapped = self._firmware == 2 and self._number == last
        self._number = 0 if wrapped else self._number + 1

    def _measure_acceleration(self, now_s: float) -> None:
        """Every tenth packet begins to send the newest sample, one axis a packet."""
        acc = self._converters["acc"]
        acc.advance(now_s)
        if self._number % _ACC_PERIOD == 1 and acc.n_held:
            acc.drop(acc.n_held - 1, LossCause.FIRMWARE, now_s)
            for run in acc.block(1) or ():
                self._companion = run.first
                self._acc_begun.add(run.first)

    def _lose_block(self, block: Block, cause: LossCause, now_s: float) -> None:
        super()._lose_block(block, cause, now_s)
        if _axis(block) < 3 and block.companion in self._acc_begun:
            self._acc_begun.discard(block.companion)
            lose(self.lost, "acc", (Run(block.companion, 1),), cause, now_s)

    def _emission(self, block: Block) -> Emission:
        if self._is_raw(block.number):
            values = self._read(block.runs)[:, 0].tolist()
            body = b"".join(value.to_bytes(3, "big", signed=True) for value in values)
            return Emission(NOTIFY, b"\0" + body + _PADDING, self._named(block))
        bits = 18 if block.number <= _PAIRS - (self._firmware == 3) else 19
        fields = pack_fields(self._fields(block, bits).T, bits)
        payload = bytes([block.number]) + fields
        if bits == 19:
            return Emission(NOTIFY, payload, self._named(block))
        samples = self._named(block)
        if _axis(block) == 2 and block.companion in self._acc_begun:
            self._acc_begun.discard(block.companion)
            samples += (("acc", block.companion, 1),)
        return Emission(NOTIFY, payload + self._acceleration(block), samples)

    def _fields(self, block: Block, bits: int) -> Counts:
        """Two samples as they are sent, shape (4, 2)."""
        if self._firmware == 3:
            return high_bits(self._read(block.runs), bits)
        # Within a round of 201 no sample is left out: the one before is the one before.
        three = self._read((Run(block.runs[0].first - 1, 3),))
        return three[:, :-1] - three[:, 1:]

    def _read(self, runs: tuple[Run, ...]) -> Counts:
        counts = self._signals["emg"].counts(runs)
        if not (self._square_wave or self._channels_off):
            return counts
        counts = counts.copy()
        if self._square_wave:
            index = np.concatenate([np.arange(run.first, run.first + run.n) for run in runs])
            counts[:] = np.where(index // 10 % 2, _SQUARE, -_SQUARE)
        counts[sorted(self._channels_off)] = 0
        return counts

    def _acceleration(self, block: Block) -> bytes:
        """One axis; between the samples the last byte stays what it was."""
        if block.companion < 0:
            return b"\0"
        vector = self._signals["acc"].counts((Run(block.companion, 1),))[:, 0]
        return int(vector[min(_axis(block), 2)]).to_bytes(1, "big", signed=True)


def _axis(block: Block) -> int:
    """Axis of the ACC in a packet: 0 to 2, and more for the packets between."""
    return (block.number - 1) % _ACC_PERIOD


def firmware_2(source: SignalSource, rate_error: float = 0.0) -> Ganglion:
    """Make a board with firmware 2."""
    return Ganglion(2, source, rate_error)


def firmware_3(source: SignalSource, rate_error: float = 0.0) -> Ganglion:
    """Make a board with firmware 3."""
    return Ganglion(3, source, rate_error)
