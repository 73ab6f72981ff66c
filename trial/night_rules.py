"""Rules of nights, sessions, episodes and the diary; what breaks one goes to `Problems`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nightcramp.errors import InputError
from trial.nights import hours_of, nights_of
from trial.plan import NIGHTS_OF_A_WEEK, FirstTreatmentNight, NightsOutsidePlan
from trial.rules import StudyTable, each, refuse_repeated, shown

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from trial.plan import StudyPlan
    from trial.tables import Problems

__all__ = [
    "check_diary",
    "check_episodes",
    "check_in_plan",
    "check_nights",
    "check_sessions",
]

_NIGHT = ["participant_id", "night"]
_HOURS = ("recorded_hours", "analysable_hours")
_COUNTING = ("auto", "confirmed")
_ROUNDING = pd.Timedelta(minutes=1)  # hours with two decimals are exact to 18 s
_SECOND = pd.Timedelta(seconds=1)  # onsets may be told in whole ones


def check_nights(nights: StudyTable, zone: ZoneInfo | None, problems: Problems) -> None:
    """One row a night, with possible hours; nights of one participant do not overlap."""
    refuse_repeated(nights, _NIGHT, problems)
    _refuse_more_analysable(nights, problems)
    frame = nights.frame
    silent = frame["start_utc"].isna() & (frame["recorded_hours"] > 0)
    for line, _ in each(frame[silent]):
        if not problems.names(nights.file, line, "start_utc"):
            problem = InputError("found n/a in a night with recorded hours, expected its start")
            problems.add(nights.file, problem, line=line, column="start_utc")
    _check_night_of(nights, "start_utc", zone, problems)
    if zone is not None:
        _refuse_longer_than_night(nights, zone, problems)
    if "end_utc" in frame:
        _check_length(nights, problems)
    length = pd.to_timedelta(frame["recorded_hours"], unit="h")
    _refuse_overlap(nights, frame["start_utc"].add(length), problems)


def check_sessions(sessions: StudyTable, zone: ZoneInfo | None, problems: Problems) -> None:
    """One session a night at most, with possible hours; they do not overlap."""
    refuse_repeated(sessions, ["participant_id", "start_utc"], problems)
    _refuse_more_analysable(sessions, problems)
    _check_length(sessions, problems)
    frame = sessions.frame
    half = frame["recorded_hours"].isna() != frame["analysable_hours"].isna()
    for line, _ in each(frame[half]):
        if not any(problems.names(sessions.file, line, name) for name in _HOURS):
            problem = InputError(
                "one of recorded_hours and analysable_hours is n/a, expected both or none"
            )
            problems.add(sessions.file, problem, line=line, column="recorded_hours")
    _refuse_overlap(sessions, frame["end_utc"], problems)
    if zone is not None:
        named = frame.assign(night=nights_of(frame["start_utc"], zone))
        refuse_repeated(StudyTable(sessions.file, named), _NIGHT, problems)


def check_episodes(
    episodes: StudyTable, nights: StudyTable, zone: ZoneInfo | None, problems: Problems
) -> None:
    """Every episode once, by one analysis, within a night in which it could have been seen."""
    refuse_repeated(episodes, ["participant_id", "onset_utc"], problems)
    _refuse_mixed_versions(episodes, problems)
    _refuse_simultaneous(episodes, problems)
    _check_night_of(episodes, "onset_utc", zone, problems)
    if not problems.is_readable(nights.file):
        return
    joined = _with_night(episodes, nights)
    _refuse_without_night(joined, episodes, nights, problems)
    _refuse_out_of_night(joined, episodes, nights, problems)
    _refuse_longer_than_recorded(joined, episodes, nights, problems)
    unseen = (joined["analysable_hours"] == 0) & joined["status"].isin(_COUNTING)
    if "exposed" in joined:
        unseen &= joined["exposed"] != "no"
    for line, _ in each(joined[unseen]):
        problem = InputError(
            f"an episode in a night without analysable hours in {nights.file.name}: it would "
            "count without any time in which it could be seen",
            advice="Correct analysable_hours, or set the status to rejected.",
        )
        problems.add(episodes.file, problem, line=line, column="night")


def check_diary(diary: StudyTable, problems: Problems) -> None:
    """One answer a night; severity and minutes belong to cramps."""
    refuse_repeated(diary, _NIGHT, problems)
    frame = diary.frame
    for column in ("severity", "minutes"):
        for line, row in each(frame[(frame[column] > 0) & ~(frame["cramps"] > 0)]):
            if problems.names(diary.file, line, "cramps"):
                continue
            answer = "n/a" if pd.isna(row.cramps) else f"{row.cramps:g}"
            problem = InputError(
                f"found {row[column]:g} in a night whose cramps are {answer}, expected n/a",
                advice="Hold it against the diary and correct one of the two.",
            )
            problems.add(diary.file, problem, line=line, column=column)


def check_in_plan(
    table: StudyTable, participants: StudyTable, plan: StudyPlan, problems: Problems
) -> None:
    """Nights of randomised participants lie between the run-in and the last week of the plan."""
    if plan.outside_plan is NightsOutsidePlan.LEFT_OUT:
        return
    people = participants.frame.dropna(subset=["participant_id"])
    known = people.drop_duplicates("participant_id").set_index("participant_id")["randomised_on"]
    rows = table.frame.dropna(subset=_NIGHT)
    rows = rows.assign(randomised_on=known.reindex(rows["participant_id"]).set_axis(rows.index))
    wait = 1 if plan.first_treatment_night is FirstTreatmentNight.NEXT else 0
    day = (rows["night"] - rows["randomised_on"]).dt.days - wait
    first, last = -NIGHTS_OF_A_WEEK * plan.run_in_weeks, NIGHTS_OF_A_WEEK * plan.last_week - 1
    for line, row in each(rows[day < first]):
        begin = row.randomised_on + pd.Timedelta(days=first + wait)
        what = f"before the plan begins on {shown(begin)}"
        problems.add(table.file, _outside(row, what), line=line, column=_night_column(table))
    for line, row in each(rows[day > last]):
        end = row.randomised_on + pd.Timedelta(days=last + wait)
        what = f"after the last night of the plan, {shown(end)}"
        problems.add(table.file, _outside(row, what), line=line, column=_night_column(table))


def _night_column(table: StudyTable) -> str:
    """Return the column that a reader corrects to move a row into another night."""
    return "start_utc" if table.file.stem == "sessions" else "night"


def _outside(row: pd.Series, what: str) -> InputError:
    return InputError(
        f"found {shown(row.night)}, {what}, for {row.participant_id!r} randomised on "
        f"{shown(row.randomised_on)}",
        advice='Correct the date, or write nights_outside_plan = "left out" in study.toml.',
    )


def _refuse_more_analysable(table: StudyTable, problems: Problems) -> None:
    frame = table.frame
    for line, row in each(frame[frame["analysable_hours"] > frame["recorded_hours"]]):
        problem = InputError(
            f"found {row.analysable_hours:g} analysable hours, expected no more than the "
            f"{row.recorded_hours:g} recorded ones"
        )
        problems.add(table.file, problem, line=line, column="analysable_hours")


def _refuse_longer_than_night(nights: StudyTable, zone: ZoneInfo, problems: Problems) -> None:
    rows = nights.frame.dropna(subset=["night"])
    length = {night: hours_of(night, zone) for night in rows["night"].dt.date.unique()}
    possible = rows["night"].dt.date.map(length)
    for line, row in each(rows.assign(possible=possible)[rows["recorded_hours"] > possible]):
        problem = InputError(
            f"found {row.recorded_hours:g} recorded hours, but the night has {row.possible:g} from "
            f"noon to noon in {zone.key}"
        )
        problems.add(nights.file, problem, line=line, column="recorded_hours")


def _check_length(table: StudyTable, problems: Problems) -> None:
    """Remember windows that end before they begin, or are shorter than what was recorded."""
    frame = table.frame
    hours = (frame["end_utc"] - frame["start_utc"]).dt.total_seconds() / 3600
    for line, row in each(frame[hours <= 0]):
        problem = InputError(
            f"found {shown(row.end_utc)}, expected it after the start at {shown(row.start_utc)}"
        )
        problems.add(table.file, problem, line=line, column="end_utc")
    longer = frame["recorded_hours"] > hours + _ROUNDING / pd.Timedelta(hours=1)
    for line, row in each(frame.assign(hours=hours)[(hours > 0) & longer]):
        problem = InputError(
            f"found {row.recorded_hours:g} recorded hours, but the end is {row.hours:.2f} h after "
            "the start"
        )
        problems.add(table.file, problem, line=line, column="recorded_hours")


def _refuse_overlap(table: StudyTable, end: pd.Series[pd.Timestamp], problems: Problems) -> None:
    """Remember windows that begin before an earlier one of the same participant has ended."""
    for line, row in each(_begun_too_early(table.frame.assign(end=end), "start_utc", _ROUNDING)):
        problem = InputError(
            f"found {shown(row.start_utc)}, but by line {row.earlier:.0f} {row.participant_id!r} "
            f"was recorded until {shown(row.earlier_end)}; expected no overlap",
            advice="Correct the start or the hours of one of the two.",
        )
        problems.add(table.file, problem, line=line, column="start_utc")


def _refuse_simultaneous(episodes: StudyTable, problems: Problems) -> None:
    """Remember cramps that would count although an earlier one was not over: they are the same."""
    rows = episodes.frame.drop_duplicates(["participant_id", "onset_utc"])
    rows = rows[rows["status"].isin(_COUNTING)]
    if "kind" in rows:
        rows = rows[rows["kind"] == "cramp"]
    if "exposed" in rows:
        rows = rows[rows["exposed"] != "no"]
    rows = rows.assign(end=rows["onset_utc"] + pd.to_timedelta(rows["duration_s"], unit="s"))
    for line, row in each(_begun_too_early(rows, "onset_utc", _SECOND)):
        problem = InputError(
            f"found {shown(row.onset_utc)}, but by line {row.earlier:.0f} a cramp of "
            f"{row.participant_id!r} lasted until {shown(row.earlier_end)}; both would count",
            advice="Reject one of the two, or correct onset or duration.",
        )
        problems.add(episodes.file, problem, line=line, column="onset_utc")


def _begun_too_early(rows: pd.DataFrame, begin: str, rounding: pd.Timedelta) -> pd.DataFrame:
    """Return rows that begin before the participant's one before has its `end`; and which it is."""
    rows = rows.dropna(subset=["participant_id", begin, "end"])
    rows = rows.reset_index().sort_values(["participant_id", begin], kind="stable")
    people = rows.groupby("participant_id", sort=False)
    rows["earlier"], rows["earlier_end"] = people["line"].shift(), people["end"].shift()
    return rows[rows[begin] < rows["earlier_end"] - rounding].set_index("line")


