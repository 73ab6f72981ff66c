"""What every emulated sensor shares: a GATT table, subscriptions, a queue, a battery, faults.

The devices' files are written from the makers' formats and firmware, UUIDs included, and share
nothing with the decoders: what one side has got wrong the other shows.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING

from firmware_bridge.emulator.devices.converter import (
    Converter,
    Disturbance,
    Run,
    Signal,
    lose,
)
from firmware_bridge.emulator.devices.outbox import Block, Outbox
from firmware_bridge.emulator.sensor import (
    Advertisement,
    AttError,
    AttRefusal,
    Characteristic,
    Emission,
    LossCause,
    Lost,
    Service,
)
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.emulator.sources import FrontEnd
    from firmware_bridge.packets import StreamKind

_SMALLEST_MTU = 23
_NOTIFICATION_HEADER = 3
_MOST_ANSWERS = 64
_FOREVER = 2**62


def sig(number: int) -> str:
    """UUID of a number assigned by the Bluetooth SIG."""
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"


def characteristic(uuid: str, *properties: str) -> Characteristic:
    """Write a line of a GATT table."""
    return Characteristic(uuid, frozenset(properties))


BATTERY_SERVICE = sig(0x180F)
BATTERY_LEVEL = sig(0x2A19)
DEVICE_INFORMATION = sig(0x180A)

BATTERY = Service(BATTERY_SERVICE, (characteristic(BATTERY_LEVEL, "read", "notify"),))


class Peripheral(ABC):
    """Emulated sensor without its protocol.

    A device's file fills `_readers` and `_writers` (what a characteristic answers and does),
    `_faults`, and the hooks below; streams, queue and converters are made here.

    Parameters
    ----------
    device : str
        Name of the `DeviceSpec`.
    services : tuple of Service
    front_ends : mapping of stream to FrontEnd
    source : SignalSource
    rate_error : float
        How much faster than stated the sensor's crystal runs, in parts per million.
    """

    mtu = 247
    in_flight = 12
    queue_depth = 8
    queue_overwrites = False

    def __init__(
        self,
        device: str,
        services: tuple[Service, ...],
        front_ends: Mapping[StreamKind, FrontEnd],
        source: SignalSource,
        rate_error: float,
    ) -> None:
        self.device = device
        self.services = services
        self.on = True
        self.linked = False
        self.lost: list[Lost] = []
        self.battery_percent = 100
        self._speed = 1.0 + rate_error * 1e-6
        self._source = source
        self._signals = {kind: Signal(source, kind, end) for kind, end in front_ends.items()}
        self._converters = {
            kind: Converter(kind, end.rate_hz * self._speed, self.lost)
            for kind, end in front_ends.items()
        }
        self._outbox = Outbox(self.queue_depth, self._lose_block, overwrites=self.queue_overwrites)
        self._answers: deque[Emission] = deque(maxlen=_MOST_ANSWERS)
        self._table = {c.uuid: c for service in services for c in service.characteristics}
        self._wanted: set[str] = set()
        self._payload_max = _SMALLEST_MTU - _NOTIFICATION_HEADER
        self._readers: dict[str, Callable[[float], bytes]] = {
            BATTERY_LEVEL: lambda _now_s: bytes([self.battery_percent])
        }
        self._writers: dict[str, Callable[[bytes, float], None]] = {}
        self._faults: dict[str, Callable[..., None]] = {
            "battery": self._set_battery,
            "battery_out": self._battery_out,
            "reboot": self.reboot,
        }
        if "emg" in front_ends:
            self._faults |= {
                "lead_off": self._lead_off,
                "saturation": self._saturation,
                "contact": self._contact,
            }

    # What a device's file says.

    @property
    @abstractmethod
    def advertisement(self) -> Advertisement:
        """What it advertises now."""

    @abstractmethod
    def _sample(self, now_s: float) -> None:
        """Bring converters and queue up to now."""

    @abstractmethod
    def _emission(self, block: Block) -> Emission:
        """Notification that carries a block."""

    def _link_ended(self, now_s: float) -> None:
        """Stop: most sensors do when the link ends."""
        self._halt(LossCause.DISCONNECTED, now_s)

    def _booted(self, now_s: float) -> None:
        """Do what the firmware does at its start; most wait for a host."""
        del now_s

    # What the radio asks.

    @property
    def faults(self) -> Collection[str]:
        """Kinds that `provoke` knows."""
        return self._faults.keys()

    def connected(self, now_s: float, mtu: int) -> None:  # noqa: ARG002
        """Take note of a host and the ATT MTU agreed on."""
        self.linked = self.on
        self._payload_max = max(min(mtu, self.mtu), _SMALLEST_MTU) - _NOTIFICATION_HEADER

    def disconnected(self, now_s: float) -> None:
        """Take note that the link has ended, however."""
        if self.linked:
            self.linked = False
            self._sample(now_s)
            self._forget_link()
            self._link_ended(now_s)

    def subscribed(self, characteristic: str, on: bool, now_s: float) -> None:
        """Begin or end notifications or indications of a characteristic."""
        kinds = {"notify", "indicate"}
        self._asked(now_s, characteristic, kinds, AttError.REQUEST_NOT_SUPPORTED)
        if on:
            self._wanted.add(characteristic)
        else:
            self._wanted.discard(characteristic)

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Value of a characteristic."""
        self._asked(now_s, characteristic, {"read"}, AttError.READ_NOT_PERMITTED)
        reader = self._readers.get(characteristic)
        return b"" if reader is None else reader(now_s)

    def write(self, characteristic: str, payload: bytes, now_s: float) -> None:
        """Take what the host writes to a characteristic."""
        kinds = {"write", "write-without-response"}
        self._asked(now_s, characteristic, kinds, AttError.WRITE_NOT_PERMITTED)
        writer = self._writers.get(characteristic)
        if writer is not None:
            writer(payload, now_s)

    def due(self, now_s: float, room: int) -> list[Emission]:
        """Send what is due: at most `room` payloads."""
        if not self.on:
            return []
        self._sample(now_s)
        if not self.linked:
            return []
        room = min(room, self.in_flight)
        answers = [self._answers.popleft() for _ in range(min(room, len(self._answers)))]
        sent = answers + self._stream(room - len(answers))
        return [self._cut(emission, now_s) for emission in sent]

    def reboot(self, now_s: float) -> None:
        """Its firmware starts anew: the link is gone, everything set is forgotten."""
        if self.on:
            self._sample(now_s)
        self._halt(LossCause.REBOOT, now_s)
        self._forget_link()
        self.linked = False
        self.on = True
        self._booted(now_s)

    def provoke(self, kind: str, now_s: float, **numbers: float) -> None:
        """Make something go wrong inside the sensor."""
        fault = self._faults.get(kind)
        if fault is None:
            known = ", ".join(sorted(self._faults))
            raise UsageError(f"{self.device} cannot have '{kind}': expected one of {known}.")
        if self.on:
            self._sample(now_s)
        try:
            inspect.signature(fault).bind(now_s, **numbers)
            fault(now_s, **numbers)
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(f"'{kind}' of {self.device}: {error}.") from error

    # What the devices' files use.

    def _stream(self, room: int) -> list[Emission]:
        """Send samples in at most `room` notifications."""
        return [self._emission(block) for block in self._outbox.take(room)]

    def _queue(self, block: Block, now_s: float) -> None:
        """Send samples, if anybody wants them."""
        if block.characteristic in self._wanted:
            self._outbox.push(block, now_s)
        else:
            self._lose_block(block, LossCause.UNSUBSCRIBED, now_s)

    def _lose_block(self, block: Block, cause: LossCause, now_s: float) -> None:
        lose(self.lost, block.stream, block.runs, cause, now_s)

    def _answer(self, characteristic: str, payload: bytes) -> None:
        """Send what is no samples, if anybody wants it, before samples that still wait."""
        if characteristic in self._wanted:
            self._answers.append(Emission(characteristic, payload))

    def _halt(self, cause: LossCause, now_s: float) -> None:
        """Stop all converters; what waits is lost."""
        self._outbox.clear(cause, now_s)
        for converter in self._converters.values():
            converter.stop(now_s, cause)

    def _switch_off(self, now_s: float) -> None:
        """Go dark, without a goodbye."""
        self._halt(LossCause.OFF, now_s)
        self._forget_link()
        self.linked = False
        self.on = False

    def _hang_up(self, now_s: float) -> None:
        """End the link."""
        self.disconnected(now_s)

    def _named(self, block: Block) -> tuple[tuple[StreamKind, int, int], ...]:
        return tuple((block.stream, run.first, run.n) for run in block.runs)

    def _cut(self, emission: Emission, now_s: float) -> Emission:
        """Cut what does not fit the link's MTU, silently, as stacks do."""
        if len(emission.payload) <= self._payload_max:
            return emission
        for stream, first, n in emission.samples:
            lose(self.lost, stream, (Run(first, n),), LossCause.CUT, now_s)
        return Emission(emission.characteristic, emission.payload[: self._payload_max])

    def _forget_link(self) -> None:
        self._wanted.clear()
        self._answers.clear()

    def _asked(
        self, now_s: float, characteristic: str, properties: set[str], refusal: AttError
    ) -> None:
        """Bring everything up to now, and refuse what the table does not allow."""
        if self.on:
            self._sample(now_s)
        if not self.linked:
            raise AttRefusal(AttError.UNLIKELY)
        line = self._table.get(characteristic)
        if line is None:
            raise AttRefusal(AttError.ATTRIBUTE_NOT_FOUND)
        if not line.properties & properties:
            raise AttRefusal(refusal)

    # Faults that every sensor can have.

    def _set_battery(self, now_s: float, percent: float) -> None:  # noqa: ARG002
        self.battery_percent = int(min(max(percent, 0), 100))
        self._answer(BATTERY_LEVEL, bytes([self.battery_percent]))

    def _battery_out(self, now_s: float) -> None:
        self.battery_percent = 0
        self._switch_off(now_s)

    def _lead_off(self, now_s: float, seconds: float = float("inf"), channel: int = -1) -> None:
        self._disturb(now_s, seconds, channel, None)

    def _saturation(
        self, now_s: float, seconds: float = 10.0, channel: int = -1, gain: float = 50.0
    ) -> None:
        self._disturb(now_s, seconds, channel, gain)

    def _contact(self, now_s: float) -> None:
        self._signals["emg"].restore(self._converters["emg"].taken(now_s))

    def _disturb(self, now_s: float, seconds: float, channel: int, gain: float | None) -> None:
        """Disturb one channel of the EMG, or with -1 all."""
        signal, converter = self._signals["emg"], self._converters["emg"]
        if not -1 <= channel < signal.front_end.channels or not seconds >= 0:
            raise UsageError(
                f"{self.device} has no channel {channel}, or {seconds} s is no length: expected "
                f"channel 0 to {signal.front_end.channels - 1} or -1 for all, and 0 s or more."
            )
        first = converter.taken(now_s)
        stop = min(first + seconds * converter.rate_hz, _FOREVER)
        signal.disturb(Disturbance(first, round(stop), None if channel < 0 else int(channel), gain))
