"""The evening: which sensor, where it goes, how it holds, and the night begins."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse
from starlette.routing import Route

from firmware_bridge.link import LinkState, explain
from nightcramp.app.bedside import default_choice
from nightcramp.app.pages import render
from nightcramp.app.recorder_process import State
from nightcramp.app.requests import bedside_of, fields_of, go, is_stale, notice_of
from nightcramp.app.tonight import Choice
from nightcramp.errors import BusyError, NightcrampError
from nightcramp.recorder.battery import NIGHT_H

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from nightcramp.app.preview import Preview

TRACE_EVERY_S = 0.05

GOOD, WAIT, FIX = "good", "wait", "fix"

_CONTACT = {"good": GOOD, "unknown": WAIT, "warm_up": WAIT, "unsettled": WAIT}
_BUSY = (State.STARTING, State.RECORDING)


def evening_routes() -> list[Route]:
    """Return the routes of the evening."""
    return [
        Route("/evening", show),
        Route("/evening/look", look, methods=["POST"]),
        Route("/evening/choose", choose, methods=["POST"]),
        Route("/evening/forget", forget, methods=["POST"]),
        Route("/evening/setup", begin_setup, methods=["POST"]),
        Route("/evening/live", live),
        Route("/evening/trace", trace),
        Route("/evening/begin", begin, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """Show the evening; while a night is recorded, the night."""
    bedside = bedside_of(request)
    bedside.tidy()
    if bedside.state in _BUSY:
        return go("/night", "already")
    return _page(request)


async def look(request: Request) -> Response:
    """Listen for sensors."""
    bedside = bedside_of(request)
    if bedside.state in _BUSY:
        return go("/night", "already")
    try:
        await bedside.look()
    except NightcrampError as error:
        return _page(request, problem=str(error), status=503)
    return go("/evening")


async def choose(request: Request) -> Response:
    """Take a sensor."""
    fields = await fields_of(request)
    device, _, rest = fields.get("sensor", "").partition("@")
    address, _, name = rest.partition(" ")
    choice = Choice(
        device, address, name, fields.get("leg", ""), fields.get("participant", "").strip()
    )
    try:
        await bedside_of(request).choose(choice)
    except BusyError:
        return go("/night", "already")
    except NightcrampError as error:
        return _page(request, problem=str(error), status=422)
    return go("/evening")


async def forget(request: Request) -> Response:
    """Let the sensor go."""
    await bedside_of(request).forget()
    return go("/evening")


async def begin_setup(request: Request) -> Response:
    """Begin the set-up contractions."""
    preview = bedside_of(request).preview
    if preview is not None:
        preview.begin_setup()
    return await live(request) if "hx-request" in request.headers else go("/evening")


async def live(request: Request) -> Response:
    """Return the part of the page that changes by itself."""
    preview = bedside_of(request).preview
    if preview is None:
        return render(request, "evening_gone.html.j2")
    preview.watch()
    return render(request, "evening_live.html.j2", _live_values(preview))


async def trace(request: Request) -> Response:
    """Send the trace, twenty times a second, as server-sent events."""
    preview = bedside_of(request).preview
    if preview is None:
        return render(request, "refused.html.j2", status=404, why="missing")
    return StreamingResponse(_bands(preview), media_type="text/event-stream")


async def begin(request: Request) -> Response:
    """Begin the night."""
    bedside = bedside_of(request)
    fields = await fields_of(request)
    if bedside.state not in _BUSY and is_stale(request, fields):
        return go("/evening", "stale")
    try:
        await bedside.begin()
    except BusyError:
        return go("/night", "already")
    except NightcrampError as error:
        return _page(request, problem=str(error), status=503)
    return go("/night")


def _page(request: Request, *, problem: str = "", status: int = 200) -> Response:
    bedside = bedside_of(request)
    tonight = bedside.tonight
    participant, leg = default_choice(tonight)
    values: dict[str, object] = {
        "problem": problem,
        "notice": notice_of(request),
        "stamp": bedside.stamp,
        "participant": participant,
        "leg": leg,
        "known": tonight.choice if tonight else None,
    }
    if bedside.preview is not None:
        bedside.preview.watch()
        values |= _live_values(bedside.preview)
        return render(request, "evening_sensor.html.j2", values, status=status)
    heard = bedside.heard
    return render(request, "evening_choose.html.j2", values, status=status, heard=heard)


def _live_values(preview: Preview) -> dict[str, object]:
    """Return what the page says of a sensor that is looked at."""
    figures, setup = preview.figures, preview.setup
    flows = preview.state is LinkState.STREAMING and preview.has_data
    battery = figures.battery
    return {
        "link": GOOD if flows else FIX if preview.trouble or preview.cause else WAIT,
        "says": preview.trouble or (explain(preview.cause) if preview.cause and not flows else ""),
        "is_held": preview.is_running,
        "contact": figures.contact if flows else "unknown",
        "contact_look": _CONTACT.get(figures.contact, FIX) if flows else WAIT,
        "battery": battery,
        "battery_look": {True: GOOD, False: FIX, None: WAIT}[battery.enough],
        "night_hours": round(NIGHT_H),
        "setup": setup,
    }


async def _bands(preview: Preview) -> AsyncIterator[str]:
    upto = 0
    while preview.is_running:
        band = preview.trace.since(upto)
        if band.upto != upto:
            upto = band.upto
            yield f"data: {json.dumps(asdict(band), separators=(',', ':'))}\n\n"
        await asyncio.sleep(TRACE_EVERY_S)
