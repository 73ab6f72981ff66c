"""OpenBCI Ganglion, firmware 2 (differences) and 3 (absolute values): four channels and ACC.

Formats as in the maker's Ganglion library 3.0.2 and data format page. In both, fields are packed
with the most significant bit first and carry their sign in the least significant bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.packets import (
    Counts,
    DeviceStatus,
    Packet,
    Reject,
    RejectReason,
    Reply,
    Samples,
)
from firmware_bridge.spec import (
    FIRMWARE_REVISION,
    Decoder,
    DeviceSpec,
    Forbidden,
    Read,
    Resume,
    Subscribe,
    Write,
    sig_uuid,
    unknown_characteristic,
    wrong_length,
)
from firmware_bridge.streams import CounterSpec, StreamSpec

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE = sig_uuid(0xFE84)
NOTIFY = "2d30c082-f39f-4ce6-923f-3484ea480596"
COMMAND = "2d30c083-f39f-4ce6-923f-3484ea480596"

# The maker's library sets the software revision only.
SOFTWARE_REVISION = sig_uuid(0x2A28)
_REVISIONS = (FIRMWARE_REVISION, SOFTWARE_REVISION)

_LENGTH = 20
_CHANNELS = 4
_IMPEDANCE = range(201, 206)
_TEXT = range(206, 208)
_ACC_PERIOD = 10
# Ids and values right after the start command are bogus in firmware 3.
_BOGUS_PACKETS = 2

# 1.2 V reference, 24 bit, gains 1.5 and 51. Sinc3 decimation: -3 dB at 52 Hz, so the 200 Hz
# are band-limited, not folded.
_SCALE_UV = 1.2e6 / (8388607 * 1.5 * 51)


def _emg(modulus: int) -> StreamSpec:
    return StreamSpec(
        kind="emg",
        channels=_CHANNELS,
        rate_hz=200.0,
        rate_tolerance=5e-3,
        limits=(-(2**23), 2**23 - 1),
        scale=_SCALE_UV,
        unit="uV",
        bandwidth_hz=(0.0, 52.0),
        antialias=True,
        counter=CounterSpec(modulus=modulus),
    )


_ACC = StreamSpec(
    kind="acc",
    channels=3,
    rate_hz=10.0,
    rate_tolerance=5e-3,
    limits=(-128, 127),
    scale=0.016,
    unit="g",
    counter=CounterSpec(modulus=10),
)


def unpack(payload: bytes, bits: int) -> Counts:
    """Eight fields of `bits` bits, sign in the least significant bit.

    Parameters
    ----------
    payload : bytes
        At least ``bits`` bytes.
    bits : int
        18 or 19.

    Returns
    -------
    int32 array, shape (2, 4)
        Two samples of four channels, as differences or absolute values.
    """
    stream = np.unpackbits(np.frombuffer(payload, np.uint8, bits)).reshape(8, bits)
    fields = stream @ (1 << np.arange(bits - 1, -1, -1))
    signed: Counts = (fields - (fields & 1) * (1 << bits)).astype(np.int32)
    return signed.reshape(2, _CHANNELS)


class _AccAxes:
    """ACC comes one axis at a time; a sample is complete with its third."""

    def __init__(self) -> None:
        self._axes: list[int] = []
        self._number = 0

    def push(self, number: int, byte: int) -> list[Packet]:
        """Axis byte of packet `number` within its hundred: 1 is X, 2 is Y, 3 is Z."""
        if number == self._number:
            return []  # a packet that came twice ends nothing
        if number != self._number + 1:
            self._axes = []
        self._number = number
        axis = number % _ACC_PERIOD
        if axis != len(self._axes) + 1 or axis > 3:
            return []
        self._axes.append(byte - 256 if byte > 127 else byte)
        if axis < 3:
            return []
        sample = np.array(self._axes, np.int32).reshape(3, 1)
        self._axes = []
        return [Samples("acc", sample, counter=number // _ACC_PERIOD)]


def _decode_side(payload: bytes) -> list[Packet]:
    """Impedance and text messages, the same in both firmwares."""
    number = payload[0]
    if number in _TEXT:
        text = payload[1:].rstrip(b"\x00").decode("ascii", errors="replace")
        return [Reply(None, ok=True, text=text, payload=payload[1:])]
    digits = payload[1:].split(b"Z")[0].strip(b"\x00 ")
    if not digits.isdigit() or len(digits) > 9:
        detail = f"impedance {payload[1:].hex()}, expected digits and Z"
        return [Reject(RejectReason.VALUE, NOTIFY, detail)]
    channel = 0 if number == _IMPEDANCE[-1] else number - _IMPEDANCE[0] + 1
    return [DeviceStatus(impedance=(channel, int(digits)))]


def _decode_revision(payload: bytes) -> list[Packet]:
    text = payload.decode("utf-8", errors="replace")
    return [Reply(None, ok=True, text=f"firmware {text}", payload=payload)]


def _without_samples(characteristic: str, payload: bytes, last_id: int) -> list[Packet] | None:
    """Whatever is no packet of samples; None if it is one."""
    if characteristic in _REVISIONS:
        return _decode_revision(payload)
    if characteristic != NOTIFY:
        return [unknown_characteristic(characteristic)]
    if len(payload) > 1 and (payload[0] in _IMPEDANCE or payload[0] in _TEXT):
        return _decode_side(payload)
    if len(payload) != _LENGTH:
        return [wrong_length(NOTIFY, payload, f"{_LENGTH} bytes")]
    if payload[0] > last_id:
        return [Reject(RejectReason.KIND, NOTIFY, f"packet id {payload[0]}")]
    return None


class Firmware2Decoder:
    """Differences to the sample before; an absolute sample comes with id 0, once a second.

    After a lost packet the level is unknown until then. The number of a sample within the 201 of
    a second is its counter. A loss of whole rounds cannot be told by the ids: the level stays that
    of before it until the next id 0, while the tracker finds the gap by time.
    """

    def __init__(self) -> None:
        self._acc = _AccAxes()
        self._last: Counts | None = None
        self._position = 0
        self._newest: tuple[bytes, list[Packet]] = (b"", [])

    def reset(self) -> None:
        """Forget the last sample and half an ACC sample."""
        self._acc = _AccAxes()
        self._last = None
        self._newest = b"", []

    def decode(self, characteristic: str, payload: bytes) -> list[Packet]:
        """Everything the payload says; a `Reject` if it is not understood."""
        others = _without_samples(characteristic, payload, last_id=200)
        if others is not None:
            return others
        if payload != self._newest[0]:  # a packet that came twice is no further difference
            self._newest = payload, self._decode_samples(payload)
        return list(self._newest[1])

    def _decode_samples(self, payload: bytes) -> list[Packet]:
        number = payload[0]
        if number == 0:
            return self._absolute(payload)
        packets = self._differences((number - 1) % 100 + 1, payload, 18 if number <= 100 else 19)
        return packets + (self._acc.push(number, payload[19]) if number <= 100 else [])

    def _absolute(self, payload: bytes) -> list[Packet]:
        fields = [
            int.from_bytes(payload[start : start + 3], "big", signed=True)
            for start in (1, 4, 7, 10)
        ]
        self._last = np.array(fields, np.int32)
        self._position = 1
        return [Samples("emg", self._last.reshape(_CHANNELS, 1), counter=0)]

    def _differences(self, pair: int, payload: bytes, bits: int) -> list[Packet]:
        counter = 2 * pair - 1
        if self._last is None or counter != self._position:
            self._last = None
            detail = f"sample {counter} of 201 after a lost packet: level unknown until id 0"
            return [Reject(RejectReason.NO_BASELINE, NOTIFY, detail)]
        values = (self._last - np.cumsum(unpack(payload[1:], bits), axis=0)).astype(np.int32)
        self._last = values[-1]
        self._position = counter + 2
        return [Samples("emg", np.ascontiguousarray(values.T), counter=counter)]


class Firmware3Decoder:
    """The most significant 18 or 19 bits of every sample; 200 samples to a round of ids."""

    def __init__(self) -> None:
        self._acc = _AccAxes()
        self._bogus = _BOGUS_PACKETS

    def reset(self) -> None:
        """Expect the bogus packets of a new start."""
        self._acc = _AccAxes()
        self._bogus = _BOGUS_PACKETS

    def decode(self, characteristic: str, payload: bytes) -> list[Packet]:
        """Everything the payload says; a `Reject` if it is not understood."""
        others = _without_samples(characteristic, payload, last_id=199)
        if others is not None:
            return others
        if self._bogus:
            self._bogus -= 1
            detail = "one of the first packets after the start command"
            return [Reject(RejectReason.SETTLING, NOTIFY, detail)]
        number = payload[0]
        coarse = number < 100
        fields = unpack(payload[1:], 18 if coarse else 19)
        values = np.ascontiguousarray(((fields & ~1) << (6 if coarse else 5)).T)
        samples: list[Packet] = [Samples("emg", values, counter=2 * (number % 100))]
        return samples + (self._acc.push(number, payload[19]) if coarse else [])


def _spec(
    name: str, pattern: str, modulus: int, decoder: Callable[[], Decoder], advice: tuple[str, ...]
) -> DeviceSpec:
    return DeviceSpec(
        name=name,
        title=f"OpenBCI Ganglion, firmware {name[-1]}",
        service=SERVICE,
        name_pattern=pattern,
        service_is_enough=False,
        mtu_min=23,
        setup=(
            *(Read(uuid, optional=True) for uuid in _REVISIONS),
            Subscribe(NOTIFY),
            Write(COMMAND, b"n", pause_s=0.2),
            Write(COMMAND, b"b", pause_s=0.2),
        ),
        streams=(_emg(modulus), _ACC),
        resume=Resume.NONE,
        decoder=decoder,
        forbidden=(Forbidden(COMMAND, b"v", "it resets the board in the middle of a recording"),),
        advice=(
            "It passes EMG up to 52 Hz only; spectral features are not computed.",
            "It does not tell its battery level: use a full pack.",
            *advice,
        ),
    )


FIRMWARE_3 = _spec(
    "ganglion-fw3",
    r"Ganglion 1\.3",
    200,
    Firmware3Decoder,
    ("After a long time without link it may have to be switched off and on.",),
)
FIRMWARE_2 = _spec("ganglion-fw2", r"Ganglion-|Simblee", 201, Firmware2Decoder, ())