def _check_night_of(
    table: StudyTable, moment: str, zone: ZoneInfo | None, problems: Problems
) -> None:
    """Hold the column ``night`` against the night of a moment in another column."""
    if zone is None:
        return
    rows = table.frame.dropna(subset=["night", moment])
    right = nights_of(rows[moment], zone)
    for line, row in each(rows.assign(moment=rows[moment], right=right)[rows["night"] != right]):
        local = row.moment.astimezone(zone)
        problem = InputError(
            f"found {shown(row.night)}, expected {shown(row.right)}: {moment} is "
            f"{local:%Y-%m-%d %H:%M} in {zone.key}",
            advice="A night runs from noon to noon and is named by the date of its evening.",
        )
        problems.add(table.file, problem, line=line, column="night")


def _refuse_mixed_versions(episodes: StudyTable, problems: Problems) -> None:
    """Two analyses of one night must not add up."""
    rows = episodes.frame.dropna(subset=[*_NIGHT, "version"])
    first = rows.groupby(_NIGHT, sort=False)["version"].transform("first")
    for line, row in each(rows.assign(begins=first)[rows["version"] != first]):
        problem = InputError(
            f"found {row.version!r}, but the night begins with {row.begins!r}; expected the "
            "episodes of one analysis",
            advice="Keep one version of each night.",
        )
        problems.add(episodes.file, problem, line=line, column="version")


