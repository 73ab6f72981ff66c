"""The link over a scripted Bluetooth, in virtual time: every rule of staying connected."""

import asyncio
import inspect
import itertools
import random
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_bridge import DEVICES, Forbidden, KeepAlive, Notification, Write
from firmware_bridge.emulator import VirtualClock, run_virtual
from firmware_bridge.link import Link, LinkEvent, Sought
from nightcramp.errors import SensorError, UsageError

scripted = runpy.run_path(str(Path(__file__).with_name("scripted_bluetooth.py")))
Air, Sensor, Sink, HANG = (scripted[name] for name in ("Air", "Sensor", "Sink", "HANG"))

MYO = DEVICES["myo"]
PROFILE = DEVICES["profile-v1"]
SERIAL = "00002a25-0000-1000-8000-00805f9b34fb"
ROUND = ["scanning", "connecting", "setting_up", "streaming"]


def stream(air, seconds=60.0, *, sought=None, sink=None, acts=(), radio=None, links=1):
    """Run links for so long, act at given times, stop them; nothing may be left behind."""
    sinks = [sink or Sink() for _ in range(links)]
    sensors = air.sensors

    async def night():
        clock = VirtualClock(asyncio.get_running_loop())
        lock = asyncio.Lock()
        shared = radio or air.radio
        made = [
            Link(
                (sought or [Sought(sensors[0].spec)])[n],
                sinks[n],
                radio=shared,
                clock=clock,
                connecting=lock,
                rng=random.Random(7),
            )
            for n in range(links)
        ]
        running = [asyncio.create_task(link.run()) for link in made]
        for when, act in acts:
            await clock.sleep(when - asyncio.get_running_loop().time())
            result = act(made[0]) if inspect.signature(act).parameters else act()
            if result is not None:
                await result
        await clock.sleep(seconds - asyncio.get_running_loop().time())
        for link in made:
            link.stop()
        await asyncio.gather(*running)
        assert air.connected == []
        assert shared.held == set()
        assert air.scanning == 0
        assert len(asyncio.all_tasks()) == 1

    run_virtual(night())
    for each in sinks:
        assert each.states[-1] == "stopped"
        assert "unexpected" not in each.causes
    return sinks if links > 1 else sinks[0]


def test_a_sensor_is_found_connected_set_up_and_streamed():
    air = Air(Sensor(MYO))
    sink = stream(air, 20.0)
    assert sink.states == [*ROUND, "stopped"]
    assert len(sink.notifications) == pytest.approx(170, abs=10)
    setting_up = next(
        n for n, each in enumerate(sink.everything) if getattr(each, "state", 0) == "setting_up"
    )
    assert not any(isinstance(each, Notification) for each in sink.everything[:setting_up])
    assert {(event.address, event.name) for event in sink.events[1:]} == {
        ("C0:00:00:00:00:01", "Left")
    }


def test_notifications_carry_both_clocks_and_untouched_bytes():
    sink = stream(Air(Sensor(MYO, payload=b"\x01\x02")), 10.0)
    first = sink.notifications[0]
    assert first.payload == b"\x01\x02"
    assert first.characteristic == scripted["subscriptions"](MYO)[0]
    gaps = {
        (after.monotonic_ns - before.monotonic_ns, after.wall_ns - before.wall_ns)
        for before, after in zip(sink.notifications[1:], sink.notifications[2:], strict=False)
    }
    assert all(mono == pytest.approx(1e8, rel=1e-3) and mono == wall for mono, wall in gaps)


# Rule 1: a new scan before each connect, matching by what the sensor is, not where it is.


def test_every_connect_comes_after_a_scan_of_its_own():
    air = Air(Sensor(MYO))
    stream(air, 60.0, acts=[(t, air.sensors[0].drop) for t in (10.0, 20.0, 30.0)])
    order = [name for name, _, _ in air.calls if name in ("scan", "connect")]
    assert order == ["scan", "connect"] * 4
    assert len(air.scanners) == 4


