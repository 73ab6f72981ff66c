"""Published and captured bytes of every device, and what a host must know to set it up."""

import json
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge import (
    DEVICES,
    DeviceStatus,
    Mark,
    Read,
    Reject,
    RejectReason,
    Reply,
    Resume,
    SampleFlag,
    Samples,
    Subscribe,
    Write,
    find_device,
)
from firmware_bridge.devices import ganglion, gforce, movesense, myo, npg_lite, polar, umyo
from firmware_bridge.spec import BATTERY_LEVEL, FIRMWARE_REVISION
from nightcramp.errors import UsageError

VECTORS = json.loads((Path(__file__).parent / "data" / "sensor_vectors.json").read_text())

# First ACC frame of a Verity Sense at 52 Hz, +-8 g, as posted by its owner in Polar's SDK forum.
VERITY_FRAME = bytes.fromhex(
    "0200416fc41245930a81ee021ffe82ff080a10da20d6a30bd9cbe7d6f6c4e6f1e1f3e0151afe281bf8372c2520"
    "1319110a2fed4fc07ef4e9bb6e800dc82fb03e14d1afb07f16c4cc20873403541 28bff8d00c142fbe6d3dfb5e1"
    "91532fbef9ed43b03efddb9b903df503605f7bfad9dfae000b24647040 12cccfbf04e4c533b038084180efc212"
    "ec178146fdfe5bb001f3d1d76f81ffcd7b0fc20136607f43d35f3f3f78cb06484eff000efc820551ab55e34a2d"
    "1d0c5fbde858734dbdeba06751020cc47041ca267fa0028919fe3f5f74e722442 03f1566b0524d055ca41fbee9"
    "6800".replace(" ", "")
)


def decode(name, characteristic, *payloads):
    """All packets a fresh decoder gives for the payloads."""
    decoder = DEVICES[name].decoder()
    return [packet for payload in payloads for packet in decoder.decode(characteristic, payload)]


def only(packets):
    """The one packet."""
    assert len(packets) == 1
    return packets[0]


@pytest.mark.parametrize("vector", VECTORS["myo_emg"])
@pytest.mark.parametrize("turn", range(4))
def test_a_myo_packet_is_two_samples_of_eight_channels_numbered_by_its_turn(vector, turn):
    samples = only(decode("myo", myo.EMG[turn], bytes.fromhex(vector["hex"])))
    assert samples.values.T.tolist() == vector["samples"]
    assert samples.counter == 2 * turn


@pytest.mark.parametrize("vector", VECTORS["myo_imu"])
def test_myo_acceleration_is_in_g(vector):
    samples = only(decode("myo", myo.IMU, bytes.fromhex(vector["hex"])))
    scale = DEVICES["myo"].streams[1].scale
    assert (samples.values[:, 0] * scale).tolist() == vector["acc_g"]


@pytest.mark.parametrize("vector", VECTORS["myo_fv"])
def test_smoothed_emg_of_the_myo_is_never_taken_for_emg(vector):
    reject = only(decode("myo", myo.SMOOTHED, bytes.fromhex(vector["hex"])))
    assert reject.reason is RejectReason.KIND


def test_the_myo_is_told_never_to_sleep_before_and_to_send_raw_emg_after_subscribing():
    steps = DEVICES["myo"].setup
    sleepless = steps.index(Write(myo.COMMAND, bytes.fromhex("090101")))
    raw = steps.index(Write(myo.COMMAND, bytes.fromhex("0103030100")))
    subscriptions = [i for i, step in enumerate(steps) if isinstance(step, Subscribe)]
    assert sleepless < min(subscriptions)
    assert raw > max(subscriptions)
    commands = VECTORS["myo_commands"]
    assert commands["never_sleep"] == "090101"
    assert commands["emg_raw_imu_data_classifier_off"] == "0103030100"


@pytest.mark.parametrize("payload", ["0400", "04"])
def test_deep_sleep_is_never_sent_to_a_myo(payload):
    with pytest.raises(UsageError, match="USB"):
        DEVICES["myo"].check(Write(myo.COMMAND, bytes.fromhex(payload)))


@pytest.mark.parametrize(("key", "bits"), [("ganglion_18", 18), ("ganglion_19", 19)])
def test_ganglion_fields_carry_their_sign_in_the_last_bit(key, bits):
    for vector in VECTORS[key]:
        fields = ganglion.unpack(bytes.fromhex(vector["payload"]) + b"\0", bits)
        assert fields.tolist() == vector["v"]


