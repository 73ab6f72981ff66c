"""The link over a real kernel and a real bluetoothd: ``make test-bluez``.

A guest in qemu runs both and our link; its HCI is carried to the emulated radio here, on which an
emulated sensor lives. What the guest wrote is judged as nights of the fault matrix are.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from bumble.hci import Address
from bumble.transport import open_transport

from benchmarks.fault_matrix_judge import Verdict, judge
from benchmarks.fault_matrix_night import CRYSTAL_PPM, Night, Witness
from benchmarks.report import put_into_page
from firmware_bridge import DEVICES, Assembler, HostClock, Notification
from firmware_bridge.emulator import (
    EMULATED,
    Air,
    Fault,
    FaultScript,
    SensorHost,
    index_source,
    play_faults,
)
from firmware_bridge.link import LinkCause, LinkEvent, LinkState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "bluez_bed.md"
DEVICE = "npg-lite-band"
PATIENCE_S = 900.0
SOCKETS_S = 20.0
INSIDE_S = 2.0  # an emulated processor is slow
ADAPTER = "00:AA:01:02:03:04"

_CLOCK = "clocksource=hpet"  # others lose time where the emulated processor waits for a real one

EXPECTED = {
    "connects and streams": 1,
    "fade of 0.3 s": 1,
    "fade of 0.7 s": 2,
    "sensor disconnects": 3,
    "sensor comes back under a new address": 4,
    "adapter switched off and on": 5,
    "bluetoothd killed and started again": 6,
}
"""How many connections there have been after each phase."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path, help="folder with vmlinux, initrd.gz and disk.img")
    parser.add_argument("--keep", type=Path, help="keep here what the guest wrote")
    parser.add_argument("--publish", action="store_true", help="put the results into docs/")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="bluez-") as name:
        folder = Path(name)
        night, started_ns = asyncio.run(_run(options.image, folder))
        if options.keep:
            shutil.copy(folder / "night.jsonl", options.keep)
        lines = [json.loads(line) for line in (folder / "night.jsonl").read_text().splitlines()]
    _fill(night, started_ns, lines)
    verdicts = judge(night)
    wrong = _wrong(lines) + [
        f"{verdict.stream}: {verdict.unexplained} unexplained, {verdict.foreign} never taken"
        for verdict in verdicts
        if verdict.unexplained or verdict.foreign or not verdict.recorded
    ]
    text = _text(lines, verdicts)
    sys.stdout.write("\n".join([text, *wrong, ""]))
    if options.publish and not wrong:
        put_into_page(text, PAGE)
    sys.exit(bool(wrong))


async def _run(image: Path, folder: Path) -> tuple[Night, int]:
    """Let the guest run its program; returns the truth about the sensor, and when it began."""
    clock, air = HostClock(), Air()
    truth = Witness(clock)
    host = SensorHost(EMULATED[DEVICE](index_source(DEVICE), CRYSTAL_PPM), air.plug, truth)
    guest = await asyncio.create_subprocess_exec(
        *_qemu(image, folder), stdin=asyncio.subprocess.DEVNULL
    )
    await _appear(folder / "hci", folder / "control")
    hci = await open_transport(f"unix-client:{folder / 'hci'}")
    controller = air.controller()
    controller.public_address = Address(ADAPTER, Address.PUBLIC_DEVICE_ADDRESS)
    hci.source.set_packet_sink(controller)
    controller.set_packet_sink(hci.sink)
    working = [asyncio.create_task(host.run()), asyncio.create_task(_obey(folder, host))]
    try:
        async with asyncio.timeout(PATIENCE_S):
            await guest.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            guest.kill()
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    night = Night(
        DEVICE,
        truth.now_s(),
        truth,
        arrivals=truth.arrivals,
        losses=truth.losses,
        inside_s=INSIDE_S,
    )
    return night, truth.started_ns


def _qemu(image: Path, folder: Path) -> list[str]:
    """Without hardware virtualisation unless BLUEZ_VM_ACCEL asks for it (as ``kvm -cpu host``)."""
    accelerator = os.environ.get("BLUEZ_VM_ACCEL", "tcg,thread=multi -cpu max").split()
    shares = {"project": (PROJECT, ",readonly=on"), "results": (folder, "")}
    ports = ("hci", "control")
    return [
        *("qemu-system-x86_64", "-accel", *accelerator),
        *("-machine", "q35", "-m", "768", "-smp", "2"),
        *("-nographic", "-no-reboot", "-nic", "none"),
        *("-kernel", f"{image}/vmlinux", "-initrd", f"{image}/initrd.gz"),
        *("-append", f"console=ttyS0 quiet panic=-1 mitigations=off {_CLOCK}"),
        "-drive",
        f"file={image}/disk.img,format=raw,if=virtio,cache=unsafe,snapshot=on",
        *(
            word
            for tag, (path, mode) in shares.items()
            for word in (
                "-virtfs",
                f"local,path={path},mount_tag={tag},security_model=none{mode}",
            )
        ),
        *("-device", "virtio-serial"),
        *(
            word
            for port in ports
            for word in (
                "-chardev",
                f"socket,path={folder}/{port},server=on,wait=off,id={port}",
                "-device",
                f"virtserialport,chardev={port},name={port}",
            )
        ),
    ]


