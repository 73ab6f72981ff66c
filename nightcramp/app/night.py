"""The night: one large target, and a plain word where something is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.routing import Route

from nightcramp.app.night_story import as_length
from nightcramp.app.pages import render
from nightcramp.app.recorder_process import NIGHT_BYTES, State
from nightcramp.app.requests import bedside_of, fields_of, go, is_stale, notice_of, settings_of
from nightcramp.app.status import read_status
from nightcramp.app.texts import text
from nightcramp.errors import BusyError, NightcrampError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from nightcramp.app.bedside import Bedside
    from nightcramp.app.status import NightStatus, SensorStatus

_OVER = (State.FINISHING, State.ENDED)

GOOD, FIX = "good", "fix"

_TO_MEND = ("flat", "lift_off", "saturated", "hum")
"""What the signal suffers from until somebody mends it; the rest, as movement, passes by itself."""


def night_routes() -> list[Route]:
    """Return the routes of the night."""
    return [
        Route("/night", show),
        Route("/night/state", state),
        Route("/night/mark", mark, methods=["POST"]),
        Route("/night/end", ask_end, methods=["GET"]),
        Route("/night/end", end, methods=["POST"]),
        Route("/night/go-on", go_on, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """Show how it stands with the night."""
    current = bedside_of(request).state
    if current is State.NONE:
        return go("/evening")
    if current in _OVER:
        return go("/morning")
    return render(request, "night.html.j2", _values(request, current), notice=notice_of(request))


async def state(request: Request) -> Response:
    """Return the part of the page that changes by itself."""
    current = bedside_of(request).state
    return render(request, "night_state.html.j2", _values(request, current))


async def mark(request: Request) -> Response:
    """Mark a cramp."""
    told = bedside_of(request).recorder.mark()
    if "hx-request" not in request.headers:
        return go("/night", "marked" if told else "not_marked")
    key = "notice.marked_at" if told else "notice.not_marked"
    said = text(key, at=_clock_time(datetime.now().astimezone()))
    return render(request, "night_marked.html.j2", said=said, is_marked=told)


async def ask_end(request: Request) -> Response:
    """Ask whether the night is to end: a target that is hit in the dark must not end it."""
    bedside = bedside_of(request)
    if bedside.state in (State.NONE, *_OVER):
        return go("/morning")
    return render(request, "night_end.html.j2", stamp=bedside.stamp)


async def end(request: Request) -> Response:
    """End the night."""
    if is_stale(request, await fields_of(request)):
        return go("/night", "stale")
    bedside_of(request).end()
    return go("/morning")


async def go_on(request: Request) -> Response:
    """Go on with a night whose recorder is gone."""
    if is_stale(request, await fields_of(request)):
        return go("/night", "stale")
    try:
        await bedside_of(request).go_on()
    except BusyError:
        return go("/night", "already")
    except NightcrampError as error:
        values = _values(request, State.REFUSED) | {"last_words": str(error)}
        return render(request, "night.html.j2", values, status=503, notice="")
    return go("/night")


def _values(request: Request, current: State) -> dict[str, object]:
    bedside, status = bedside_of(request), read_status(settings_of(request).home)
    lines = _lines(status, bedside) if status and current is State.RECORDING else []
    return {
        "state": str(current),
        "stamp": bedside.stamp,
        "lines": lines,
        "is_troubled": any(look == FIX for look, _ in lines),
        "marks": status.marks if status else 0,
        "stopped_at": _at(status.written_ns) if status else "",
        "can_go_on": bedside.is_tonight(),
        "free_leg": bedside.free_leg if current is State.RECORDING else "",
        "last_words": bedside.recorder.last_words() if current is State.REFUSED else "",
        "now": _clock_time(datetime.now().astimezone()),
    }


def _lines(status: NightStatus, bedside: Bedside) -> list[tuple[str, str]]:
    """Return how each leg stands, and what else a person has to know, in whole sentences."""
    by_leg: dict[str | None, list[SensorStatus]] = {}
    for sensor in status.sensors:
        by_leg.setdefault(sensor.leg, []).append(sensor)
    lines = {leg: _leg_line(by_leg[leg]) for leg in sorted(by_leg, key=lambda leg: leg or "")}
    named = [
        (look, _of_leg(leg, said) if leg and len(lines) > 1 else said)
        for leg, (look, said) in lines.items()
    ]
    return named + [(FIX, trouble) for trouble in _troubles(status, bedside)]


def _leg_line(sensors: list[SensorStatus]) -> tuple[str, str]:
    """Return how the sensor of a leg stands, with that which gives it its acceleration."""
    away = [sensor for sensor in sensors if sensor.state != "streaming"]
    if away:
        return FIX, next(filter(None, (sensor.says for sensor in away)), text("night.connecting"))
    to_mend = [sensor.contact for sensor in sensors if sensor.contact in _TO_MEND]
    if to_mend:
        return FIX, text(f"live.contact.{to_mend[0]}")
    recorded_s = max(sensor.recorded_s for sensor in sensors)
    if not recorded_s:  # not measured yet; after a restart, what came before is still being read
        return GOOD, text("night.begun")
    return GOOD, text("night.recording", length=as_length(recorded_s))


def _of_leg(leg: str, said: str) -> str:
    return text("night.of_leg", leg=text(f"side.{leg}"), said=said)


def _troubles(status: NightStatus, bedside: Bedside) -> list[str]:
    """Return what is wrong beside the sensors."""
    troubles = [sensor.alarm for sensor in status.sensors if sensor.alarm]
    free = bedside.free_bytes  # as it is now: on a full disk the recorder cannot write its own
    if free < NIGHT_BYTES // 5:
        troubles.append(text("night.disk", megabytes=round(free / 1e6)))
    if bedside.clock_was_set or _offset(status.wall_ns) != _offset(status.started_ns):
        troubles.append(text("night.clock"))
    return troubles


def _offset(wall_ns: int) -> timedelta | None:
    return datetime.fromtimestamp(wall_ns / 1e9, UTC).astimezone().utcoffset()


def _at(wall_ns: int) -> str:
    return _clock_time(datetime.fromtimestamp(wall_ns / 1e9, UTC).astimezone())


def _clock_time(local: datetime) -> str:
    return f"{local.hour}:{local.minute:02}"
