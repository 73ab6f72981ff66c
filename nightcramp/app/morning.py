"""The morning: how the night was, and the diary."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.routing import Route

from nightcramp.app.diary import (
    LONGEST_MIN,
    MOST_CRAMPS,
    SEVERITIES,
    Cramp,
    NightKey,
    add_entry,
    is_pseudonym,
    new_entry,
    nights_without_diary,
    read_entries,
)
from nightcramp.app.night_story import read_results, tell
from nightcramp.app.pages import render
from nightcramp.app.recorder_process import State
from nightcramp.app.requests import bedside_of, fields_of, go, notice_of, settings_of
from nightcramp.app.status import read_status
from nightcramp.app.study_diary import counts_are_closed, write_study_diary
from nightcramp.app.texts import text
from nightcramp.errors import InputError, NightcrampError, UsageError
from nightcramp.recorder.plan import night_date

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from nightcramp.app.night_story import Night
    from nightcramp.app.tonight import Tonight

LONGEST_TEXT = 2000

REMEMBERED_DAYS = 3
"""Of an older night nobody remembers the cramps well enough to write them down."""

WORDS = ("helped", "medicine", "note")

Story = tuple[str, list[str]]
"""Leg, empty where there is but one, and sentences."""


def morning_routes() -> list[Route]:
    """Return the routes of the morning."""
    return [
        Route("/morning", show),
        Route("/morning/story", story),
        Route("/morning/diary", ask, methods=["GET"]),
        Route("/morning/diary", save, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """Show how the night was, and ask for the diary."""
    if bedside_of(request).state in (State.STARTING, State.RECORDING, State.GONE):
        return go("/night/end")
    return render(request, "morning.html.j2", _values(request), notice=notice_of(request))


async def story(request: Request) -> Response:
    """Return the part of the page that changes until the night has been judged."""
    return render(request, "morning_story.html.j2", _values(request))


async def ask(request: Request) -> Response:
    """Ask for the cramps of a night, as many as were said."""
    try:
        key, n_cramps = _asked(request.query_params)
    except UsageError as error:
        return render(request, "problem.html.j2", status=422, problem=str(error))
    return _form(request, key, n_cramps, {})


async def save(request: Request) -> Response:
    """Keep an answer: in the night's file, and in the study's table if there is one."""
    fields = await fields_of(request)
    try:
        key, n_cramps = _asked(fields)
    except UsageError as error:
        return render(request, "problem.html.j2", status=422, problem=str(error))
    try:
        cramps = tuple(_cramp(fields, place) for place in range(1, n_cramps + 1))
    except UsageError as error:
        return _form(request, key, n_cramps, fields, problem=str(error))
    words = {word: fields.get(word, "").strip()[:LONGEST_TEXT] for word in WORDS}
    settings = settings_of(request)
    entry = new_entry(key.night, cramps, words)
    try:
        add_entry(settings.home, key, entry)
        if settings.study is not None:
            write_study_diary(settings.study, key, entry)
    except NightcrampError as error:
        return _form(request, key, n_cramps, fields, problem=str(error), status=503)
    return go("/morning", "late" if entry.late else "saved")


def _values(request: Request) -> dict[str, object]:
    settings, bedside = settings_of(request), bedside_of(request)
    current, tonight = bedside.state, bedside.tonight
    key = _night_of(tonight)
    since = night_date(datetime.now()) - timedelta(days=REMEMBERED_DAYS)  # noqa: DTZ005
    stories, problem = _told(request, tonight) if current is not State.FINISHING else ([], "")
    missing = nights_without_diary(settings.home, since)
    return {
        "is_finishing": current is State.FINISHING,
        "fetching_min": _fetching_min(settings.home),
        "stories": stories,
        "problem": problem,
        "key": key,
        "is_written": key is not None and bool(read_entries(settings.home, key)),
        "missing": [each for each in missing if each != key],
        "numbers": range(1, 6),
        "most": MOST_CRAMPS,
    }


def _fetching_min(home: Path) -> int:
    """Return how many minutes the sensors are still sending of the night; 0 if they are not."""
    status = read_status(home)
    return math.ceil(status.awaited_s / 60) if status and status.state == "fetching" else 0


def _told(request: Request, tonight: Tonight | None) -> tuple[list[Story], str]:
    """Return the story of a night, leg by leg, or why there is none."""
    key = _night_of(tonight)
    if tonight is None or key is None:
        return [], text("morning.no_night")
    settings = settings_of(request)
    try:
        nights = read_results(settings.results_folder, key)
    except InputError as error:
        return [], str(error)
    if not nights:
        undone = [*tonight.undone.values(), bedside_of(request).left_unsaid]
        return [], " ".join(filter(None, [text("morning.not_judged"), *undone]))
    closed = counts_are_closed(settings.study)
    legs = dict.fromkeys(choice.leg for choice in tonight.journals(settings.home))
    if len(legs) > 1 or len(nights) > 1:
        return [
            _leg_story(leg, nights.get(leg), tonight.undone.get(leg, ""), closed=closed)
            for leg in legs | nights
        ], ""
    return [("", tell(night, closed=closed)) for night in nights.values()], ""


def _leg_story(leg: str, night: Night | None, undone: str, *, closed: bool) -> Story:
    said = tell(night, closed=closed) if night else [text("morning.leg_not_judged")]
    return text(f"side.{leg}") if leg else "", [*said, undone] if undone else said


def _night_of(tonight: Tonight | None) -> NightKey | None:
    if tonight is None or not tonight.night:
        return None
    return NightKey(tonight.participant, date.fromisoformat(tonight.night))


def _form(
    request: Request,
    key: NightKey,
    n_cramps: int,
    fields: Mapping[str, str],
    *,
    problem: str = "",
    status: int = 0,
) -> Response:
    return render(
        request,
        "diary.html.j2",
        status=status or (422 if problem else 200),
        key=key,
        n_cramps=n_cramps,
        severities=SEVERITIES,
        longest_min=LONGEST_MIN,
        longest_text=LONGEST_TEXT,
        fields=fields,
        problem=problem,
    )


def _asked(fields: Mapping[str, str]) -> tuple[NightKey, int]:
    """Return which night is meant and how many cramps it had."""
    n_cramps = _whole(fields.get("cramps", ""), MOST_CRAMPS, "diary.no_number")
    participant, night = fields.get("participant", ""), fields.get("night", "")
    if not is_pseudonym(participant):
        raise UsageError(text("diary.no_night"))
    try:
        return NightKey(participant, date.fromisoformat(night)), n_cramps
    except ValueError as error:
        raise UsageError(text("diary.no_night")) from error


def _cramp(fields: Mapping[str, str], place: int) -> Cramp:
    severity = _whole(fields.get(f"severity{place}", ""), SEVERITIES[-1], "diary.no_severity")
    if severity not in SEVERITIES:
        raise UsageError(text("diary.no_severity"))
    minutes = fields.get(f"minutes{place}", "").strip()
    return Cramp(severity, _minutes(minutes) if minutes else None)


def _minutes(told: str) -> float:
    try:
        minutes = float(told.replace(",", "."))
    except ValueError as error:
        raise UsageError(text("diary.no_minutes")) from error
    if not 0 < minutes <= LONGEST_MIN:
        raise UsageError(text("diary.no_minutes"))
    return minutes


def _whole(told: str, most: int, problem: str) -> int:
    if not (told.isascii() and told.isdigit() and int(told[:4]) <= most):
        raise UsageError(text(problem, most=most))
    return int(told)