async def _appear(*paths: Path) -> None:
    async with asyncio.timeout(SOCKETS_S):
        while not all(path.exists() for path in paths):  # noqa: ASYNC110 (qemu tells nobody)
            await asyncio.sleep(0.05)


async def _obey(folder: Path, host: SensorHost) -> None:
    """Do what the guest's program asks for, and tell the time."""
    reader, writer = await asyncio.open_unix_connection(folder / "control")
    faults: list[asyncio.Future[None]] = []
    while line := await reader.readline():
        order = json.loads(line)
        if kind := order.pop("fault", None):
            fault = Fault(kind, host.truth.now_s(), None, order, "guest")
            faults.append(asyncio.ensure_future(play_faults(host, FaultScript((fault,)))))
        parameters = host.connection.parameters if host.connection else None
        answer = {
            "now_ns": host.clock.monotonic_ns(),
            "interval_ms": parameters and parameters.connection_interval,
            "supervision_ms": parameters and parameters.supervision_timeout,
            "address": host.address,
        }
        writer.write((json.dumps(answer) + "\n").encode())


def _fill(night: Night, started_ns: int, lines: Sequence[dict[str, object]]) -> None:
    """Assemble what the guest wrote, in the host's time since the sensor was switched on."""
    assembler = Assembler(DEVICES[DEVICE])
    compared = [line for line in lines if "to_host_ns" in line]
    guest_ns = [int(str(line["ns"])) for line in compared]
    to_host_ns = [int(str(line["to_host_ns"])) for line in compared]
    for line in lines:
        now_ns = int(str(line["ns"]))
        at_ns = round(now_ns - started_ns + float(np.interp(now_ns, guest_ns, to_host_ns)))
        if "payload" in line:
            night.heard_s.append(at_ns * 1e-9)
            payload = bytes.fromhex(str(line["payload"]))
            arrived = Notification(str(line["characteristic"]), at_ns, at_ns, payload)
            night.items.extend(assembler.push(arrived))
        elif "state" in line:
            state = LinkState(str(line["state"]))
            cause = LinkCause(str(line["cause"])) if line["cause"] else None
            night.events.append(LinkEvent(state, at_ns, at_ns, cause, str(line["detail"])))
            if state is LinkState.SETTING_UP:
                night.items.extend(assembler.connected(at_ns))
            elif state is LinkState.LOST:
                night.items.extend(assembler.lost(at_ns))
    night.items.extend(assembler.finish())


def _wrong(lines: Iterable[dict[str, object]]) -> list[str]:
    """What did not go as it should: phases, and anything that came twice."""
    reached = {line["phase"]: line["connections"] for line in lines if "phase" in line}
    wrong = [
        f"{phase}: {reached.get(phase, 'never reached')}, expected {connections} connections"
        for phase, connections in EXPECTED.items()
        if reached.get(phase) != connections
    ]
    payloads = [line["payload"] for line in lines if len(str(line.get("payload", ""))) > 40]
    twice = sum(one == other for one, other in itertools.pairwise(payloads))
    return [*wrong, f"{twice} notifications came twice"] if twice else wrong


def _text(lines: Iterable[dict[str, object]], verdicts: Iterable[Verdict]) -> str:
    rows = ["| phase | connections | causes told | back after s |", "| --- | ---: | --- | ---: |"]
    causes: dict[str, None] = {}
    down_ns, back_s, arrived, versions, parameters = 0, "–", 0, "", ""
    for line in lines:
        now_ns = int(str(line["ns"]))
        arrived += "payload" in line
        if line.get("cause"):
            causes[str(line["cause"])] = None
        if line.get("state") == LinkState.LOST:
            down_ns = now_ns
        elif "payload" in line and down_ns:
            back_s, down_ns = f"{(now_ns - down_ns) * 1e-9:.1f}", 0
        elif isinstance(found := line.get("versions"), dict):
            versions = ", ".join(f"{name} {number}" for name, number in found.items())
        elif "phase" in line:
            told = ", ".join(causes) or "–"
            rows.append(f"| {line['phase']} | {line['connections']} | {told} | {back_s} |")
            parameters = f"{line['interval_ms']} ms, time-out {line['supervision_ms']} ms"
            causes, back_s = {}, "–"
    figures = [
        f"{v.stream}: {v.recorded:,} samples recorded of {v.taken:,} taken, {v.unexplained} "
        f"missing without a cause, {v.foreign} that were never taken, 99.5 % within "
        f"{v.displaced_ms:.0f} ms of their place."
        for v in verdicts
    ]
    made_by = f"{datetime.now().astimezone():%Y-%m-%d}; {versions}. {arrived:,} notifications."
    offsets_ns = [int(str(line["to_host_ns"])) for line in lines if "to_host_ns" in line]
    drift_s = (max(offsets_ns) - min(offsets_ns)) * 1e-9
    link = f"Connection interval {parameters}. The guest's clock drifted by {drift_s:.2f} s."
    return "\n".join([*rows, "", *figures, "", link, "", made_by, ""])


if __name__ == "__main__":
    main()