def test_a_sensor_that_comes_back_under_a_new_address_is_taken_for_the_same():
    sensor = Sensor(MYO)
    air = Air(sensor)

    def new_battery():
        sensor.address = "C0:00:00:00:00:99"
        sensor.drop()

    sink = stream(air, 40.0, acts=[(10.0, new_battery)])
    assert [address for address, _ in air.named("connect")] == [
        "C0:00:00:00:00:01",
        "C0:00:00:00:00:99",
    ]
    assert sink.states == [*ROUND, "lost", "waiting", *ROUND, "stopped"]


def test_the_sensor_of_somebody_else_is_not_taken_while_ours_is_away():
    ours, others = Sensor(MYO), Sensor(MYO, address="C0:00:00:00:00:02", name="Anna's", on=False)
    air = Air(ours, others)

    def swap():
        ours.on, others.on = False, True
        ours.drop()

    sink = stream(air, 120.0, acts=[(10.0, swap)])
    assert {address for address, _ in air.named("connect")} == {ours.address}
    assert sink.of("wrong_sensor")[-1].detail.startswith("heard: Anna's, address C0:00:00:00:00:02")


@pytest.mark.parametrize(("values", "told"), [({}, ["new_address"]), ({SERIAL: b"A-1"}, [])])
def test_a_new_address_is_told_unless_a_serial_number_proves_the_sensor(values, told):
    sensor = Sensor(MYO, values=values)

    def new_battery():
        sensor.address = "C0:00:00:00:00:99"
        sensor.drop()

    sink = stream(Air(sensor), 40.0, acts=[(10.0, new_battery)])
    assert sink.states.count("streaming") == 2
    assert sink.causes == ["disconnected", "disconnected", *told]


def test_a_sensor_of_the_same_name_with_another_serial_number_is_not_taken():
    ours = Sensor(MYO, values={SERIAL: b"A-1"})
    others = Sensor(MYO, address="C0:00:00:00:00:02", values={SERIAL: b"A-2"}, on=False)

    def swap():
        ours.on, others.on = False, True
        ours.drop()

    sink = stream(Air(ours, others), 120.0, acts=[(10.0, swap)])
    assert sink.states.count("streaming") == 1
    assert "serial number A-2, expected A-1" in sink.of("wrong_sensor")[0].detail


def test_a_nameless_sensor_under_another_address_is_not_taken_without_proof():
    ours = Sensor(PROFILE, name=None)
    others = Sensor(PROFILE, address="C0:00:00:00:00:02", name=None, on=False)

    def swap():
        ours.on, others.on = False, True
        ours.drop()

    air = Air(ours, others)
    stream(air, 120.0, acts=[(10.0, swap)])
    assert {address for address, _ in air.named("connect")} == {ours.address}


def test_an_address_is_used_where_it_is_asked_for_in_any_spelling():
    air = Air(Sensor(MYO), Sensor(MYO, address="C0:00:00:00:00:02"))
    stream(air, 10.0, sought=[Sought(MYO, address="c0-00-00-00-00-02")])
    assert [address for address, _ in air.named("connect")] == ["C0:00:00:00:00:02"]


def test_only_while_it_is_not_sure_which_sensor_is_meant_does_it_listen_on():
    """Two seconds for a second one to be heard; none for a known or given address."""
    air = Air(Sensor(MYO))
    sink = stream(air, 40.0, acts=[(20.0, air.drop_all)])
    listened = [
        b - a for a, b in zip(sink.seconds("scanning"), sink.seconds("connecting"), strict=True)
    ]
    assert listened == pytest.approx([2.0, 0.0], abs=0.01)
    sink = stream(air, 10.0, sought=[Sought(MYO, address=air.sensors[0].address)])
    assert sink.seconds("connecting")[0] < 0.1


def test_a_known_sensor_is_taken_though_another_of_its_name_has_come():
    ours, others = Sensor(MYO), Sensor(MYO, address="C0:00:00:00:00:02", rssi=-30, on=False)
    air = Air(ours, others)
    sink = stream(air, 60.0, acts=[(10.0, lambda: setattr(others, "on", True)), (20.0, ours.drop)])
    assert sink.causes == ["disconnected"] * 2
    assert {address for address, _ in air.named("connect")} == {ours.address}


