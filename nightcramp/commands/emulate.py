"""``nightcramp emulate``: a sensor without hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

LISTEN = "127.0.0.1:9740"

EXAMPLES = """
  nightcramp emulate myo
  nightcramp emulate npg-lite-band --night night.edf --faults faults.toml --log truth.jsonl
  nightcramp emulate air --listen 127.0.0.1:9740
  nightcramp emulate umyo --join 127.0.0.1:9740 --speed 10
"""


@with_examples(EXAMPLES)
def emulate(
    device: Annotated[str, typer.Argument(help="Sensor to emulate, or 'air' for only the air.")],
    night: Annotated[Path | None, typer.Option(help="EDF or BDF file the sensor measures.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of a simulated night, without --night.")
    ] = 3_000_000,
    hours: Annotated[
        float, typer.Option(min=0.01, max=14, help="Length of the simulated night.")
    ] = 1.0,
    pattern: Annotated[
        bool, typer.Option("--pattern", help="Send numbers that tell channel and sample instead.")
    ] = False,
    faults: Annotated[Path | None, typer.Option(help="Fault script (TOML).")] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help=f"Serve the air here. [{LISTEN}]")
    ] = None,
    join: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Use the air of another program.")
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option(min=7.5, max=4000, help="Connection interval in ms; 45 by default."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=100, help="Seconds of the night per second.")
    ] = 1.0,
    log: Annotated[
        Path | None, typer.Option(help="Write what really happened here (JSON lines).")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Advertised name.")] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Bluetooth address; follows from device and name if not given."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so many seconds of the night.")
    ] = None,
) -> None:
    """Emulate a sensor over a real Bluetooth host stack, without hardware.

    Needs the extra 'emulator'. Prints the address that scan, stream and record take as --radio.
    The night begins again when it is over. Ctrl-C ends it.
    """
    import asyncio

    from firmware_bridge.emulator import (
        FaultScript,
        check_address,
        index_source,
        parse_endpoint,
        read_faults,
    )
    from nightcramp.emulation import (
        AIR,
        Emulation,
        Place,
        check_device,
        make_sensor,
        recorded_source,
        run_emulation,
        simulated_source,
    )
    from nightcramp.errors import UsageError

    if join and (listen or interval):
        raise UsageError("--join excludes --listen and --interval: the air is there, not here")
    place = Place(*parse_endpoint(join or listen or LISTEN), join=bool(join), interval_ms=interval)
    emulation = None
    if device != AIR:
        check_device(device)
        if pattern:
            sensor = make_sensor(device, index_source(device))
        elif night:
            sensor = make_sensor(device, recorded_source(device, night))
        else:
            sensor = make_sensor(device, simulated_source(device, seed, hours))
        script = read_faults(faults, sensor.faults) if faults else FaultScript()
        emulation = Emulation(sensor, name, address and check_address(address), script, faults, log)
    speed_option = "" if speed == 1 else f" --speed {speed:g}"

    def announce(address: str) -> None:
        typer.echo(f"{device}: use --radio {address}{speed_option}")

    asyncio.run(run_emulation(emulation, place, speed=speed, seconds=seconds, announce=announce))
