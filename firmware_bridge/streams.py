"""What is known of a stream before its first sample: channels, rate, scale, band, counter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from firmware_bridge.packets import StreamKind

Unit = Literal["uV", "g", "count"]


@dataclass(frozen=True, slots=True)
class CounterSpec:
    """How a device numbers its samples.

    Attributes
    ----------
    modulus : int
        The counter runs from 0 to `modulus` - 1 and starts again.
    tick_hz : float or None
        None if the counter counts samples; ticks per second if it is a device clock.
    continues : bool
        Whether it runs on while the link is down.
    """

    modulus: int
    tick_hz: float | None = None
    continues: bool = False


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """Channels that a device samples together.

    Attributes
    ----------
    kind : {"emg", "acc"}
    channels : int
    rate_hz : float
        Samples per second as the maker states them. The true rate is estimated, never assumed.
    rate_tolerance : float
        One standard deviation of true over stated rate: 1e-4 for a plain crystal.
    limits : tuple of int
        Smallest and largest count the converter can give.
    scale : float or None
        Size of one count in `unit`; None where the maker does not state it.
    unit : {"uV", "g", "count"}
    offset : int
        Count that means zero.
    bandwidth_hz : tuple of float, or None
        -3 dB band of the analog path and the converter; None if unknown.
    antialias : bool or None
        Whether energy above half the rate is filtered out before sampling; None if unknown.
    counter : CounterSpec or None
    silent_loss : bool
        Whether the device can lose samples without its counter showing it.
    """

    kind: StreamKind
    channels: int
    rate_hz: float
    rate_tolerance: float = 1e-4
    limits: tuple[int, int] = (-32768, 32767)
    scale: float | None = None
    unit: Unit = "count"
    offset: int = 0
    bandwidth_hz: tuple[float, float] | None = None
    antialias: bool | None = None
    counter: CounterSpec | None = None
    silent_loss: bool = False

    @property
    def spectral(self) -> bool:
        """Whether spectral features of EMG mean anything: at least 500 samples per second.

        Below, half the power of surface EMG is missing or folded (20-450 Hz band, Delsys).
        """
        return self.kind == "emg" and self.rate_hz >= 500 and self.antialias is not False
