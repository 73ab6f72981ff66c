"""The evening: which sensors, where they go, how they hold, and the night begins."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse
from starlette.routing import Route

from firmware_bridge.link import LinkState, explain
from nightcramp.app.bedside import default_choice
from nightcramp.app.other_leg import other_page
from nightcramp.app.pages import render
from nightcramp.app.recorder_process import State
from nightcramp.app.requests import bedside_of, choice_in, fields_of, go, is_stale, notice_of
from nightcramp.errors import BusyError, NightcrampError
from nightcramp.recorder.battery import NIGHT_H

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from nightcramp.app.bedside import Bedside
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
        Route("/evening/again", again, methods=["POST"]),
        Route("/evening/other", other),
        Route("/evening/other/look", look_for_other, methods=["POST"]),
        Route("/evening/other/choose", choose_other, methods=["POST"]),
        Route("/evening/other/leave", leave_out, methods=["POST"]),
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
    choice = choice_in(fields, fields.get("leg", ""), fields.get("participant", "").strip())
    return await _taken(request, bedside_of(request).choose(choice), _page)


async def again(request: Request) -> Response:
    """Take the sensors of last time."""
    bedside = bedside_of(request)
    if not bedside.known:
        return go("/evening")
    return await _taken(request, bedside.choose(*bedside.known), _page)


async def other(request: Request) -> Response:
    """Ask which sensor the other leg gets."""
    bedside = bedside_of(request)
    if bedside.state in _BUSY:
        return go("/night", "already")
    return _other_page(request)


async def look_for_other(request: Request) -> Response:
    """Listen for a sensor for the other leg."""
    bedside = bedside_of(request)
    if not bedside.free_leg:
        return go("/evening")
    try:
        await bedside.look(keep=True)
    except NightcrampError as error:
        return _other_page(request, problem=str(error), status=503)
    return go("/evening/other")


async def choose_other(request: Request) -> Response:
    """Take a sensor for the other leg."""
    bedside = bedside_of(request)
    if not bedside.free_leg:
        return go("/evening")
    participant = bedside.worn[0].participant
    choice = choice_in(await fields_of(request), bedside.free_leg, participant)
    return await _taken(request, bedside.add(choice), _other_page)


async def leave_out(request: Request) -> Response:
    """Let the sensor of one of two legs go."""
    fields = await fields_of(request)
    await bedside_of(request).leave_out(fields.get("leg", ""))
    return go("/evening")


async def forget(request: Request) -> Response:
    """Let all sensors go."""
    await bedside_of(request).forget()
    return go("/evening")


async def begin_setup(request: Request) -> Response:
    """Begin the set-up contractions of a leg."""
    fields = await fields_of(request)
    leg = fields.get("leg", "")
    preview = bedside_of(request).previews.get(leg)
    if preview is not None:
        preview.begin_setup()
    return _live_part(request, leg) if "hx-request" in request.headers else go("/evening")


async def live(request: Request) -> Response:
    """Return the part of the page that changes by itself."""
    return _live_part(request, request.query_params.get("leg", ""))


async def trace(request: Request) -> Response:
    """Send the trace of a leg, twenty times a second, as server-sent events."""
    preview = bedside_of(request).previews.get(request.query_params.get("leg", ""))
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
        "known": bedside.known,
        "sensors_worn": bedside.sensors_worn,
    }
    if bedside.held:
        values |= {"sensors": _sensors(bedside), "free_leg": bedside.free_leg}
        return render(request, "evening_sensor.html.j2", values, status=status)
    heard = bedside.heard
    return render(request, "evening_choose.html.j2", values, status=status, heard=heard)


def _other_page(request: Request, *, problem: str = "", status: int = 200) -> Response:
    bedside = bedside_of(request)
    if not bedside.free_leg:
        return _page(request, problem=problem, status=status)
    return other_page(request, "/evening", problem=problem, status=status)


async def _taken(
    request: Request, taking: Awaitable[None], page: Callable[..., Response]
) -> Response:
    """Go on when sensors have been taken; say on the page why they were not."""
    try:
        await taking
    except BusyError:
        return go("/night", "already")
    except NightcrampError as error:
        return page(request, problem=str(error), status=422)
    return go("/evening")


def _sensors(bedside: Bedside) -> list[dict[str, object]]:
    """Return what the page says of the sensors that are looked at, the newest first."""
    for preview in bedside.previews.values():
        preview.watch()
    return [
        {"name": choice.name, "live": _live_values(bedside, choice.leg)}
        for choice in reversed(bedside.held)
    ]


def _live_part(request: Request, leg: str) -> Response:
    bedside = bedside_of(request)
    if leg not in bedside.previews:
        return render(request, "evening_gone.html.j2")
    bedside.previews[leg].watch()
    return render(request, "evening_live.html.j2", live=_live_values(bedside, leg))


def _live_values(bedside: Bedside, leg: str) -> dict[str, object]:
    """Return what the page says of a sensor that is looked at."""
    preview = bedside.previews[leg]
    figures, setup = preview.figures, preview.setup
    flows = preview.state is LinkState.STREAMING and preview.has_data
    battery = figures.battery
    return {
        "leg": leg,
        "link": GOOD if flows else FIX if preview.trouble or preview.cause else WAIT,
        "says": preview.trouble or (explain(preview.cause) if preview.cause and not flows else ""),
        "is_held": preview.is_running,
        "contact": figures.contact if flows else "unknown",
        "contact_look": _CONTACT.get(figures.contact, FIX) if flows else WAIT,
        "battery": battery,
        "battery_look": {True: GOOD, False: FIX, None: WAIT}[battery.enough],
        "night_hours": round(NIGHT_H),
        "setup": setup,
        "other_is_tested": any(p.is_tested for p in bedside.previews.values() if p is not preview),
    }


async def _bands(preview: Preview) -> AsyncIterator[str]:
    upto = 0
    while preview.is_running:
        band = preview.trace.since(upto)
        if band.upto != upto:
            upto = band.upto
            yield f"data: {json.dumps(asdict(band), separators=(',', ':'))}\n\n"
        await asyncio.sleep(TRACE_EVERY_S)
