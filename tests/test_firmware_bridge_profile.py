"""The stream profile: what is written is read, and PROFILE.md tells the truth."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from firmware_bridge import DEVICES, Reject, SampleFlag, StreamSpec, StreamState, profile
from firmware_bridge.profile import (
    Command,
    CommandReply,
    Encoding,
    Frame,
    Info,
    Malformed,
    Opcode,
    ReplyStatus,
    Status,
    StreamId,
    StreamInfo,
    StreamStatus,
    UnitCode,
)
from nightcramp.errors import UsageError

DOCUMENT = Path(profile.__file__).parents[1] / "PROFILE.md"
VECTORS = re.findall(r"^\| `([0-9a-f]+)` \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
U16, U32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
LIMITS = {Encoding.INT16: 2**15, Encoding.DELTA8: 64, Encoding.INT12: 2**11}


@st.composite
def frames(draw):
    encoding = draw(st.sampled_from(Encoding))
    channels, n = draw(st.integers(1, 8)), draw(st.integers(1, 12))
    limit = LIMITS[encoding]
    values = draw(
        hnp.arrays(
            np.int32, (channels, n), elements=st.integers(-limit, limit - 1), fill=st.just(0)
        )
    )
    return Frame(
        stream=draw(st.sampled_from(StreamId)),
        flags=SampleFlag(draw(st.integers(0, 31))),
        sequence=draw(U16),
        session=draw(U16),
        index=draw(U32),
        ticks=draw(U32),
        encoding=encoding,
        values=values,
    )


def fields(frame):
    return (
        frame.stream,
        frame.flags,
        frame.sequence,
        frame.session,
        frame.index,
        frame.ticks,
        frame.encoding,
        frame.values.tolist(),
    )


@settings(max_examples=300, deadline=None)
@given(frames())
def test_a_frame_comes_back_as_it_was_written(frame):
    assert fields(profile.decode_frame(profile.encode_frame(frame))) == fields(frame)


@settings(max_examples=100, deadline=None)
@given(frames(), st.integers(1, 40))
def test_a_frame_cut_short_is_refused_or_has_fewer_channels(frame, cut):
    payload = profile.encode_frame(frame)
    short = profile.decode_frame(payload[:-cut])
    if not isinstance(short, Malformed):
        assert short.values.shape[0] < frame.values.shape[0]


def test_a_full_frame_holds_114_samples_of_one_channel():
    values = np.zeros((1, 114), np.int32)
    frame = Frame(StreamId.EMG, SampleFlag.NONE, 0, 0, 0, 0, Encoding.INT16, values)
    assert len(profile.encode_frame(frame)) == profile.MAX_FRAME


@pytest.mark.parametrize(
    ("encoding", "values"),
    [
        (Encoding.INT16, [[40000]]),
        (Encoding.DELTA8, [[0, 128]]),
        (Encoding.INT12, [[2048]]),
        (Encoding.INT16, [[0] * 115]),
        (Encoding.INT16, [[]]),
    ],
)
def test_what_does_not_fit_a_frame_is_not_written(encoding, values):
    table = np.array(values, np.int32).reshape(1, -1)
    with pytest.raises(UsageError):
        profile.encode_frame(Frame(StreamId.EMG, SampleFlag.NONE, 0, 0, 0, 0, encoding, table))


FLOATS = st.floats(-1e6, 1e6, width=32)
STREAM_INFOS = st.builds(
    StreamInfo,
    stream=st.sampled_from(StreamId),
    channels=st.integers(1, 255),
    bits=st.integers(1, 16),
    rate_hz=st.integers(1, 10**7).map(lambda mhz: mhz / 1000),
    scale=st.floats(2**-20, 1e6, width=32),
    offset=FLOATS,
    band_low_hz=FLOATS,
    band_high_hz=FLOATS,
    unit=st.sampled_from(UnitCode),
    antialias=st.booleans(),
)
STREAM_STATES = st.builds(
    StreamStatus,
    stream=st.sampled_from(StreamId),
    lead_off=st.integers(0, 255),
    oldest=U32,
    following=U32,
    dropped=U32,
)


@settings(max_examples=100, deadline=None)
@given(st.builds(Info, U16, U32, st.lists(STREAM_INFOS, max_size=3).map(tuple)))
def test_a_description_comes_back_as_it_was_written(info):
    assert profile.decode_info(profile.encode_info(info)) == info


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        Status,
        charging=st.booleans(),
        storage_fault=st.booleans(),
        running=st.booleans(),
        session=U16,
        battery_mv=U16,
        battery_percent=st.none() | st.integers(0, 100),
        temperature_c=st.none() | st.integers(-127, 127),
        storage_percent=st.none() | st.integers(0, 100),
        streams=st.lists(STREAM_STATES, max_size=3).map(tuple),
    )
)
def test_a_status_comes_back_as_it_was_written(status):
    assert profile.decode_status(profile.encode_status(status)) == status


STREAM_SETS = st.sets(st.sampled_from(StreamId), min_size=1)


@given(STREAM_SETS, st.integers(0, 2**64 - 1), U16, st.sampled_from(StreamId), U32, U32)
def test_a_device_reads_the_commands_a_host_writes(streams, host_ns, session, stream, first, count):
    read = profile.decode_command
    assert set(read(profile.start(streams)).streams) == streams
    assert read(profile.stop()) == Command(Opcode.STOP)
    assert read(profile.time_sync(host_ns)) == Command(Opcode.TIME_SYNC, host_ns=host_ns)
    expected = Command(Opcode.REPLAY, (stream,), session, first, count)
    assert read(profile.replay(session, stream, first, count)) == expected
    expected = Command(Opcode.ACK, (stream,), session, first)
    assert read(profile.acknowledge(session, stream, first)) == expected
    assert read(profile.erase()).opcode is Opcode.ERASE


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ("", ReplyStatus.UNKNOWN_OPCODE),
        ("07", ReplyStatus.UNKNOWN_OPCODE),
        ("44", ReplyStatus.UNKNOWN_OPCODE),
        ("01", ReplyStatus.WRONG_LENGTH),
        ("0100", ReplyStatus.BAD_PARAMETER),
        ("0108", ReplyStatus.BAD_PARAMETER),
        ("0200", ReplyStatus.WRONG_LENGTH),
        ("0407000958020000e8030000", ReplyStatus.BAD_PARAMETER),
        ("0600000000", ReplyStatus.BAD_PARAMETER),
    ],
)
def test_a_device_refuses_other_commands_with_the_reason(payload, status):
    reply = profile.decode_command(bytes.fromhex(payload))
    assert isinstance(reply, CommandReply)
    assert reply.status is status
    assert profile.decode_reply(profile.encode_reply(reply)) == reply


@given(st.binary(max_size=64))
def test_a_device_answers_any_bytes(payload):
    assert isinstance(profile.decode_command(payload), Command | CommandReply)


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_nothing_the_host_reads_raises(payload):
    for read in (
        profile.decode_frame,
        profile.decode_info,
        profile.decode_status,
        profile.decode_reply,
    ):
        read(payload)
        read(bytes([profile.VERSION]) + payload)


def test_clocks_come_back_from_time_sync():
    reply = profile.decode_reply(bytes.fromhex("8300f90a3e00000000000080000002800000"))
    assert profile.decode_time_sync(reply) == profile.TimeSync(4066041, 32768, 32770)
    assert isinstance(profile.decode_time_sync(CommandReply(3, ReplyStatus.OK)), Malformed)


def test_the_document_holds_one_vector_of_everything():
    assert len(VECTORS) == 18
    first_bytes = {bytes.fromhex(hexed)[0] for hexed, _ in VECTORS}
    assert {opcode | 0x00 for opcode in Opcode if opcode is not Opcode.REPLAY_DONE} <= first_bytes


@pytest.mark.parametrize(("hexed", "meaning"), VECTORS)
def test_every_vector_of_the_document_means_what_it_says(hexed, meaning):
    payload = bytes.fromhex(hexed)
    numbers = [int(text) for text in re.findall(r"-?\b\d+\b", meaning)]
    if meaning.startswith("info"):
        info = profile.decode_info(payload)
        assert profile.encode_info(info) == payload
        assert [stream.rate_hz for stream in info.streams] == [1000.0, 50.0]
        assert (info.session, info.backlog_s) == (7, 3600)
    elif meaning.startswith("status"):
        status = profile.decode_status(payload)
        assert profile.encode_status(status) == payload
        assert (status.battery_mv, status.battery_percent, status.temperature_c) == (3912, 84, 31)
    elif meaning.startswith(("EMG", "ACC", "mark")):
        frame = profile.decode_frame(payload)
        assert profile.encode_frame(frame) == payload
        assert {frame.sequence, frame.session, frame.index, frame.ticks} <= set(numbers)
        assert frame.values.T.ravel().tolist() == numbers[-frame.values.size :]
    elif meaning.startswith(("answer", "the replay")):
        reply = profile.decode_reply(payload)
        assert profile.encode_reply(reply) == payload
    else:
        command = profile.decode_command(payload)
        assert isinstance(command, Command)
        assert command.opcode.name == meaning.split()[0]
        assert {command.session, command.first, command.count, command.host_ns} - {0} <= set(
            numbers
        )


@pytest.mark.parametrize("name", ["SERVICE", "INFO", "CONTROL", "LIVE", "BACKLOG", "STATUS"])
def test_the_document_names_every_uuid(name):
    assert f"`{getattr(profile, name)}`" in DOCUMENT.read_text()


def test_a_description_becomes_the_streams_of_the_device():
    decoder = DEVICES["profile-v1"].decoder()
    vector = next(hexed for hexed, meaning in VECTORS if meaning.startswith("info"))
    emg, acc = decoder.decode(profile.INFO, bytes.fromhex(vector))
    assert isinstance(emg, StreamSpec)
    assert (emg.kind, emg.rate_hz, emg.scale, emg.unit) == ("emg", 1000.0, 0.25, "uV")
    assert (emg.bandwidth_hz, emg.antialias, emg.spectral) == ((20.0, 450.0), True, True)
    assert (acc.kind, acc.channels, acc.bandwidth_hz) == ("acc", 3, None)
    assert acc.counter.continues


def described(kind, *, unit=1, rate_mhz=10**6, scale=0.25):
    """What a device says of a stream of one channel and 16 bits."""
    return struct.pack("<BBBBIffffBBH", kind, 1, 16, unit, rate_mhz, scale, 0, 0, 0, 1, 0, 0)


def streams_told(*streams):
    """Streams that a host learns of from the description of a device."""
    payload = struct.pack("<BBHII", 1, len(streams), 7, 0, 32768) + b"".join(streams)
    return DEVICES["profile-v1"].decoder().decode(profile.INFO, payload)


def test_a_stream_of_unknown_scale_needs_none():
    (emg,) = streams_told(described(0, unit=0, scale=0.0))
    assert (emg.kind, emg.scale, emg.unit) == ("emg", None, "count")


@pytest.mark.parametrize(
    "other", [described(2, rate_mhz=0, scale=0.0), described(3), described(9, unit=77)]
)
def test_marks_and_streams_of_a_later_firmware_do_not_hide_the_emg(other):
    (emg,) = (each for each in streams_told(described(0), other) if isinstance(each, StreamSpec))
    assert (emg.kind, emg.rate_hz) == ("emg", 1000.0)


def test_the_state_of_an_unknown_stream_is_passed_over():
    emg, unknown = (struct.pack("<BBHIII", kind, 1, 0, 600, 120000, 0) for kind in (0, 5))
    payload = struct.pack("<BBHHBbBB", 1, 4, 7, 3912, 84, 31, 2, 2) + unknown + emg
    (status,) = DEVICES["profile-v1"].decoder().decode(profile.STATUS, payload)
    assert status.streams == (StreamState("emg", (0,), 600, 120000, 0),)


def test_the_state_of_a_device_says_what_it_still_keeps():
    decoder = DEVICES["profile-v1"].decoder()
    vector = next(hexed for hexed, meaning in VECTORS if meaning.startswith("status"))
    (status,) = decoder.decode(profile.STATUS, bytes.fromhex(vector))
    assert status.streams == (StreamState("emg", (0,), 600, 120000, 0),)
    assert (status.charging, status.storage_fault, status.storage_percent) == (False, False, 2)


def test_frames_on_the_backlog_characteristic_are_marked_as_such():
    decoder = DEVICES["profile-v1"].decoder()
    payload = bytes.fromhex(VECTORS[0][0])
    (live,) = decoder.decode(profile.LIVE, payload)
    (late,) = decoder.decode(profile.BACKLOG, payload)
    assert not live.flags & SampleFlag.BACKLOG
    assert late.flags & SampleFlag.BACKLOG


def test_a_frame_of_a_later_version_is_refused_by_name():
    payload = bytes([0x20]) + bytes.fromhex(VECTORS[0][0])[1:]
    (reject,) = DEVICES["profile-v1"].decoder().decode(profile.LIVE, payload)
    assert isinstance(reject, Reject)
    assert reject.reason == "unknown_version"