def _with_night(episodes: StudyTable, nights: StudyTable) -> pd.DataFrame:
    """Return the episodes beside the start, end and hours of their night."""
    rows = episodes.frame.dropna(subset=_NIGHT).reset_index()
    known = nights.frame.dropna(subset=_NIGHT).drop_duplicates(_NIGHT)
    known = known.reindex(columns=[*_NIGHT, "start_utc", "end_utc", *_HOURS])
    known["end_utc"] = known["end_utc"].astype(known["start_utc"].dtype)
    return rows.merge(known, on=_NIGHT, how="left", indicator="found_in").set_index("line")


def _refuse_out_of_night(
    joined: pd.DataFrame, episodes: StudyTable, nights: StudyTable, problems: Problems
) -> None:
    """Remember episodes that begin before their night's recording does, or after it has ended."""
    outside = {
        "start_utc": (joined["onset_utc"] < joined["start_utc"], "before the start"),
        "end_utc": (joined["onset_utc"] > joined["end_utc"], "after the end"),
    }
    for edge, (wrong, words) in outside.items():
        for line, row in each(joined[wrong]):
            problem = InputError(
                f"found {shown(row.onset_utc)}, {words} of the night at {shown(row[edge])} in "
                f"{nights.file.name}"
            )
            problems.add(episodes.file, problem, line=line, column="onset_utc")


