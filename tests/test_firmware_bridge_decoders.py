"""Whatever arrives: samples or a named reject, never an exception, and no lasting damage."""

import functools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import (
    DEVICES,
    DeviceStatus,
    Mark,
    Reject,
    RejectReason,
    Reply,
    Samples,
    StreamSpec,
    Subscribe,
    profile,
)
from firmware_bridge.devices import ganglion, gforce, movesense, myo, npg_lite, polar, umyo
from firmware_bridge.packets import SampleFlag

SPECS = sorted(DEVICES.values(), key=lambda spec: spec.name)
Stream = list[tuple[str, bytes]]


def subscribed(spec) -> list[str]:
    return [step.characteristic for step in spec.setup if isinstance(step, Subscribe)]


def garbage(spec):
    """Notifications of the device's characteristics with any bytes, some almost right."""
    almost = good_stream(spec.name)[:40]
    characteristic = st.sampled_from([*subscribed(spec), "unknown"])
    cut = st.builds(
        lambda packet, n, tail: (packet[0], packet[1][:n] + tail),
        st.sampled_from(almost),
        st.integers(0, 140),
        st.binary(max_size=4),
    )
    head = st.builds(
        lambda packet, first: (packet[0], first + packet[1][len(first) :]),
        st.sampled_from(almost),
        st.binary(max_size=3),
    )
    return st.one_of(st.tuples(characteristic, st.binary(max_size=260)), cut, head)


def ganglion_2() -> Iterator[bytes]:
    for _ in range(3):
        yield bytes([0]) + bytes([0, 1, 0] * 4) + bytes(7)
        yield from (bytes([number]) + bytes(19) for number in range(1, 101))


@functools.cache
def good_stream(name: str) -> Stream:
    """A stretch of what the device sends when all is well."""
    words = np.arange(240, dtype="<i2")
    streams: dict[str, Stream] = {
        "profile-v1": [
            (
                profile.LIVE,
                profile.encode_frame(
                    profile.Frame(
                        profile.StreamId.EMG,
                        SampleFlag.NONE,
                        k,
                        1,
                        100 * k,
                        0,
                        profile.Encoding.INT16,
                        words[None, :100].astype(np.int32),
                    )
                ),
            )
            for k in range(30)
        ],
        "npg-lite-band": [(npg_lite.DATA, bytes([k, *range(6)])) for k in range(30)],
        "npg-lite-3ch": [(npg_lite.DATA, bytes([k, *range(6)])) for k in range(30)],
        "npg-lite-250hz": [(npg_lite.DATA, bytes([k, *range(6)])) for k in range(30)],
        "npg-lite-6ch": [(npg_lite.DATA, bytes([k, *range(12)])) for k in range(30)],
        "umyo": [
            (umyo.TELEMETRY, (24 * k).to_bytes(4, "little") + words[:24].tobytes())
            for k in range(30)
        ],
        "myo": [(myo.EMG[k % 4], bytes(range(16))) for k in range(30)],
        "ganglion-fw2": [(ganglion.NOTIFY, payload) for payload in ganglion_2()],
        "ganglion-fw3": [(ganglion.NOTIFY, bytes([k, *range(19)])) for k in range(30)],
        "gforce-8bit": [(gforce.DATA, bytes([8, k, *range(128)])) for k in range(30)],
        "gforce-12bit": [(gforce.DATA, bytes([8, k, *range(128)])) for k in range(30)],
        "movesense": [
            (movesense.NOTIFY, b"\x02\x01" + k.to_bytes(4, "little") + bytes(48)) for k in range(30)
        ],
        "polar-h10": [
            (polar.DATA, b"\x02" + k.to_bytes(8, "little") + b"\x01" + bytes(60)) for k in range(30)
        ],
    }
    streams["polar-verity-sense"] = streams["polar-h10"]
    return streams[name]


def signature(packet):
    """A packet in comparable form."""
    if not isinstance(packet, Samples):
        return packet
    return packet.stream, packet.counter, packet.flags, packet.session, packet.values.tolist()


def check(spec, packet) -> None:
    """A packet is of a known kind, and samples have the shape their stream promises."""
    if isinstance(packet, Reject):
        assert packet.reason in RejectReason
        assert packet.detail
        return
    if not isinstance(packet, Samples):
        assert isinstance(packet, DeviceStatus | Reply | Mark | StreamSpec)
        return
    assert packet.values.dtype == np.int32
    assert packet.n >= 1
    if not spec.streams:
        return
    stream = next(stream for stream in spec.streams if stream.kind == packet.stream)
    assert packet.values.shape[0] == stream.channels
    if stream.counter is None:
        assert packet.counter is None
    elif packet.counter is not None:
        assert 0 <= packet.counter < stream.counter.modulus


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_bytes_become_samples_or_a_named_reject(spec, data):
    decoder = spec.decoder()
    for characteristic, payload in data.draw(st.lists(garbage(spec), max_size=12)):
        for packet in decoder.decode(characteristic, payload):
            check(spec, packet)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_after_garbage_a_good_stream_is_decoded_as_if_nothing_had_been(spec, data):
    stream = good_stream(spec.name)
    dirty, clean = spec.decoder(), spec.decoder()
    for characteristic, payload in data.draw(st.lists(garbage(spec), max_size=12)):
        dirty.decode(characteristic, payload)
    decoded = [
        [[signature(p) for p in decoder.decode(*packet)] for packet in stream]
        for decoder in (dirty, clean)
    ]
    # Differences need an absolute sample first, once in 101 packets; axes come one at a time.
    settled = {"ganglion-fw2": 101, "ganglion-fw3": 12}.get(spec.name, 2)
    assert decoded[0][settled:] == decoded[1][settled:]
    assert any(isinstance(p, tuple) for packets in decoded[0][settled:] for p in packets)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_after_a_reconnect_a_decoder_is_as_good_as_new(spec, data):
    used, fresh = spec.decoder(), spec.decoder()
    for characteristic, payload in data.draw(st.lists(garbage(spec), max_size=12)):
        used.decode(characteristic, payload)
    used.reset()
    for packet in good_stream(spec.name):
        again = [signature(p) for p in used.decode(*packet)]
        assert again == [signature(p) for p in fresh.decode(*packet)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-8192, 8191), st.integers(-8192, 8191), st.integers(-8192, 8191)),
        min_size=1,
        max_size=40,
    )
)
def test_polar_differences_of_any_width_add_up(vectors):
    steps = np.diff(np.array([(0, 0, 0), *vectors]), axis=0)
    width = max(int(np.abs(steps).max()).bit_length() + 1, 2)
    body = np.array(steps[0], "<i2").tobytes()
    if len(steps) > 1:
        text = "".join(
            format(int(value) % 2**width, f"0{width}b")[::-1] for value in steps[1:].ravel()
        )
        packed = np.packbits([int(bit) for bit in text], bitorder="little").tobytes()
        body += bytes([width, len(steps) - 1]) + packed
    payload = b"\x02" + bytes(8) + b"\x81" + body
    (samples,) = DEVICES["polar-verity-sense"].decoder().decode(polar.DATA, payload)
    assert samples.values.T.tolist() == [list(vector) for vector in vectors]