def ganglion_baseline(values):
    return bytes([0]) + b"".join(v.to_bytes(3, "big", signed=True) for v in values) + bytes(7)


def ganglion_differences(number, fields, bits):
    """Packet of differences; `fields` already have their sign in the last bit."""
    text = "".join(format(field % 2**bits, f"0{bits}b") for field in fields)
    return bytes([number]) + int(text.ljust(152, "0"), 2).to_bytes(19, "big")


def test_ganglion_2_subtracts_differences_from_the_sample_before():
    capture = VECTORS["ganglion_fw2_19bit_capture"]
    start = [100000, -100000, 5, 0]
    nothing = [ganglion_differences(number, [0] * 8, 19) for number in range(101, 106)]
    packets = decode(
        "ganglion-fw2",
        ganglion.NOTIFY,
        ganglion_baseline(start),
        *nothing,
        bytes.fromhex(capture["hex"]),
    )
    assert packets[0].counter == 0
    assert packets[0].values[:, 0].tolist() == start
    first = np.array(start) - capture["deltas"][0]
    second = first - capture["deltas"][1]
    assert packets[-1].values.T.tolist() == [first.tolist(), second.tolist()]
    assert packets[-1].counter == 2 * (capture["id"] - 100) - 1


def test_after_a_lost_packet_ganglion_2_has_no_level_until_the_next_absolute_sample():
    still = [ganglion_differences(number, [0] * 8, 18) for number in range(1, 101)]
    stream = [
        ganglion_baseline([7] * 4),
        *still[:5],
        *still[6:],
        ganglion_baseline([9] * 4),
        still[0],
    ]
    packets = [
        packet
        for packet in decode("ganglion-fw2", ganglion.NOTIFY, *stream)
        if isinstance(packet, Reject) or packet.stream == "emg"
    ]
    assert all(isinstance(packet, Samples) for packet in packets[:6])
    assert {packet.reason for packet in packets[6:-2]} == {RejectReason.NO_BASELINE}
    assert len(packets[6:-2]) == 94
    assert packets[-1].values.tolist() == [[9, 9]] * 4


def ganglion_3(*payloads):
    """Packets after the bogus first two."""
    bogus = bytes([255, *range(19)]), bytes([99, *range(19)])
    return decode("ganglion-fw3", ganglion.NOTIFY, bogus[1], bogus[1], *payloads)[2:]


@pytest.mark.parametrize("vector", VECTORS["ganglion_fw3_synthetic"])
def test_ganglion_3_sends_the_high_bits_of_every_sample(vector):
    samples = ganglion_3(bytes.fromhex(vector["hex"]))[0]
    assert samples.values.T.tolist() == vector["v24"]
    assert samples.counter == 2 * (vector["id"] % 100)


def test_ganglion_3_throws_the_bogus_first_packets_away():
    packets = decode("ganglion-fw3", ganglion.NOTIFY, bytes([255] * 20), *[bytes([99] * 20)] * 2)
    assert [packet.reason for packet in packets] == [
        RejectReason.KIND,
        RejectReason.SETTLING,
        RejectReason.SETTLING,
    ]


def test_ganglion_acceleration_is_put_together_from_three_packets():
    packets = ganglion_3(
        *[bytes([10 + axis]) + bytes(18) + bytes([256 - axis]) for axis in (1, 2, 3)]
    )
    acc = only([packet for packet in packets if packet.stream == "acc"])
    assert acc.values[:, 0].tolist() == [-1, -2, -3]
    assert acc.counter == 1
    lost = ganglion_3(*[bytes([10 + axis]) + bytes(19) for axis in (1, 3, 2)])
    assert all(packet.stream == "emg" for packet in lost)


@pytest.mark.parametrize("vector", VECTORS["ganglion_impedance"])
@pytest.mark.parametrize("name", ["ganglion-fw2", "ganglion-fw3"])
def test_ganglion_impedance_is_a_status(vector, name):
    status = only(decode(name, ganglion.NOTIFY, bytes.fromhex(vector["hex"])))
    assert status == DeviceStatus(impedance=(vector["channel"], vector["ohm_raw"]))


