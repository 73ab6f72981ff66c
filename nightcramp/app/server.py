"""The application: its routes, behind the guard."""

from __future__ import annotations

import contextlib
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from nightcramp.app.bedside import Bedside
from nightcramp.app.evening import evening_routes
from nightcramp.app.morning import morning_routes
from nightcramp.app.night import night_routes
from nightcramp.app.other_leg import other_leg_routes
from nightcramp.app.pages import render
from nightcramp.app.recorder_process import State
from nightcramp.app.requests import bedside_of, go
from nightcramp.app.security import Guard, csrf_of
from nightcramp.app.texts import text
from nightcramp.errors import NightcrampError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from nightcramp.app.settings import AppSettings


def create_app(settings: AppSettings) -> Starlette:
    """Return the application.

    Parameters
    ----------
    settings : AppSettings
    """
    from nightcramp.app import review

    static = StaticFiles(directory=str(files("nightcramp.app").joinpath("static")))
    app = Starlette(
        routes=[
            Route("/", front),
            *evening_routes(),
            *night_routes(),
            *other_leg_routes(),
            *morning_routes(),
            Mount("/review", routes=review.routes(settings), name="review"),
            Mount("/static", static, name="static"),
        ],
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={404: _not_found, 500: _failed, NightcrampError: _told},
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.bedside = Bedside(settings)
    app.state.csrf = csrf_of(settings.token)
    return app


async def front(request: Request) -> Response:
    """Go where the time of day leads: to the night that runs, its morning, or the evening."""
    bedside = bedside_of(request)
    match bedside.state:
        case State.STARTING | State.RECORDING | State.REFUSED:
            return go("/night")
        case State.GONE if bedside.is_tonight():
            return go("/night")
        case State.FINISHING:
            return go("/morning")
        case State.ENDED if bedside.is_tonight():
            return go("/morning")
        case _:
            return go("/evening")


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    bedside: Bedside = app.state.bedside
    bedside.tidy()
    yield
    await bedside.close()


async def _told(request: Request, error: Exception) -> Response:
    return render(request, "problem.html.j2", status=503, problem=str(error))


async def _failed(request: Request, _error: Exception) -> Response:
    return render(request, "problem.html.j2", status=500, problem=text("page.error"))


async def _not_found(request: Request, _error: Exception) -> Response:
    return render(request, "refused.html.j2", status=404, why="missing")