def test_a_name_tells_two_sensors_apart():
    air = Air(Sensor(MYO), Sensor(MYO, address="C0:00:00:00:00:02", name="Right"))
    stream(air, 10.0, sought=[Sought(MYO, name="right")])
    assert [address for address, _ in air.named("connect")] == ["C0:00:00:00:00:02"]


def test_a_serial_number_is_read_from_one_after_the_other():
    wrong = Sensor(MYO, rssi=-40, values={SERIAL: b"A-1\x00"})
    right = Sensor(MYO, address="C0:00:00:00:00:02", values={SERIAL: b"A-2\x00"})
    air = Air(wrong, right)
    sink = stream(air, 60.0, sought=[Sought(MYO, serial="a-2")])
    assert sink.causes == ["wrong_sensor"]
    assert "A-1" in sink.of("wrong_sensor")[0].detail
    assert sink.events[-1].address == right.address
    (first,) = [
        when
        for when, (address, _) in zip(air.times("connect"), air.named("connect"), strict=True)
        if address == right.address
    ]
    assert min(air.times("write")) > first, "the other sensor was not even touched"


def test_a_device_whose_name_says_nothing_is_found_by_its_service_when_chosen_by_hand():
    spec = DEVICES["npg-lite-250hz"]
    sink = stream(Air(Sensor(spec, name="whatever")), 10.0)
    assert "streaming" in sink.states


def test_a_sensor_the_system_still_holds_connected_is_taken_over():
    """As after a crash of ours: it does not advertise, so no scan can find it."""
    sensor = Sensor(MYO, link="held by the system")
    air = Air(sensor)
    air.adopted.append(sensor)
    sink = stream(air, 30.0)
    assert sink.states == [*ROUND, "stopped"]
    assert sink.seconds("connecting")[0] < 0.1, "at the start no time is lost with listening"


def test_a_sensor_that_the_system_does_not_let_go_is_taken_over_after_listening():
    sensor = Sensor(MYO)
    air = Air(sensor)

    def keep():
        sensor.drop()
        sensor.link = "held by the system"
        air.adopted.append(sensor)

    sink = stream(air, 60.0, acts=[(20.0, keep)])
    assert sink.states == [*ROUND, "lost", "waiting", *ROUND, "stopped"]
    assert sink.seconds("connecting")[1] - 20 == pytest.approx(8, abs=0.5)


# Rule 2 and 4: the callback only tells; the old client is always ended, a new one is made.


def test_every_loss_ends_the_old_client_before_a_new_one_is_made():
    air = Air(Sensor(MYO))
    sink = stream(air, 60.0, acts=[(t, air.sensors[0].drop) for t in (15.0, 30.0)])
    assert len(air.clients) == 3
    order = [name for name, _, _ in air.calls if name in ("connect", "disconnect")]
    assert order == ["connect", "disconnect"] * 3
    stamps = [notification.monotonic_ns for notification in sink.notifications]
    assert len(stamps) == len(set(stamps)), "nothing is delivered twice"


def test_a_disconnect_that_hangs_is_given_up():
    air = Air(Sensor(MYO))
    air.script["disconnect"].append(HANG)
    sink = stream(air, 40.0, acts=[(10.0, air.sensors[0].drop)])
    lost, back = sink.seconds("lost")[0], sink.seconds("scanning")[1]
    assert back - lost == pytest.approx(10.0, abs=0.5)
    assert sink.states[-2] == "streaming"


def test_what_comes_after_the_link_was_told_lost_is_not_delivered():
    sensor = Sensor(MYO)
    air = Air(sensor)
    air.script["disconnect"].append(5.0)

    def send(on):
        sensor.sends = on

    acts = [(10.0, lambda: send(False)), (13.0, lambda: send(True))]
    sink = stream(air, 30.0, acts=acts)
    lost = next(n for n, e in enumerate(sink.everything) if getattr(e, "state", 0) == "lost")
    after = sink.everything[lost + 1 :]
    setting_up = next(n for n, e in enumerate(after) if getattr(e, "state", 0) == "setting_up")
    assert all(isinstance(each, LinkEvent) for each in after[:setting_up])


