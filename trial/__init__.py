"""From a study's tables to weeks, outcomes and the weekly report.

A study folder is read and checked as a whole (`load_study`), its nights become weeks
(`weekly_table`), the weeks outcomes (`outcomes`), and all of it a report (`render_report`).
`published_weekly`, `outcomes` and `render_report` keep the blind: without the allocation they
neither separate arms nor, in a blinded trial, show a participant's own cramp counts.
"""

from trial.nights import night_of
from trial.outcomes import outcomes, published_weekly
from trial.plan import StudyPlan
from trial.provenance import Provenance
from trial.report import render_report
from trial.study import Study, load_study, read_study_plan
from trial.weeks import weekly_table

__all__ = [
    "Provenance",
    "Study",
    "StudyPlan",
    "load_study",
    "night_of",
    "outcomes",
    "published_weekly",
    "read_study_plan",
    "render_report",
    "weekly_table",
]
