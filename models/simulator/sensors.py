"""The sensors a night can be recorded with."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy import signal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SENSORS", "Loss", "Sensor", "draw_sensor"]

# Muscle potentials hold hardly any power above 500 Hz, so that analog signals are painted at
# this rate or above, and slower converters alias exactly what their own filters let through.
_MIN_ANALOG_RATE_HZ = 1000


@dataclass(frozen=True, slots=True)
class Loss:
    """How a link loses samples: a Gilbert-Elliott chain, and a few long gaps.

    Attributes
    ----------
    short_per_hour : float
        Transitions into the bad state.
    short_s : (float, float)
        Mean length of a bad state; a night draws its own mean from this range.
    long_per_night : (int, int)
        Number of long gaps in eight hours, both ends included.
    long_s : (float, float)
        Length of a long gap, log-uniform.
    block_s : float
        Samples of one notification; losses come in multiples of it.
    """

    short_per_hour: tuple[float, float] = (1.0, 4.0)
    short_s: tuple[float, float] = (0.2, 2.0)
    long_per_night: tuple[int, int] = (0, 2)
    long_s: tuple[float, float] = (10.0, 600.0)
    block_s: float = 0.04


@dataclass(frozen=True, slots=True)
class Sensor:
    """What a sensor does to muscle potentials and movements.

    Attributes
    ----------
    name : str
    emg_rate_hz : int
        Samples per second, a whole number so that EDF records of one second hold it.
    emg_channels : int
    band_hz : (float, float)
        Corners of the analog front end.
    high_order : int
        Order of its low-pass.
    unit : {'uV', 'count'}
        Unit of the delivered samples.
    uv_per_count : float
        Microvolts in one `unit`; 1 for scaled sensors.
    resolution : float
        One converter step, in `unit`.
    limits : (float, float)
        Range of the converter, in `unit`; with `resolution` it fits 16 bits.
    noise_uv : float
        RMS of the electronics.
    hum_gain : float
        Pick-up of mains against a gelled bipolar lead.
    acc_rate_hz : int
        0 without an accelerometer.
    acc_resolution_g, acc_limit_g : float
    loss : Loss or None
        None for a wired sensor.
    """

    name: str
    emg_rate_hz: int
    emg_channels: int
    band_hz: tuple[float, float]
    resolution: float
    limits: tuple[float, float]
    unit: Literal["uV", "count"] = "uV"
    uv_per_count: float = 1.0
    high_order: int = 2
    noise_uv: float = 0.5
    hum_gain: float = 1.0
    acc_rate_hz: int = 0
    acc_resolution_g: float = 0.001
    acc_limit_g: float = 4.0
    loss: Loss | None = None

    @property
    def oversampling(self) -> int:
        """Painted samples for each converted one."""
        return -(-_MIN_ANALOG_RATE_HZ // self.emg_rate_hz)

    @property
    def analog_rate_hz(self) -> int:
        """Rate at which potentials are painted before conversion."""
        return self.emg_rate_hz * self.oversampling

    def front_end(self) -> npt.NDArray[np.float32]:
        """Return the analog filter as second-order sections at `analog_rate_hz`."""
        low, high = self.band_hz
        nyquist = 0.49 * self.analog_rate_hz
        sections = [
            signal.butter(1, low, "highpass", fs=self.analog_rate_hz, output="sos"),
            signal.butter(
                self.high_order, min(high, nyquist), fs=self.analog_rate_hz, output="sos"
            ),
        ]
        return np.concatenate(sections).astype(np.float32)


_BLE = Loss()

# Rates, steps and ranges as the makers' protocols give them; bands that no maker gives are
# marked. Ranges wider than 16 bits of the resolution are cut to 16 bits, as EDF stores them.
SENSORS: Mapping[str, Sensor] = MappingProxyType(
    {
        sensor.name: sensor
        for sensor in (
            Sensor(
                "reference",
                1000,
                2,
                (10.0, 450.0),
                0.2,
                (-6553.4, 6553.4),
                acc_rate_hz=100,
                loss=_BLE,
            ),
            # The project's own Bluetooth profile, version 1: 16-bit frames.
            Sensor(
                "profile_v1",
                1000,
                2,
                (10.0, 450.0),
                0.25,
                (-8191.75, 8191.75),
                acc_rate_hz=50,
                loss=_BLE,
            ),
            # Upside Down Labs NPG Lite band: 12 bit, LIS3DH; gain and band not published.
            # Step fitted to the resting and active counts of the vendor's own recordings.
            Sensor(
                "npg",
                500,
                3,
                (5.0, 230.0),
                1.0,
                (-2048.0, 2047.0),
                "count",
                0.8,
                noise_uv=2.0,
                hum_gain=3.0,
                acc_rate_hz=100,
                acc_resolution_g=1 / 1000,
                acc_limit_g=2.0,
                loss=_BLE,
            ),
            # Ultimate Robotics uMyo v3.1: AD8293G80, 14 bit, measured rate 1116 Hz.
            Sensor(
                "umyo",
                1116,
                1,
                (0.5, 500.0),
                2.75,
                (-13700.5, 27500.0),
                noise_uv=1.5,
                hum_gain=2.0,
                acc_rate_hz=25,
                acc_resolution_g=1 / 16384,
                acc_limit_g=2.0,
                loss=Loss(block_s=24 / 1116),
            ),
            # Thalmic Myo: 8 dry channels of int8, two kept; filters and scale not published.
            # Step fitted to the resting level of public recordings (median 1.2-1.6 counts).
            Sensor(
                "myo",
                200,
                2,
                (5.0, 95.0),
                1.0,
                (-128.0, 127.0),
                "count",
                7.0,
                noise_uv=12.0,
                hum_gain=5.0,
                acc_rate_hz=50,
                acc_resolution_g=1 / 2048,
                acc_limit_g=16.0,
                loss=Loss(block_s=0.01),
            ),
            # OpenBCI Ganglion: sinc3 decimation, -3 dB at 52 Hz, 18 bit; LIS2DH as int8.
            Sensor(
                "ganglion",
                200,
                2,
                (0.5, 52.0),
                0.239,
                (-7831.313, 7831.313),
                high_order=3,
                hum_gain=2.0,
                acc_rate_hz=10,
                acc_resolution_g=0.016,
                acc_limit_g=2.0,
                loss=Loss(block_s=0.01),
            ),
            # Polysomnography leg lead: AASM filters 10-100 Hz.
            Sensor("psg", 500, 1, (10.0, 100.0), 0.1, (-3276.7, 3276.7)),
            Sensor(
                "demo",
                250,
                1,
                (15.0, 110.0),
                0.2,
                (-6553.4, 6553.4),
                acc_rate_hz=25,
                loss=_BLE,
            ),
            Sensor("lab", 2000, 1, (10.0, 500.0), 0.3, (-9830.1, 9830.1)),
        )
    }
)


def draw_sensor(seed: int) -> Sensor:
    """Return a sensor that nobody sells, so that nothing is learnt that only known ones do."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    rate_hz = int(rng.choice((200, 250, 256, 500, 512, 1000, 1024, 2000)))
    channels = int(rng.choice((1, 1, 2, 2, 3, 4, 8) if rate_hz < 1000 else (1, 1, 2, 2, 3)))
    in_counts, has_acc = rng.random() < 0.4, rng.random() < 0.6
    resolution = 1.0 if in_counts else float(rng.choice((0.05, 0.1, 0.2, 0.5)))
    limit = 32767 * resolution
    return Sensor(
        "drawn",
        rate_hz,
        channels,
        (float(rng.uniform(0.5, 20.0)), float(rng.uniform(0.35, 0.48)) * rate_hz),
        resolution,
        (-limit, limit),
        "count" if in_counts else "uV",
        float(np.exp(rng.uniform(np.log(0.05), np.log(3.0)))) if in_counts else 1.0,
        noise_uv=float(rng.uniform(0.2, 3.0)),
        hum_gain=float(np.exp(rng.uniform(np.log(0.3), np.log(5.0)))),
        acc_rate_hz=int(rng.choice((10, 25, 50, 52, 100))) if has_acc else 0,
        acc_resolution_g=0.001,
        loss=_BLE if rng.random() < 0.7 else None,
    )