@pytest.mark.parametrize(("outcome", "lasts_s"), [(2.0, 2.0), (HANG, 10.0), (OSError("no"), 0.0)])
def test_what_comes_while_a_stopped_link_disconnects_is_delivered(outcome, lasts_s):
    sensor = Sensor(MYO)
    air = Air(sensor)
    air.script["disconnect"].append(outcome)
    sink = stream(air, 30.0, acts=[(10.0, lambda link: link.stop())])
    after = [n for n in sink.notifications if n.monotonic_ns > 10.0 * 1e9]
    assert len(after) == pytest.approx(lasts_s / sensor.period_s, abs=1)
    assert sink.states == [*ROUND, "stopped"]
    assert sink.everything[-1] is sink.events[-1]


# Rule 3: the watchdog.


@pytest.mark.parametrize(
    ("period_s", "silence_s", "expected_s"), [(0.01, 2.0, 2.0), (0.01, 6.0, 6.0), (0.5, 2.0, 10.0)]
)
def test_a_link_that_falls_silent_is_lost_after_two_seconds_or_twenty_periods(
    period_s, silence_s, expected_s
):
    spec = replace(MYO, silence_s=silence_s)
    sensor = Sensor(spec, period_s=period_s)
    sink = stream(Air(sensor), 60.0, acts=[(20.0, lambda: setattr(sensor, "sends", False))])
    (silence, *_) = sink.of("silence")
    last = max(n.monotonic_ns for n in sink.notifications if n.monotonic_ns < silence.monotonic_ns)
    assert (silence.monotonic_ns - last) / 1e9 == pytest.approx(expected_s, abs=0.2)
    assert silence.state == "lost"


def test_a_sensor_that_never_sends_is_lost_after_ten_seconds():
    sink = stream(Air(Sensor(MYO, sends=False)), 20.0)
    assert sink.seconds("lost")[0] - sink.seconds("streaming")[0] == pytest.approx(10.0, abs=0.2)


def test_what_waits_behind_a_busy_host_is_looked_at_before_silence_is_told():
    sensor = Sensor(MYO)

    def send(on):
        sensor.sends = on

    acts = [(20.0, lambda: send(False)), (22.0, lambda: send(True))]
    assert stream(Air(sensor), 40.0, acts=acts).causes == []


def test_a_sensor_whose_emg_stops_is_connected_anew_though_its_acceleration_goes_on():
    sensor = Sensor(MYO)
    air = Air(sensor)
    imu = MYO.setup[5].characteristic

    def stop_emg():
        callbacks = sensor.listeners[0][1]
        callbacks |= dict.fromkeys(MYO.essential, callbacks[imu])

    sink = stream(air, 30.0, acts=[(10.0, stop_emg)])
    (lost,) = [event for event in sink.events if event.state == "lost"]
    assert lost.cause == "silence"
    assert lost.detail.startswith("no EMG came for 2.")
    went_on = [n for n in sink.notifications if 10e9 < n.monotonic_ns < lost.monotonic_ns]
    assert len(went_on) == pytest.approx(20, abs=2)
    assert {n.characteristic for n in went_on} == {imu}
    assert sink.states[-2] == "streaming"


# Rule 5: a time limit on every call.


@pytest.mark.parametrize(
    ("call", "limit_s", "cause"),
    [
        ("scan", 10.0, "no_service"),
        ("connect", 25.0, "connect_failed"),
        ("subscribe", 10.0, "setup_failed"),
        ("write", 10.0, "setup_failed"),
    ],
)
def test_a_call_that_hangs_is_given_up_and_tried_again(call, limit_s, cause):
    air = Air(Sensor(MYO))
    air.script[call].append(HANG)
    sink = stream(air, 60.0)
    assert sink.causes[0] == cause
    assert sink.of(cause)[0].monotonic_ns / 1e9 - air.times(call)[0] == pytest.approx(
        limit_s, abs=0.1
    )
    assert sink.states[-2] == "streaming"


