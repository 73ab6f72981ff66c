"""The host's clocks."""

import asyncio
import time

import pytest

from firmware_bridge import HostClock


def test_both_clocks_run_as_the_computers_do():
    clock = HostClock()
    assert abs(clock.wall_ns() - time.time_ns()) < 1e8
    before = clock.monotonic_ns()
    time.sleep(0.02)
    assert 0.02e9 <= clock.monotonic_ns() - before < 0.5e9


def test_the_monotonic_clock_counts_suspended_time_where_the_system_can():
    if not hasattr(time, "CLOCK_BOOTTIME"):
        pytest.skip("no such clock on this system")
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert abs(HostClock().monotonic_ns() - now) < 1e8


def test_a_faster_night_passes_faster_on_both_clocks_from_one_start():
    clock = HostClock(speed=50.0)
    real, mono, wall = time.monotonic_ns(), clock.monotonic_ns(), clock.wall_ns()
    assert abs(wall - time.time_ns()) < 1e9
    time.sleep(0.05)
    passed = time.monotonic_ns() - real
    assert clock.monotonic_ns() - mono == pytest.approx(50 * passed, rel=0.2)
    assert clock.wall_ns() - wall == pytest.approx(50 * passed, rel=0.2)


def test_a_program_started_again_stands_later_in_the_same_faster_night():
    before = HostClock(speed=50.0)
    time.sleep(0.05)
    again = HostClock(speed=50.0)
    assert abs(again.monotonic_ns() - before.monotonic_ns()) < 0.02 * 50 * 1e9


def test_waiting_is_in_seconds_of_the_night():
    async def wait():
        clock = HostClock(speed=100.0)
        before = time.monotonic()
        await clock.sleep(5.0)
        with pytest.raises(TimeoutError):
            async with clock.timeout(5.0):
                await asyncio.Event().wait()
        return time.monotonic() - before

    assert 0.1 <= asyncio.run(wait()) < 1.0
