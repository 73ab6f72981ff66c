"""Review of nights in the browser: list, correction, blinded scoring, adjudication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount, Router

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from nightcramp.app.settings import AppSettings

__all__ = ["routes"]


def routes(settings: AppSettings) -> list[Mount]:
    """Return the routes of the review, below its address.

    Parameters
    ----------
    settings : AppSettings
    """
    return [Mount("/", app=_Review(settings))]


class _Review:
    """Imported when it is first asked for: it needs much that a night at the bedside does not."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._router: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._router is None:
            self._router = await run_in_threadpool(_router, self._settings)
        await self._router(scope, receive, send)


def _router(settings: AppSettings) -> Router:
    from nightcramp.app.review.desk import Desk
    from nightcramp.app.review.list_page import ListPages
    from nightcramp.app.review.night_page import NightPages

    pages = NightPages(settings, Desk(settings))
    return Router([*ListPages(settings).routes(), *pages.routes()])