def test_a_read_that_hangs_is_given_up():
    air = Air(Sensor(PROFILE))
    air.script["read"].append(HANG)
    sink = stream(air, 30.0)
    assert sink.causes[:2] == ["setup_failed"] * 2
    assert sink.states[-2] == "streaming"


def test_a_scanner_that_cannot_be_stopped_does_not_stop_us():
    air = Air(Sensor(MYO))
    air.script["stop scan"].append(HANG)
    assert stream(air, 30.0).states == [*ROUND, "stopped"]


def test_a_cancellation_that_escapes_from_the_stack_is_no_cancellation_of_ours():
    air = Air(Sensor(MYO))
    air.script["connect"].append(asyncio.CancelledError())
    sink = stream(air, 30.0)
    assert sink.causes == ["connect_failed"]
    assert sink.states[-2] == "streaming"


# Rule 6: back-off.


def test_the_rest_between_attempts_doubles_up_to_twelve_seconds_with_full_jitter():
    air = Air(Sensor(MYO))
    air.broken["connect"] = OSError("refused")
    sink = stream(air, 3600.0)
    waits = [
        (after.monotonic_ns - before.monotonic_ns) / 1e9
        for before, after in itertools.pairwise(sink.events)
        if (before.state, after.state) == ("waiting", "scanning")
    ]
    rng = random.Random(7)
    expected = [rng.uniform(0, min(0.25 * 2**n, 12.0)) for n in range(len(waits))]
    assert len(waits) > 300
    assert waits == pytest.approx(expected, abs=0.01)


def test_it_never_gives_up_and_streams_when_the_sensor_is_back_in_the_morning():
    sensor = Sensor(MYO, on=False)
    air = Air(sensor)
    sink = stream(air, 8 * 3600.0, acts=[(7.9 * 3600, lambda: setattr(sensor, "on", True))])
    assert sink.seconds("streaming")[0] - 7.9 * 3600 < 25
    assert max(event.attempt for event in sink.events) > 1000


def test_steady_data_resets_back_off_and_attempts():
    air = Air(Sensor(MYO))
    air.script["connect"].extend([OSError("refused")] * 8)
    sink = stream(air, 400.0, acts=[(300.0, air.sensors[0].drop)])
    attempts = [event.attempt for event in sink.events if event.state == "connecting"]
    assert attempts == [*range(1, 10), 1]
    (lost_s,) = sink.seconds("lost")
    assert sink.seconds("scanning")[-1] - lost_s <= 0.25


def test_a_link_that_flaps_does_not_reset_the_back_off():
    sensor = Sensor(MYO)
    air = Air(sensor)
    sink = stream(air, 300.0, acts=[(t, sensor.drop) for t in range(10, 290, 10)])
    assert sink.events[-1].attempt > 8


def test_after_five_minutes_without_steady_data_the_person_is_told_and_again():
    sink = stream(Air(), 1300.0, sought=[Sought(MYO)])
    told = [event.monotonic_ns / 1e9 for event in sink.of("long_outage")]
    assert len(told) == 4
    assert told[0] == pytest.approx(310, abs=25)
    assert sink.of("long_outage")[0].detail == "last: not_found"


# Rule 7: the whole set-up after every connect.


def test_the_whole_set_up_is_done_in_its_order_after_every_connect():
    air = Air(Sensor(MYO))
    stream(air, 40.0, acts=[(15.0, air.sensors[0].drop)])
    done = [
        arguments[0] for name, _, arguments in air.calls if name in ("subscribe", "write", "read")
    ]
    assert done == [step.characteristic for step in MYO.setup] * 2
    assert all(bluez == {"use_start_notify": True} for _, bluez in air.named("subscribe"))
    assert all(client.options["winrt"] == {"use_cached_services": False} for client in air.clients)


@pytest.mark.parametrize(
    ("properties", "asked", "done"),
    [
        (["write"], False, True),
        (["write-without-response"], True, False),
        (["write", "write-without-response"], True, True),
        (["write", "write-without-response"], False, False),
    ],
)
def test_a_write_is_made_the_way_the_characteristic_allows(properties, asked, done):
    write = Write(MYO.setup[0].characteristic, b"\x09", response=asked)
    air = Air(Sensor(replace(MYO, setup=(write, *MYO.setup)), properties=["notify", *properties]))
    stream(air, 10.0)
    assert air.named("write")[0] == (write.characteristic, write.payload, done)


