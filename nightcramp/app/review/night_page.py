"""One night: its page, what the page draws, and what somebody does to it."""

from __future__ import annotations

import functools
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nightcramp.app.pages import render
from nightcramp.app.review.modes import Mode, logbook_of
from nightcramp.app.review.payload import drawn, facts, state
from nightcramp.app.review.reviewer import reviewer_of
from nightcramp.app.study_diary import counts_are_closed
from nightcramp.app.texts import catalogue
from nightcramp.errors import BusyError, InputError, NightcrampError, UsageError
from nightcramp.review.corrections import Change
from nightcramp.review.reported import diary_of
from nightcramp.review.scoring import compare_scorers
from nightcramp.review.spectrogram import column_s, picture
from nightcramp.review.view import view
from trial.audit import AuditAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from nightcramp.app.review.desk import Desk
    from nightcramp.app.settings import AppSettings
    from nightcramp.review.logbook import Logbook
    from nightcramp.review.nights import ReviewNight
    from nightcramp.review.reported import Reported

_SCRIPT = "review.script."

ASKED = {
    action.value: action
    for action in (
        AuditAction.CONFIRMED,
        AuditAction.REJECTED,
        AuditAction.MOVED,
        AuditAction.ADDED,
        AuditAction.COMMENTED,
        AuditAction.UNDONE,
    )
}
"""What a page may ask for, besides the end of the work."""


class NightPages:
    """The routes of a night.

    Parameters
    ----------
    settings : AppSettings
    desk : Desk
    """

    def __init__(self, settings: AppSettings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk

    def routes(self) -> list[Route]:
        """Return the routes, below the address of the review."""
        place = "/nights/{name}/{mode}"
        return [
            Route(place, self.page),
            Route(f"{place}/facts.json", _told(self.facts)),
            Route(f"{place}/state.json", _told(self.state)),
            Route(f"{place}/view.json", _told(self.view)),
            Route(f"{place}/spectrogram.png", _told(self.spectrogram)),
            Route(f"{place}/change", self.change, methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        """Show a night, or why this person must not see it."""
        who = reviewer_of(request)
        try:
            night, mode, _ = self._asked(request)
            agreement = compare_scorers(night) if mode is Mode.ADJUDICATE else None
            reported = None if mode.is_blind else self._reported(night)
        except NightcrampError as error:
            return render(
                request, "review/refused.html.j2", status=HTTPStatus.CONFLICT, why=str(error)
            )
        return render(
            request,
            "review/night.html.j2",
            name=night.name,
            mode=mode.value,
            who=who,
            agreement=agreement,
            reported=reported,
            superseded=night.is_superseded,
            words=_words(),
        )

    def facts(self, request: Request) -> Response:
        """Answer with what does not change; the first time takes some seconds."""
        night, mode, _ = self._asked(request)
        return JSONResponse(facts(self._desk.open(night), mode))

    def state(self, request: Request) -> Response:
        """Answer with the episodes as they stand."""
        return JSONResponse(state(self._asked(request)[2]))

    def view(self, request: Request) -> Response:
        """Answer with the signals of a stretch of the night."""
        night, mode, _ = self._asked(request)
        opened = self._desk.open(night)
        first_s, last_s = _number(request, "from"), _number(request, "to")
        width = int(_number(request, "width"))
        shown = view(opened.overview, opened.recording, first_s, last_s, width)
        return _compact(drawn(shown, mode))

    def spectrogram(self, request: Request) -> Response:
        """Answer with a picture of one channel's spectrogram over a stretch of the night."""
        night, _, _ = self._asked(request)
        opened = self._desk.open(night)
        channel = int(_number(request, "channel"))
        if not 0 <= channel < len(opened.limits):
            raise UsageError(f"no channel {channel}: there are {len(opened.limits)}")
        length_s = column_s(opened.recording.info.emg.rate_hz)
        first = max(0, int(_number(request, "from") / length_s))
        last = max(first + 1, -int(-_number(request, "to") // length_s))
        part = opened.overview.spectrogram[channel][:, first:last]
        width = int(_number(request, "width"))
        if not (part.shape[1] and 1 <= width <= 4000):
            raise UsageError("no spectrogram there: expected a stretch within the night")
        return Response(picture(part, opened.limits[channel], width), media_type="image/png")

    async def change(self, request: Request) -> Response:
        """Do what somebody asks for, and answer with what stands then."""
        body = await request.body()
        return await run_in_threadpool(_told(self._change), request, body)

    def _change(self, request: Request, body: bytes) -> Response:
        who = reviewer_of(request)
        _, mode, logbook = self._asked(request)
        asked, seen = _parse(body, mode)
        if asked.action is AuditAction.UNDONE:
            logbook.undo(who=who, seen=seen)
        else:
            logbook.make(asked, who=who, seen=seen)
        return JSONResponse(state(logbook))

    def _asked(self, request: Request) -> tuple[ReviewNight, Mode, Logbook]:
        """Return what a request is about; raises UsageError where the person must not see it."""
        night = self._desk.night(request.path_params["name"])
        try:
            mode = Mode(request.path_params["mode"])
        except ValueError as error:
            raise UsageError(f"no way to work on a night: {error}") from error
        return night, mode, logbook_of(night, mode, reviewer_of(request))

    def _reported(self, night: ReviewNight) -> Reported | None:
        study = self._settings.study
        if study is None or counts_are_closed(study):
            return None
        try:
            return diary_of(night, study)
        except InputError:
            return None


def _told(answer: Callable[..., Response]) -> Callable[..., Response]:
    """Tell in words, as JSON, why something was not done."""

    @functools.wraps(answer)
    def respond(*arguments: object) -> Response:
        try:
            return answer(*arguments)
        except BusyError as error:
            return JSONResponse({"problem": str(error), "stale": True}, HTTPStatus.CONFLICT)
        except NightcrampError as error:
            return JSONResponse({"problem": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)

    return respond


def _words() -> dict[str, str]:
    """Return the texts that the page's script shows."""
    return {
        key.removeprefix(_SCRIPT): words
        for key, words in catalogue().items()
        if key.startswith(_SCRIPT)
    }


def _parse(body: bytes, mode: Mode) -> tuple[Change, int]:
    """Return the change that a request asks for, and how many corrections its page has seen."""
    try:
        asked = json.loads(body)
        action = mode.ending if asked["action"] == "done" else ASKED[asked["action"]]
        span = [asked.get(name) for name in ("onset_s", "duration_s")]
        onset_s, duration_s = (None if value is None else float(value) for value in span)
        episode = asked.get("episode")
        change = Change(
            action,
            None if episode is None else str(episode),
            onset_s,
            duration_s,
            str(asked.get("reason", ""))[:2000],
        )
        return change, int(asked["seen"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"the page asked for what cannot be understood ({error})") from error


def _number(request: Request, name: str) -> float:
    try:
        value = float(request.query_params[name])
    except (KeyError, ValueError) as error:
        raise UsageError(f"{name}: expected a number") from error
    if not abs(value) < 1e9:
        raise UsageError(f"{name}: expected a number of seconds or columns")
    return value


def _compact(content: object) -> Response:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Response(text, media_type="application/json")