def test_the_reference_of_a_ganglion_is_channel_0():
    status = only(decode("ganglion-fw3", ganglion.NOTIFY, bytes([205]) + b"12Z"))
    assert status.impedance == (0, 12)


def test_ganglion_text_and_revision_are_replies():
    assert only(decode("ganglion-fw2", ganglion.NOTIFY, b"\xceOpenBCI")).text == "OpenBCI"
    assert only(decode("ganglion-fw3", FIRMWARE_REVISION, b"3.0.2")).text == "firmware 3.0.2"


def test_one_npg_sample_is_a_counter_and_big_endian_words():
    vector = VECTORS["npg_lite_3ch_sample_synthetic"]
    samples = only(decode("npg-lite-3ch", npg_lite.DATA, bytes.fromhex(vector["hex"])))
    assert samples.counter == vector["counter"]
    assert samples.values[:, 0].tolist() == vector["ch"]


@pytest.mark.parametrize(("name", "channels"), [("npg-lite-band", 3), ("npg-lite-6ch", 6)])
@pytest.mark.parametrize("n", [1, 10, 20, 25])
def test_npg_blocks_may_have_any_number_of_samples(name, channels, n):
    words = np.arange(n * channels, dtype=">u2").reshape(n, channels)
    payload = b"".join(bytes([(250 + i) % 256]) + words[i].tobytes() for i in range(n))
    samples = only(decode(name, npg_lite.DATA, payload))
    assert samples.counter == 250
    assert samples.values.T.tolist() == words.tolist()


def test_samples_missing_inside_an_npg_block_split_it():
    payload = b"".join(bytes([counter]) + bytes(6) for counter in (254, 255, 0, 4, 5))
    samples = decode("npg-lite-band", npg_lite.DATA, payload)
    assert [(part.counter, part.n) for part in samples] == [(254, 3), (4, 2)]


def test_every_acceleration_sample_of_the_npg_band_is_kept():
    one_g_down = (-16000).to_bytes(2, "big", signed=True)
    payload = b"".join(bytes([i]) + bytes(4) + one_g_down for i in range(5))
    samples = only(decode("npg-lite-band", npg_lite.IMU, payload))
    assert samples.n == 5
    assert samples.values[2, 0] * DEVICES["npg-lite-band"].streams[1].scale == -1.0
    assert decode("npg-lite-band", npg_lite.IMU, b"") == []


def test_npg_is_started_after_subscribing():
    steps = DEVICES["npg-lite-band"].setup
    assert [step.payload for step in steps if isinstance(step, Write)] == [b"STOP", b"START"]
    assert isinstance(steps[-1], Write)


def test_npg_answers_and_battery_are_understood():
    assert only(decode("npg-lite-3ch", npg_lite.CONTROL, b"RUNNING")).text == "RUNNING"
    assert not only(decode("npg-lite-3ch", npg_lite.CONTROL, b"UNKNOWN COMMAND")).ok
    assert only(decode("npg-lite-3ch", npg_lite.BATTERY, b"\x55")).battery_percent == 85
    assert only(decode("npg-lite-3ch", npg_lite.BATTERY, b"\xff")).reason is RejectReason.VALUE


