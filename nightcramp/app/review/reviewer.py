"""Who reviews: a name that the browser keeps, for the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from nightcramp.actor import actor

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "reviewer"
LONGEST = 80


def reviewer_of(request: Request) -> str:
    """Return the name that was given in this browser, else the login name."""
    given = unquote(request.cookies.get(COOKIE, "")).strip()
    return given[:LONGEST] or actor(None)


def remember(response: Response, name: str) -> None:
    """Keep a name in the browser for half a year."""
    value = quote(" ".join(name.split())[:LONGEST])
    response.set_cookie(
        COOKIE, value, max_age=180 * 86400, httponly=True, samesite="strict", path="/review"
    )
