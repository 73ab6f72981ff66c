"""A sensor for the other leg: in the evening, and while the night runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from nightcramp.app.pages import render
from nightcramp.app.requests import bedside_of, choice_in, fields_of, go, is_stale
from nightcramp.errors import BusyError, NightcrampError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def other_leg_routes() -> list[Route]:
    """Return the routes of the other leg at night."""
    return [
        Route("/night/other", show),
        Route("/night/other/look", look, methods=["POST"]),
        Route("/night/other/choose", choose, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """Ask which sensor the other leg gets."""
    return _page(request)


async def look(request: Request) -> Response:
    """Listen for a sensor; the recorder goes on meanwhile."""
    bedside = bedside_of(request)
    if not bedside.recorded or not bedside.free_leg:
        return go("/night")
    try:
        await bedside.look(keep=True)
    except NightcrampError as error:
        return _page(request, problem=str(error), status=503)
    return go("/night/other")


async def choose(request: Request) -> Response:
    """Have the sensor recorded too."""
    bedside, fields = bedside_of(request), await fields_of(request)
    recorded = bedside.recorded
    if is_stale(request, fields):
        return go("/night", "stale")
    if not recorded or not bedside.free_leg:
        return go("/night")
    choice = choice_in(fields, bedside.free_leg, recorded[0].participant)
    try:
        is_added = await bedside.join(choice)
    except BusyError:
        return go("/night")
    except NightcrampError as error:
        return _page(request, problem=str(error), status=422)
    return go("/night", "added" if is_added else "not_added_yet")


def _page(request: Request, *, problem: str = "", status: int = 200) -> Response:
    bedside = bedside_of(request)
    if not bedside.recorded or not bedside.free_leg:
        return go("/night")
    return other_page(request, "/night", problem=problem, status=status)


def other_page(request: Request, way: str, *, problem: str, status: int) -> Response:
    """Return the page that asks which sensor the other leg gets.

    Parameters
    ----------
    request : Request
    way : str
        ``/evening`` or ``/night``.
    problem : str
    status : int
    """
    bedside = bedside_of(request)
    return render(
        request,
        "other_leg.html.j2",
        status=status,
        way=way,
        problem=problem,
        stamp=bedside.stamp,
        leg=bedside.free_leg,
        worn_leg=bedside.worn[0].leg,
        heard=bedside.heard_others,
    )
