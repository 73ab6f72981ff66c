"""Virtual time: nights at the speed of the processor, the same twice, and hangs that end."""

import asyncio
import time
import warnings

import pytest

from firmware_bridge.emulator import VirtualClock, run_virtual
from nightcramp.errors import UsageError


def test_a_night_takes_no_real_time_and_every_timer_its_turn():
    seen = []

    async def tick(every_s, until_s):
        loop = asyncio.get_running_loop()
        while loop.time() < until_s:
            await asyncio.sleep(every_s)
            seen.append((loop.time(), every_s))

    async def night():
        async with asyncio.TaskGroup() as group:
            group.create_task(tick(7.0, 28_800))
            group.create_task(tick(60.0, 28_800))
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    end = run_virtual(night())
    assert end >= 28_800
    assert time.monotonic() - began < 5
    assert seen == sorted(seen, key=lambda tick: tick[0])
    assert len(seen) == 28_800 // 7 + 1 + 28_800 // 60


def test_the_same_program_sees_the_same_times_twice():
    async def program():
        clock = VirtualClock(asyncio.get_running_loop())
        stamps = []
        for step in range(100):
            await clock.sleep(0.001 * step)
            stamps.append((clock.monotonic_ns(), clock.wall_ns()))
        return stamps

    assert run_virtual(program()) == run_virtual(program())


def test_wall_time_and_monotonic_time_go_together():
    async def program():
        clock = VirtualClock(asyncio.get_running_loop())
        monotonic, wall = clock.monotonic_ns(), clock.wall_ns()
        await clock.sleep(0.25)
        return clock.monotonic_ns() - monotonic, clock.wall_ns() - wall

    assert run_virtual(program()) == (250_000_000, 250_000_000)


def test_a_time_limit_strikes_in_virtual_time():
    async def program():
        clock = VirtualClock(asyncio.get_running_loop())
        with pytest.raises(TimeoutError):
            async with clock.timeout(3600):
                await asyncio.Event().wait()
        return clock.monotonic_ns()

    assert run_virtual(program()) == 3600 * 10**9


def test_a_hang_ends_in_an_error():
    async def deadlock():
        await asyncio.Event().wait()

    with pytest.raises(UsageError, match="hangs"):
        run_virtual(deadlock())


def test_a_hang_beside_something_that_ticks_ends_at_the_limit():
    async def hang():
        loop = asyncio.get_running_loop()

        def tick():
            loop.call_later(1, tick)

        tick()
        await asyncio.Event().wait()

    with pytest.raises(UsageError, match="500 s of virtual time"):
        run_virtual(hang(), limit_s=500)


def test_a_task_that_asks_without_waiting_ends_in_an_error(monkeypatch):
    monkeypatch.setattr("firmware_bridge.emulator.virtual_time._MOST_STEPS", 1000)

    async def spin():
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0)

    with pytest.raises(UsageError, match="spins"):
        run_virtual(spin())


def test_tasks_clean_up_after_a_hang():
    cleaned = []

    async def hang():
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UsageError):
            run_virtual(hang())
    assert cleaned == [True]


def test_time_stands_while_a_thread_works():
    async def program():
        loop = asyncio.get_running_loop()
        ticking = asyncio.create_task(asyncio.sleep(1000))
        answer = await asyncio.to_thread(lambda: time.sleep(0.05) or 42)
        ticking.cancel()
        return answer, loop.time()

    assert run_virtual(program()) == (42, 0.0)


def test_an_exception_comes_out_as_it_is():
    async def fail():
        await asyncio.sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_virtual(fail())
