"""The variables of the exported datasets, with the controlled terms they keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.exports.dataset import Kind, Variable

if TYPE_CHECKING:
    from trial.plan import SeverityScale

__all__ = [
    "ADWK",
    "ARM",
    "CE",
    "CRAMP",
    "DM",
    "IDENTIFIERS",
    "WEEK_KEYS",
    "XN",
    "diary",
    "sequence_variable",
]

CRAMP = "NOCTURNAL LEG CRAMP"

_STUDY = Variable("STUDYID", "Study Identifier", Kind.TEXT, "Code of the study.", key=1)
_DOMAIN = Variable("DOMAIN", "Domain Abbreviation", Kind.TEXT, "Name of the dataset.")
_SUBJECT = Variable(
    "USUBJID",
    "Unique Subject Identifier",
    Kind.TEXT,
    "STUDYID and the participant's code, joined by a hyphen.",
    key=2,
)
IDENTIFIERS = (_STUDY, _DOMAIN, _SUBJECT)
_EPOCH = Variable(
    "EPOCH",
    "Epoch",
    Kind.TEXT,
    "What the week is for; missing outside the plan. CDISC terminology: Epoch (C99079).",
    terms=("RUN-IN", "TREATMENT", "WASHOUT"),
)
_YES_NO = ("Y", "N")


def sequence_variable(domain: str) -> Variable:
    """Return the variable that numbers the rows of a participant."""
    definition = "Numbers the participant's rows by time, from 1."
    return Variable(f"{domain}SEQ", "Sequence Number", Kind.INTEGER, definition, key=3)


def _day(domain: str) -> Variable:
    definition = (
        "Day of the study, counted from the first treatment night, which is 1; the night before "
        "it is -1. Missing for those who are not randomised."
    )
    return Variable(f"{domain}DY", "Study Day", Kind.INTEGER, definition, "days")


def _week(domain: str) -> Variable:
    definition = "1 begins with the first treatment night, -1 ends before it; there is no week 0."
    return Variable(f"{domain}WEEK", "Week", Kind.INTEGER, definition, "weeks")


DM = (
    *IDENTIFIERS,
    Variable("SUBJID", "Subject Identifier for the Study", Kind.TEXT, "The participant's code."),
    Variable("SITEID", "Study Site Identifier", Kind.TEXT, "Code of the site."),
    Variable("RANDDTC", "Date of Randomization", Kind.DATE, "Missing if not randomised."),
    Variable(
        "RFSTDTC",
        "Subject Reference Start Date/Time",
        Kind.DATE,
        "First treatment night, by the date of its evening: day 1 of the study.",
    ),
    Variable(
        "RFXENDTC",
        "Date/Time of Last Study Treatment",
        Kind.DATE,
        "Last day of treatment of those who stopped early; missing for the others.",
    ),
    Variable("AGE", "Age", Kind.DECIMAL, "Age in years.", "years"),
    Variable("AGEU", "Age Units", Kind.TEXT, "CDISC terminology: AGEU (C66781).", terms=("YEARS",)),
    Variable(
        "SEX",
        "Sex",
        Kind.TEXT,
        "F for f and female, M for m and male, as in CDISC terminology: Sex (C66731). Another word "
        "stands as the site wrote it.",
    ),
)

ARM = Variable(
    "ARM",
    "Description of Planned Arm",
    Kind.TEXT,
    "Arm by the allocation; in a crossover the arms in their order.",
)

XN = (
    *IDENTIFIERS,
    sequence_variable("XN"),
    Variable(
        "XNDTC",
        "Date of the Night",
        Kind.DATE,
        "Date of the evening. A night runs from local noon to noon; where the study analyses "
        "sessions it is that in which the session began.",
    ),
    _day("XN"),
    _week("XN"),
    _EPOCH,
    Variable("XNSTDTC", "Start Date/Time of Recording", Kind.DATETIME, "In UTC.", "UTC"),
    Variable("XNENDTC", "End Date/Time of Recording", Kind.DATETIME, "In UTC.", "UTC"),
    Variable("XNRECHR", "Recorded Hours", Kind.DECIMAL, "Recorded time.", "hours"),
    Variable(
        "XNANLHR",
        "Analysable Hours",
        Kind.DECIMAL,
        "Time in which a cramp would have been seen: the exposure.",
        "hours",
    ),
    Variable(
        "XNSTAT",
        "Completion Status",
        Kind.TEXT,
        "NOT DONE where nothing was recorded, else missing. CDISC terminology: Not Done (C66789).",
        terms=("NOT DONE",),
    ),
    Variable(
        "XNREASND",
        "Reason Time Is Missing",
        Kind.TEXT,
        "Why time is not analysable. While the study is blinded one of the words that the program "
        "knows, otherwise 'other': a site's own words might tell of cramps.",
    ),
    Variable(
        "XNDIARY",
        "Morning Diary Answered",
        Kind.TEXT,
        "Whether the diary says how many cramps there were. CDISC terminology: No Yes (C66742).",
        terms=_YES_NO,
    ),
)

CE = (
    *IDENTIFIERS,
    sequence_variable("CE"),
    Variable(
        "CETERM",
        "Reported Term for the Clinical Event",
        Kind.TEXT,
        "What the detector, or a person after it, takes the episode for.",
        terms=(
            *(CRAMP, "POSSIBLE NOCTURNAL LEG CRAMP"),
            *("LEG MOVEMENT", "NOT ANALYSABLE"),
        ),
    ),
    Variable("CESTDTC", "Start Date/Time of Clinical Event", Kind.DATETIME, "Onset.", "UTC"),
    Variable("CEENDTC", "End Date/Time of Clinical Event", Kind.DATETIME, "Offset.", "UTC"),
    Variable("CEDUR", "Duration of Clinical Event", Kind.TEXT, "ISO 8601, such as PT77.8S."),
    Variable("CEDURS", "Duration in Seconds", Kind.DECIMAL, "Offset minus onset.", "seconds"),
    Variable("CENIGHT", "Night", Kind.DATE, "Date of the evening of the night it belongs to."),
    _day("CE"),
    _EPOCH,
    Variable("CECONF", "Confidence of the Detector", Kind.DECIMAL, "From 0 to 1.", "probability"),
    Variable(
        "CESTATUS",
        "Review Status",
        Kind.TEXT,
        "AUTO until a person confirms or rejects it. A rejected episode does not count.",
        terms=("AUTO", "CONFIRMED", "REJECTED"),
    ),
    Variable(
        "CECENSOR",
        "Ends Hidden by a Gap",
        Kind.TEXT,
        "Which end could not be seen.",
        terms=("NONE", "ONSET", "OFFSET", "BOTH"),
    ),
    Variable(
        "CECOUNTS",
        "Enters the Outcomes",
        Kind.TEXT,
        "Whether it counts among the cramps of ADWK, if its night is in the plan. CDISC "
        "terminology: No Yes (C66742).",
        terms=_YES_NO,
    ),
    Variable("CEVERS", "Version of the Analysis", Kind.TEXT, "Model and code that found it."),
)

WEEK_KEYS = (
    _STUDY,
    _SUBJECT,
    Variable(
        "AVISITN",
        "Week (N)",
        Kind.INTEGER,
        "There is no week 0; -1 ends the run-in.",
        "weeks",
        key=3,
    ),
)

ADWK = {
    "site": ("SITEID", "Study Site Identifier", Kind.TEXT),
    "sequence": ("TRTSEQP", "Planned Sequence of Treatments", Kind.TEXT),
    "arm": ("TRTP", "Planned Treatment", Kind.TEXT),
    "period": ("EPOCH", "Epoch", Kind.TEXT),
    "treatment_period": ("APERIOD", "Period", Kind.INTEGER),
    "first_night": ("ASTDTC", "First Night of the Week", Kind.DATE),
    "nights_planned": ("NPLAN", "Nights Planned", Kind.INTEGER),
    "nights_recorded": ("NREC", "Nights Recorded", Kind.INTEGER),
    "nights_analysable": ("NANL", "Nights Analysable", Kind.INTEGER),
    "recorded_hours": ("RECHRS", "Recorded Hours", Kind.DECIMAL),
    "analysable_hours": ("ANLHRS", "Analysable Hours", Kind.DECIMAL),
    "episodes": ("NLCCNT", "Cramps", Kind.INTEGER),
    "rate": ("NLCRATE", "Cramps per Week", Kind.DECIMAL),
    "mean_minutes": ("NLCMEAN", "Mean Minutes per Cramp", Kind.DECIMAL),
    "median_minutes": ("NLCMED", "Median Minutes per Cramp", Kind.DECIMAL),
    "mean_log_minutes": ("NLCLOG", "Mean Log Minutes per Cramp", Kind.DECIMAL),
    "total_minutes": ("NLCTOT", "Minutes of All Cramps", Kind.DECIMAL),
    "censored": ("NLCCENS", "Cramps with a Hidden End", Kind.INTEGER),
    "diary_nights": ("DIARYN", "Nights with a Diary Answer", Kind.INTEGER),
    "diary_cramps": ("DIARYCNT", "Cramps by the Diary", Kind.INTEGER),
    "mean_severity": ("SEVMEAN", "Mean Severity by the Diary", Kind.DECIMAL),
    "displayed": ("DISPLFL", "Displayed Week Flag", Kind.TEXT),
}
"""Columns of the weekly table with the name, label and kind of their variable."""


def diary(severity: SeverityScale) -> tuple[Variable, ...]:
    """Return the variables of the diary, whose scale of severity the plan sets."""
    return (
        *IDENTIFIERS,
        sequence_variable("XD"),
        Variable("XDDTC", "Date of the Night", Kind.DATE, "Date of the evening before."),
        _day("XD"),
        _week("XD"),
        _EPOCH,
        Variable("XDCNT", "Cramps by the Diary", Kind.INTEGER, "Cramps in the night.", "cramps"),
        Variable("XDSEV", "Severity by the Diary", Kind.DECIMAL, "Of the cramps.", str(severity)),
        Variable("XDMIN", "Minutes by the Diary", Kind.DECIMAL, "Of all cramps.", "minutes"),
    )
