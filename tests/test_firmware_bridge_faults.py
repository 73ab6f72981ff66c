"""Five emulated minutes of every sensor while everything goes wrong: nothing is missing but what
the faults took.

Sensor, air and host stacks are emulated in virtual time; link, decoders and assembly are real.
Every sample of the recording is looked up among those that the sensor took.
"""

import numpy as np
import pytest

from benchmarks.fault_matrix import longest_silence_s, problems
from benchmarks.fault_matrix_judge import judge, numbers_of
from benchmarks.fault_matrix_night import emulate
from firmware_bridge import DEVICES, Resume, Samples, Stretch, Subscribe
from firmware_bridge.emulator import EMULATED, parse_faults
from firmware_bridge.link import LinkCause

MINUTES_S = 300.0

SCRIPT = """
[[fault]]
at_s = 45
kind = "fade"
seconds = 0.3
[[fault]]
at_s = 60
kind = "link_loss"
seconds = 4
[[fault]]
at_s = 90
kind = "lost_notifications"
seconds = 20
share = 0.05
[[fault]]
at_s = 115
kind = "latency"
seconds = 0.27
[[fault]]
at_s = 120
kind = "duplicates"
seconds = 10
[[fault]]
at_s = 135
kind = "wrong_lengths"
seconds = 10
[[fault]]
at_s = 150
kind = "zombie"
seconds = 6
[[fault]]
at_s = 180
kind = "disconnect"
[[fault]]
at_s = 210
kind = "reboot"
[[fault]]
at_s = 235
kind = "address_change"
[[fault]]
at_s = 265
kind = "adapter_off"
seconds = 5
"""


@pytest.mark.parametrize("device", EMULATED)
def test_nothing_is_missing_but_what_the_faults_took(device):
    night = emulate(device, parse_faults(SCRIPT), MINUTES_S)
    verdicts = judge(night)
    assert problems(night, verdicts) == []
    assert longest_silence_s(night, 20.0) < 16
    causes = {event.cause for event in night.events}
    assert {LinkCause.DISCONNECTED, LinkCause.BLUETOOTH_OFF} <= causes
    for verdict in verdicts:
        # What is not recorded is told to be missing, to the sample where the sensor counts.
        told = verdict.declared / (verdict.taken - verdict.recorded)
        assert 0.75 < told < 1.3
    if DEVICES[device].resume is Resume.BACKLOG:
        emg = verdicts[0]
        assert emg.taken - emg.recorded < 15 * 1000  # only what was never taken


def stretches(*starts_and_values):
    return [
        Stretch("emg", start, np.array([values], dtype=np.int32))
        for start, values in starts_and_values
    ]


TRUE = np.array([[5, 3, 8, 1, 9, 2, 7, 4]], dtype=np.int32)


@pytest.mark.parametrize(
    ("pieces", "numbers"),
    [
        ([(0, [5, 3, 8, 1])], [0, 1, 2, 3]),
        ([(0, [3, 8]), (4, [9, 2])], [1, 2, 4, 5]),
        ([(0, [5, 3, 1, 9])], [0, 1, 3, 4]),
        ([(0, [5, 3, 3, 8])], [0, 1, -1, 2]),
        ([(0, [5, 6, 8, 1])], [0, -1, 2, 3]),
        ([], []),
    ],
)
def test_the_judge_finds_what_is_lost_doubled_and_invented(pieces, numbers):
    assert numbers_of(stretches(*pieces), TRUE, 1).tolist() == numbers


def test_a_package_of_the_gforce_that_is_a_byte_short_is_not_taken_for_one_without_number():
    decoder = DEVICES["gforce-12bit"].decoder()
    data = DEVICES["gforce-12bit"].setup[1].characteristic
    whole = bytes([8, 7, *range(128)])
    assert isinstance(decoder.decode(data, whole)[0], Samples)
    (refused,) = decoder.decode(data, whole[:-1])
    assert not isinstance(refused, Samples)
    decoder.reset()
    assert isinstance(decoder.decode(data, bytes([8, *range(128)]))[0], Samples)


def test_a_ganglion_packet_that_came_twice_ends_no_sample_of_acceleration():
    setup = DEVICES["ganglion-fw3"].setup
    data = next(step.characteristic for step in setup if isinstance(step, Subscribe))
    packets = [bytes([number, *bytes(18), number]) for number in range(101)]
    once = accelerations(data, packets)
    twice = accelerations(data, [packet for packet in packets for _ in range(2)])
    assert once[-2:] == [[[81], [82], [83]], [[91], [92], [93]]]
    assert twice[-5:] == once[-5:]


def test_a_ganglion_packet_that_came_twice_is_no_further_difference():
    """Firmware 2 sends differences: after a lost packet the level is unknown, not after a copy."""
    sensor = DEVICES["ganglion-fw2"]
    data = next(step.characteristic for step in sensor.setup if isinstance(step, Subscribe))
    packets = [bytes(20), *(bytes([number]) + bytes(range(19)) for number in range(101, 131))]
    once, twice = sensor.decoder(), sensor.decoder()
    for payload in packets:
        (expected,) = once.decode(data, payload)
        (first,), (again,) = twice.decode(data, payload), twice.decode(data, payload)
        assert isinstance(expected, Samples)
        for packet in (first, again):
            assert packet.counter == expected.counter
            assert (packet.values == expected.values).all()


def accelerations(characteristic, payloads):
    decoder = DEVICES["ganglion-fw3"].decoder()
    packets = [packet for payload in payloads for packet in decoder.decode(characteristic, payload)]
    found = [p for p in packets if isinstance(p, Samples) and p.stream == "acc"]
    return [sample.values.tolist() for sample in found]