def test_the_characteristic_of_the_own_service_is_meant_where_two_have_the_same_uuid():
    air = Air(Sensor(MYO, twin=MYO.setup[0].characteristic))
    stream(air, 10.0)
    assert set(air.written_to) == {MYO.service}


def test_answers_to_reads_reach_the_sink_like_notifications():
    sink = stream(Air(Sensor(PROFILE, mtu=247)), 10.0)
    (info,) = scripted["reads"](PROFILE)
    assert sink.notifications[0].characteristic == info
    assert sink.notifications[0].payload == b"\x07"


def test_what_is_optional_and_missing_is_left_out():
    battery = MYO.setup[-2].characteristic
    sink = stream(Air(Sensor(MYO, lacks=(battery,))), 10.0)
    assert sink.states == [*ROUND, "stopped"]


def test_a_write_rests_before_the_next_step():
    spec = DEVICES["ganglion-fw3"]
    air = Air(Sensor(spec, name="Ganglion 1.3 (ab12)"))
    stream(air, 10.0)
    first, second = air.times("write")
    assert second - first == pytest.approx(0.2, abs=0.01)


def test_a_streaming_sensor_is_kept_awake():
    spec = replace(MYO, keep_alive=KeepAlive(Write(MYO.setup[0].characteristic, b"\x09"), 30.0))
    air = Air(Sensor(spec))
    stream(air, 140.0)
    times = [
        when for name, when, arguments in air.calls if name == "write" and arguments[1] == b"\x09"
    ]
    assert len(times) == 4
    assert all(
        after - before == pytest.approx(30, abs=0.1) for before, after in itertools.pairwise(times)
    )


def test_a_refused_keep_alive_ends_nothing_while_data_flow():
    spec = replace(MYO, keep_alive=KeepAlive(Write(MYO.setup[0].characteristic, b"\x09"), 30.0))
    air = Air(Sensor(spec))
    sink = stream(air, 100.0, acts=[(10.0, lambda: air.broken.update(write=OSError("no")))])
    assert sink.states == [*ROUND, "stopped"]


# Rule 8: the callback stamps, hands on, returns; a sink that fails harms nothing.


def test_a_sink_that_raises_ends_nothing_and_is_logged_once_per_connection(caplog):
    sink = Sink(fails=True)
    stream(Air(Sensor(MYO)), 20.0, sink=sink)
    assert sink.states == [*ROUND, "stopped"]
    failures = [r for r in caplog.records if r.exc_info and "notification" in r.message]
    assert len(failures) == 1
    assert f"{len(sink.notifications)} of {len(sink.notifications)}" in caplog.text


def test_duplicates_from_the_stack_are_delivered_not_judged():
    sensor = Sensor(MYO)
    sink = stream(Air(sensor), 10.0, acts=[(5.05, sensor.send), (5.0501, sensor.send)])
    stamps = [n.monotonic_ns for n in sink.notifications]
    assert sum(5.04e9 < stamp < 5.06e9 for stamp in stamps) == 2


# Two sensors.


def test_two_sensors_are_connected_one_after_the_other_and_stream_together():
    left, right = Sensor(MYO), Sensor(MYO, address="C0:00:00:00:00:02", name="Right")
    air = Air(left, right)
    one, two = stream(
        air,
        60.0,
        sought=[Sought(MYO, name="Left"), Sought(MYO, name="Right")],
        links=2,
        acts=[(30.0, air.drop_all)],
    )
    assert air.most_at_once == 1
    assert one.states == two.states == [*ROUND, "lost", "waiting", *ROUND, "stopped"]
    assert len(air.named("connect")) == 4


def test_a_link_never_takes_the_sensor_that_another_link_holds():
    left, right = Sensor(MYO), Sensor(MYO, address="C0:00:00:00:00:02", on=False)
    air = Air(left, right)
    air.adopted.append(left)
    one, two = stream(
        air,
        60.0,
        sought=[Sought(MYO), Sought(MYO)],
        links=2,
        acts=[(30.0, lambda: setattr(right, "on", True))],
    )
    assert {one.events[-1].address, two.events[-1].address} == {left.address, right.address}


