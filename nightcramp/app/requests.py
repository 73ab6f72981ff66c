"""What the routes of the participant's page share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from nightcramp.app.texts import catalogue, text
from nightcramp.app.tonight import Choice

if TYPE_CHECKING:
    from starlette.requests import Request

    from nightcramp.app.bedside import Bedside
    from nightcramp.app.settings import AppSettings


def bedside_of(request: Request) -> Bedside:
    """Return the bedside that the page serves."""
    return cast("Bedside", request.app.state.bedside)


def settings_of(request: Request) -> AppSettings:
    """Return what the page was started with."""
    return cast("AppSettings", request.app.state.settings)


def go(path: str, say: str = "") -> RedirectResponse:
    """Go to a page, and say something there: the key of a text of the table ``notice``."""
    return RedirectResponse(path + (f"?{urlencode({'say': say})}" if say else ""), 303)


def notice_of(request: Request) -> str:
    """Return what is to be said at the top of a page; empty if nothing."""
    key = f"notice.{request.query_params.get('say', '')}"
    return text(key) if key in catalogue() else ""


async def fields_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; of those given twice the last."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def choice_in(fields: dict[str, str], leg: str, participant: str) -> Choice:
    """Return the sensor that a form names, as worn on a leg."""
    device, _, rest = fields.get("sensor", "").partition("@")
    address, _, name = rest.partition(" ")
    return Choice(device, address, name, leg, participant)


def is_stale(request: Request, fields: dict[str, str]) -> bool:
    """Whether a form comes from a window that does not know of the last night's beginning."""
    return fields.get("stamp") != bedside_of(request).stamp
