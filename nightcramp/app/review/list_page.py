"""The list of nights: their quality, and how far their review is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import RedirectResponse
from starlette.routing import Route

from nightcramp.app.pages import render
from nightcramp.app.review.reviewer import remember, reviewer_of
from nightcramp.app.study_diary import counts_are_closed
from nightcramp.errors import InputError
from nightcramp.review.nights import find_nights
from nightcramp.review.scoring import scoring_state

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from nightcramp.app.settings import AppSettings
    from nightcramp.review.nights import ReviewNight
    from nightcramp.review.scoring import ScoringState

MOST_SHOWN = 200
LEAST_TOLD_H = 0.005


@dataclass(frozen=True, slots=True)
class Line:
    """A night in the list.

    Attributes
    ----------
    name : str
    start : str
        Local; empty if the recording hides it.
    recorded_h, analysable_h : float
    reasons : tuple of (str, float)
        What took time, and hours, the most first.
    cramps, possible : int or None
        None where they must not be told.
    corrections : int
    is_corrected : bool
        Whether the correction of the detector's episodes is finished.
    scoring : ScoringState
    problem : str
        Why nothing else is known; empty if all is.
    """

    name: str
    start: str = ""
    recorded_h: float = 0.0
    analysable_h: float = 0.0
    reasons: tuple[tuple[str, float], ...] = ()
    cramps: int | None = None
    possible: int | None = None
    corrections: int = 0
    is_corrected: bool = False
    scoring: ScoringState | None = None
    problem: str = ""


class ListPages:
    """The routes of the list.

    Parameters
    ----------
    settings : AppSettings
    """

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings

    def routes(self) -> list[Route]:
        """Return the routes, below the address of the review."""
        return [Route("/", self.page), Route("/name", self.name, methods=["POST"])]

    def page(self, request: Request) -> Response:
        """Show the nights whose name holds what was sought."""
        sought = request.query_params.get("q", "").strip()
        results, study = self._settings.results_folder, self._settings.study
        found = [n for n in find_nights(results, study) if sought.casefold() in n.name.casefold()]
        closed = counts_are_closed(study)
        return render(
            request,
            "review/list.html.j2",
            lines=[_line(night, closed=closed) for night in found[:MOST_SHOWN]],
            found=len(found),
            sought=sought,
            who=reviewer_of(request),
            results=str(results),
            closed=closed,
        )

    async def name(self, request: Request) -> Response:
        """Keep the name of who reviews."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        response = RedirectResponse("/review/", 303)
        remember(response, form.get("who", [""])[0])
        return response


def _line(night: ReviewNight, *, closed: bool) -> Line:
    try:
        summary = night.summary()
        log = night.corrections()
        scoring = scoring_state(night)
    except InputError as error:
        return Line(night.name, problem=str(error))
    hidden = closed or (bool(scoring.scorers) and not scoring.is_adjudicated)
    reasons = summary["not_analysable_hours"]
    ranked = sorted(reasons.items(), key=lambda one: -one[1]) if isinstance(reasons, dict) else []
    return Line(
        name=night.name,
        start=str(summary["start"] or "").replace("T", " ")[:16],
        recorded_h=float(str(summary["recorded_hours"])),
        analysable_h=float(str(summary["analysable_hours"])),
        reasons=tuple(
            (str(name).replace("_", " "), float(hours))
            for name, hours in ranked[:2]
            if hours >= LEAST_TOLD_H
        ),
        cramps=None if hidden else int(str(summary["cramps"])),
        possible=None if hidden else int(str(summary["possible_cramps"])),
        corrections=len(log.corrections()),
        is_corrected=log.is_done,
        scoring=scoring,
    )