def _refuse_longer_than_recorded(
    joined: pd.DataFrame, episodes: StudyTable, nights: StudyTable, problems: Problems
) -> None:
    """Remember episodes that last longer than was recorded, as in another unit they would."""
    length = pd.to_timedelta(joined["duration_s"], unit="s")
    recorded = pd.to_timedelta(joined["recorded_hours"], unit="h")
    longer = length > recorded + _ROUNDING
    for line, row in each(joined[longer & (joined["recorded_hours"] > 0)]):
        problem = InputError(
            f"found {row.duration_s:g} s, longer than the {row.recorded_hours:g} recorded hours of "
            f"the night in {nights.file.name}",
            advice="Give the duration in seconds.",
        )
        problems.add(episodes.file, problem, line=line, column="duration_s")
    late = joined["onset_utc"] + length > joined["end_utc"] + _ROUNDING
    for line, row in each(joined[late & ~longer & (joined["onset_utc"] <= joined["end_utc"])]):
        problem = InputError(
            f"found {row.duration_s:g} s, with which the episode lasts beyond the end of the night "
            f"at {shown(row.end_utc)} in {nights.file.name}",
            advice="Give the duration in seconds.",
        )
        problems.add(episodes.file, problem, line=line, column="duration_s")


def _refuse_without_night(
    joined: pd.DataFrame, episodes: StudyTable, nights: StudyTable, problems: Problems
) -> None:
    """Remember episodes whose night has no row; spare participants with a night not legible."""
    unsure = nights.frame.loc[nights.frame["night"].isna(), "participant_id"]
    lost = (joined["found_in"] == "left_only") & ~joined["participant_id"].isin(unsure)
    for line, row in each(joined[lost]):
        problem = InputError(
            f"found {shown(row.night)}, a night of {row.participant_id!r} that is not in "
            f"{nights.file.name}; expected it there",
            advice="Add the night with its hours, or correct the episode's night.",
        )
        problems.add(episodes.file, problem, line=line, column="night")