@pytest.mark.parametrize(
    ("prefix", "suffix", "n"),
    [(b"", b"", 8), (b"", b"", 16), (b"", b"", 24), (b"", b"q" * 8, 24), (b"\1", b"q" * 8, 24),
     (b"\2", b"", 24)],
)  # fmt: skip
def test_umyo_emg_of_both_dialects_is_told_apart_by_its_length(prefix, suffix, n):
    values = np.arange(-n // 2, n - n // 2, dtype="<i2")
    index = 4_000_000_001
    payload = prefix + index.to_bytes(4, "little") + values.tobytes() + suffix
    samples = only(decode("umyo", umyo.TELEMETRY, payload))
    assert samples.counter == index
    assert samples.values.tolist() == [values.tolist()]


@pytest.mark.parametrize("prefix", [b"", b"\3"])
def test_umyo_acceleration_has_no_counter(prefix):
    payload = prefix + np.array([16384, 0, -16384], "<i2").tobytes() + bytes(20)
    samples = only(decode("umyo", umyo.TELEMETRY, payload))
    assert samples.stream == "acc"
    assert samples.counter is None
    assert (samples.values[:, 0] * DEVICES["umyo"].streams[1].scale).tolist() == [1.0, 0.0, -1.0]


def test_gforce_eight_bit_package_is_sixteen_samples_numbered_by_its_id():
    values = np.arange(128, dtype=np.uint8)
    samples = only(decode("gforce-8bit", gforce.DATA, b"\x08\x03" + values.tobytes()))
    assert samples.counter == 3 * 16
    assert samples.values.T.tolist() == values.reshape(16, 8).tolist()


def test_gforce_twelve_bit_package_is_eight_samples():
    values = np.arange(64, dtype="<u2") * 60
    samples = only(decode("gforce-12bit", gforce.DATA, b"\x88\xff" + values.tobytes()))
    assert samples.counter == 255 * 8
    assert samples.values.T.tolist() == values.reshape(8, 8).tolist()


def test_gforce_package_without_id_has_no_counter():
    samples = only(decode("gforce-8bit", gforce.DATA, b"\x08" + bytes(128)))
    assert samples.counter is None


def test_gforce_parts_are_joined_and_a_missing_part_is_named():
    whole = b"\x08\x07" + bytes(range(128))
    parts = [b"\xff\x02" + whole[:50], b"\xff\x01" + whole[50:100], b"\xff\x00" + whole[100:]]
    samples = only(decode("gforce-8bit", gforce.DATA, *parts))
    assert samples.counter == 7 * 16
    reject = only(decode("gforce-8bit", gforce.DATA, parts[0], parts[2]))
    assert reject.reason is RejectReason.PARTIAL


def test_gforce_is_asked_for_package_ids_and_emg_only():
    writes = [
        step.payload.hex() for step in DEVICES["gforce-8bit"].setup if isinstance(step, Write)
    ]
    assert writes == ["2601", "3ff401ff008008", "4f80000000"]
    assert (
        only(decode("gforce-8bit", gforce.DATA, b"\x01\x00" + bytes(12))).reason
        is RejectReason.KIND
    )


def test_gforce_answers_are_understood():
    assert only(decode("gforce-8bit", gforce.COMMAND, b"\x00\x08\x40")).battery_percent == 64
    answer = only(decode("gforce-8bit", gforce.COMMAND, b"\x01\x4f"))
    assert answer == Reply(0x4F, ok=False, text="not supported", payload=b"")


def movesense_packet(milliseconds, vectors):
    g = np.array(vectors, "<f4") * np.float32(9.80665)
    return b"\x02\x01" + milliseconds.to_bytes(4, "little") + g.astype("<f4").tobytes()


def test_movesense_acceleration_is_in_tenths_of_a_mg():
    packet = movesense_packet(123456, [(0, 0, 1), (0.25, -0.5, 1.5)])
    samples = only(decode("movesense", movesense.NOTIFY, packet))
    assert samples.counter == 123456
    assert samples.values.T.tolist() == [[0, 0, 10000], [2500, -5000, 15000]]


@pytest.mark.parametrize("value", [b"\x00\x00\x81\x7f", b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f"])
def test_movesense_acceleration_that_is_no_number_is_rejected(value):
    packet = movesense_packet(123456, [(0, 0, 1)])[:-4] + value
    reject = only(decode("movesense", movesense.NOTIFY, packet))
    assert reject.reason is RejectReason.VALUE


def test_movesense_data_cut_in_two_is_joined():
    packet = movesense_packet(9, [(0, 0, 1)] * 8)
    parts = packet[:50], b"\x03\x01" + packet[50:]
    assert only(decode("movesense", movesense.NOTIFY, *parts)).n == 8
    assert only(decode("movesense", movesense.NOTIFY, parts[1])).reason is RejectReason.PARTIAL


def test_movesense_refuses_impossible_acceleration_and_tells_of_refused_commands():
    packet = movesense_packet(9, [(0, 0, 99.0)])
    assert only(decode("movesense", movesense.NOTIFY, packet)).reason is RejectReason.VALUE
    answer = only(decode("movesense", movesense.NOTIFY, b"\x01\x01" + (404).to_bytes(2, "little")))
    assert not answer.ok
    assert DEVICES["movesense"].setup[-1].payload == b"\x01\x01/Meas/Acc/52"


def polar_frame(frame_type, body, ns=10**15):
    return b"\x02" + ns.to_bytes(8, "little") + bytes([frame_type]) + body


@pytest.mark.parametrize(("frame_type", "width"), [(0, 1), (1, 2), (2, 3)])
def test_polar_raw_frames_are_signed_vectors_in_mg(frame_type, width):
    vectors = [(1, -1, 100), (-128, 127, 0)]
    body = b"".join(v.to_bytes(width, "little", signed=True) for vector in vectors for v in vector)
    samples = only(decode("polar-h10", polar.DATA, polar_frame(frame_type, body)))
    assert samples.values.T.tolist() == [list(vector) for vector in vectors]
    assert samples.counter == 10**15 - 20_000_000


def test_a_real_compressed_polar_frame_is_about_one_g_all_over():
    samples = only(decode("polar-verity-sense", polar.DATA, VERITY_FRAME))
    assert samples.n == 58
    assert samples.values[:, 0].tolist() == [750, -481, -126]
    assert samples.values[:, 1].tolist() == [766, -519, -94]
    length_mg = np.linalg.norm(samples.values, axis=0)
    assert np.median(length_mg) == pytest.approx(1000, rel=0.15)


def test_polar_compressed_frames_of_type_0_need_the_factor_of_the_answer():
    body = bytes.fromhex("e803 18fc 0000") + bytes([4, 1]) + bytes([0xE2, 0x00])
    frame = polar_frame(0x80, body)
    assert only(decode("polar-h10", polar.DATA, frame)).reason is RejectReason.NOT_CONFIGURED
    decoder = DEVICES["polar-h10"].decoder()
    factor = np.array([0.0005], "<f4").tobytes()
    answer = bytes.fromhex("f00202000000013200") + bytes([5, 1]) + factor
    assert only(decoder.decode(polar.CONTROL, answer)).ok
    samples = only(decoder.decode(polar.DATA, frame))
    assert samples.values.T.tolist() == [[500, -500, 0], [501, -501, 0]]


@pytest.mark.parametrize("bits", [0, 17, 40, 255])
def test_polar_differences_of_impossible_width_are_refused(bits):
    body = bytes(6) + bytes([bits, 1]) + bytes(-(-bits * 3 // 8))
    reject = only(decode("polar-h10", polar.DATA, polar_frame(0x81, body)))
    assert reject.reason is RejectReason.LENGTH


@pytest.mark.parametrize("factor", [0.0, -1.0, 1e6, np.nan, np.inf])
def test_a_polar_factor_that_makes_no_sense_is_not_taken(factor):
    decoder = DEVICES["polar-h10"].decoder()
    told = bytes([5, 1]) + np.array([factor], "<f4").tobytes()
    decoder.decode(polar.CONTROL, bytes.fromhex("f00202000000013200") + told)
    frame = polar_frame(0x80, bytes.fromhex("e803 18fc 0000"))
    assert only(decoder.decode(polar.DATA, frame)).reason is RejectReason.NOT_CONFIGURED


def test_polar_is_started_with_rate_resolution_and_range():
    assert DEVICES["polar-h10"].setup[-1].payload.hex() == "02020001320001011000020108 00".replace(
        " ", ""
    )
    verity = "0202000134000101100002010800040103"
    assert DEVICES["polar-verity-sense"].setup[-1].payload.hex() == verity
    refused = only(decode("polar-h10", polar.CONTROL, bytes.fromhex("f0020206")))
    assert refused == Reply(2, ok=False, text="already in state", payload=b"\x06")


@pytest.mark.parametrize("name", ["myo", "movesense", "polar-h10"])
def test_the_standard_battery_level_is_understood(name):
    assert only(decode(name, BATTERY_LEVEL, b"\x2a")) == DeviceStatus(battery_percent=42)


@pytest.mark.parametrize(
    ("name", "service", "expected"),
    [
        ("NPG-Lite-3CH:A1:B2", None, "npg-lite-3ch"),
        ("NPG-LITE-6ch:A1:B2", None, "npg-lite-6ch"),
        ("npg-lite-band-3CH:DA:CE", npg_lite.SERVICE, "npg-lite-band"),
        ("NPG-LITE", None, "npg-lite-3ch"),
        ("uMyo-A1", None, "umyo"),
        (None, umyo.SERVICE.upper(), "umyo"),
        ("Grandma's left leg", myo.SERVICE, "myo"),
        ("Ganglion-12ab", None, "ganglion-fw2"),
        ("Simblee", ganglion.SERVICE, "ganglion-fw2"),
        ("Ganglion 1.3 (12ab)", None, "ganglion-fw3"),
        ("gForcePro(1234)", None, "gforce-8bit"),
        (None, gforce.SERVICE, "gforce-8bit"),
        ("Movesense 223430000019", None, "movesense"),
        ("Polar H10 12345678", None, "polar-h10"),
        ("Polar Sense 12345678", None, "polar-verity-sense"),
        (None, "334C0001-2CF0-4A9A-80F6-74C1D0973092", "profile-v1"),
    ],
)
def test_devices_are_found_by_what_they_advertise(name, service, expected):
    found = find_device(name, [service] if service else [])
    assert found is DEVICES[expected]


@pytest.mark.parametrize(
    ("name", "service"),
    [
        (None, None),
        ("Headphones", None),
        # Shared by many devices: not enough without the name.
        (None, npg_lite.SERVICE),
        ("ESP32", npg_lite.SERVICE),
        (None, ganglion.SERVICE),
    ],
)
def test_other_devices_are_left_alone(name, service):
    assert find_device(name, [service] if service else []) is None


@pytest.mark.parametrize("spec", DEVICES.values(), ids=lambda spec: spec.name)
def test_every_device_subscribes_before_it_starts_and_sends_nothing_forbidden(spec):
    writes = [step for step in spec.setup if isinstance(step, Write)]
    for write in writes:
        spec.check(write)
    if spec.keep_alive is not None:
        spec.check(spec.keep_alive.write)
    steps = list(spec.setup)
    last_subscription = max(i for i, step in enumerate(steps) if isinstance(step, Subscribe))
    assert not writes or steps.index(writes[-1]) > last_subscription
    uuids = {step.characteristic for step in steps} | {spec.service}
    assert all(len(uuid) == 36 and uuid == uuid.lower() for uuid in uuids)
    assert spec.mtu_min >= 23


@pytest.mark.parametrize("spec", DEVICES.values(), ids=lambda spec: spec.name)
def test_every_device_understands_all_it_asks_for(spec):
    decoder = spec.decoder()
    asked = [step for step in spec.setup if isinstance(step, Subscribe | Read)]
    for step in asked:
        rejects = [p for p in decoder.decode(step.characteristic, b"") if isinstance(p, Reject)]
        assert all(reject.reason is not RejectReason.CHARACTERISTIC for reject in rejects)
    unknown = only(decoder.decode("no-such-characteristic", b"\0"))
    assert unknown.reason is RejectReason.CHARACTERISTIC


@pytest.mark.parametrize("spec", DEVICES.values(), ids=lambda spec: spec.name)
def test_counters_run_through_a_drop_out_only_where_the_device_goes_on_counting(spec):
    for stream in spec.streams:
        if stream.counter is not None:
            assert stream.counter.continues == (spec.resume is not Resume.NONE)


def test_only_fast_emg_serves_spectral_features():
    spectral = {spec.name for spec in DEVICES.values() if any(s.spectral for s in spec.streams)}
    assert spectral == {
        "npg-lite-band",
        "npg-lite-3ch",
        "npg-lite-6ch",
        "umyo",
        "gforce-8bit",
        "gforce-12bit",
    }


@pytest.mark.parametrize("vector", VECTORS["own_frame_synthetic"])
def test_a_frame_of_our_profile_is_understood_without_its_description(vector):
    packet = only(
        decode("profile-v1", "334c0004-2cf0-4a9a-80f6-74c1d0973092", bytes.fromhex(vector["hex"]))
    )
    assert packet.session == 7
    if packet.stream == "emg":
        assert packet.counter == 1_000_000
        assert packet.values.tolist() == [[0, 1, -1, 32767, -32768, 100]]
    else:
        assert packet.counter == 50_000
        assert packet.flags == SampleFlag.GAP_BEFORE
        assert packet.values.T.tolist() == [[0, 0, 16384], [-1, 1, 16000]]


def test_the_button_of_a_sensor_is_a_mark():
    payload = bytes.fromhex("120003000700d00700000000010001000100")
    packet = only(decode("profile-v1", "334c0004-2cf0-4a9a-80f6-74c1d0973092", payload))
    assert packet == Mark(code=1, counter=2000, session=7)