# Writing, stopping, cancelling.


def test_a_write_reaches_the_sensor_while_it_streams():
    air = Air(Sensor(MYO))
    vibrate = Write(MYO.setup[0].characteristic, bytes.fromhex("030101"))
    stream(air, 20.0, acts=[(10.0, lambda link: link.write(vibrate))])
    assert air.named("write")[-1] == (vibrate.characteristic, vibrate.payload, True)


def test_writes_wait_for_each_other():
    air = Air(Sensor(MYO))
    write = Write(MYO.setup[0].characteristic, b"\x06")

    async def both(link):
        air.script["write"].extend([1.0, 1.0])
        await asyncio.gather(link.write(write), link.write(write))

    stream(air, 20.0, acts=[(10.0, both)])
    assert air.named("write")[-2:] == [(write.characteristic, b"\x06", True)] * 2


def test_a_write_is_refused_while_nothing_streams_and_what_is_forbidden_always():
    async def refused(link, write, error, words):
        with pytest.raises(error, match=words):
            await link.write(write)

    command = MYO.setup[0].characteristic
    air = Air(Sensor(MYO))
    air.script["connect"].append(5.0)
    air.script["disconnect"].append(3.0)
    sleep = Write(command, b"\x04\x00")
    led = Write(command, b"\x06")

    def refuse_next(link):
        air.broken["write"] = OSError("refused")
        return refused(link, led, SensorError, "did not take 06: refused")

    stream(
        air,
        20.0,
        acts=[
            (3.0, lambda link: refused(link, led, SensorError, "not connected")),
            (12.0, lambda link: refused(link, sleep, UsageError, "never be sent")),
            (13.0, refuse_next),
            (14.0, air.sensors[0].drop),
            (15.0, lambda link: refused(link, led, SensorError, "not connected")),
        ],
    )
    assert isinstance(MYO.forbidden[0], Forbidden)
    assert not any(payload == sleep.payload for _, payload, _ in air.named("write"))


@pytest.mark.parametrize("when", [0.1, 2.1, 2.4, 2.61, 10.0])
@pytest.mark.parametrize("hanging", ["scan", "connect", "write", None])
def test_stopping_or_cancelling_at_any_moment_leaves_nothing(when, hanging):
    for cancel in (False, True):
        air = Air(Sensor(MYO))
        if hanging:
            air.script[hanging].append(HANG)

        async def night(air=air, cancel=cancel):
            sink = Sink()
            clock = VirtualClock(asyncio.get_running_loop())
            link = Link(Sought(MYO), sink, radio=air.radio, clock=clock)
            running = asyncio.create_task(link.run())
            await clock.sleep(when)
            if cancel:
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
            else:
                link.stop()
                link.stop()
                await running
            assert sink.states[-1] == "stopped"
            assert air.connected == []
            assert air.scanning == 0
            assert len(asyncio.all_tasks()) == 1

        run_virtual(night())


def test_stopping_twice_does_not_hurry_the_end():
    sensor = Sensor(MYO)
    air = Air(sensor)
    air.script["disconnect"].append(1.0)

    stream(air, 10.0, acts=[(9.5, lambda link: link.stop())])
    assert sensor.link is None


def test_stopping_before_running_connects_nothing():
    air = Air(Sensor(MYO))

    async def night():
        sink = Sink()
        link = Link(
            Sought(MYO), sink, radio=air.radio, clock=VirtualClock(asyncio.get_running_loop())
        )
        link.stop()
        await link.run()
        assert sink.states == ["stopped"]

    run_virtual(night())
    assert air.calls == []


def test_the_same_night_is_the_same_to_the_last_event():
    def night():
        sensor = Sensor(MYO)
        air = Air(sensor)
        air.script["connect"].extend([OSError("refused"), None, TimeoutError()])
        return stream(air, 600.0, acts=[(100.0, sensor.drop), (300.0, sensor.drop)]).everything

    assert night() == night()
