"""A study as datasets, named after CDISC SDTM and ADaM where these have a name.

``DM`` and ``CE`` are domains of SDTM, ``XN`` (nights) and ``XD`` (diary) sponsor-defined ones with
names that begin with X, as SDTM asks for; ``ADWK`` is an analysis dataset by week. ``CE``, ``XD``
and the counts of ``ADWK`` tell how many cramps a participant had, and are withheld while that must
not be told; so are the lists, whose free text may tell it, and a site's own words for missing time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from trial.blinding import counts_published, reasons_withheld, told_reasons, without_counts
from trial.dictionary import dictionary
from trial.exports import variables
from trial.exports.dataset import Contents, Dataset, Kind, Variable
from trial.exports.listings import list_tables
from trial.exports.rows import EPOCHS, identified, in_words, nothing, placed, sequence
from trial.weeks import weekly_table

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["tabulate"]

_NIGHT = ["participant_id", "night"]
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}
_TERMS = {
    "cramp": variables.CRAMP,
    "possible_cramp": "POSSIBLE NOCTURNAL LEG CRAMP",
    "leg_movement": "LEG MOVEMENT",
    "not_analysable": "NOT ANALYSABLE",
}
_WITHOUT_UNIT = frozenset({Kind.TEXT, Kind.DATE})
_COLUMN = re.compile("|".join(name for name in variables.ADWK if "_" in name or name == "episodes"))


def tabulate(study: Study, study_id: str) -> Contents:
    """Return the datasets of a study that may be written.

    Parameters
    ----------
    study : Study
    study_id : str
        Becomes STUDYID and the beginning of every USUBJID.
    """
    open_to_all = [_participants(study, study_id), _nights(study, study_id)]
    telling = [_episodes(study, study_id), _diary(study, study_id), *list_tables(study, study_id)]
    weeks, withheld = _weeks(study, study_id)
    if counts_published(study):
        return Contents(study_id, study.plan.title, (*open_to_all, *telling, weeks))
    hidden = [(dataset.name, variable) for dataset in telling for variable in dataset.variables]
    datasets = (*open_to_all, weeks)
    held = (*hidden, *withheld)
    return Contents(study_id, study.plan.title, datasets, held, reasons_withheld(study))


def _participants(study: Study, study_id: str) -> Dataset:
    first = study.randomised[["participant_id", "first_treatment_night"]]
    people = study.participants.merge(first, on="participant_id", how="left")
    frame = identified(people, study_id, "DM")
    frame["SUBJID"] = people["participant_id"]
    frame["SITEID"] = people["site"]
    frame["RANDDTC"] = people["randomised_on"]
    frame["RFSTDTC"] = people["first_treatment_night"]
    frame["RFXENDTC"] = people.get("treatment_stopped_on", nothing(people))
    frame["AGE"] = people["age"]
    frame["AGEU"] = people["age"].notna().map({True: "YEARS", False: None})
    frame["SEX"] = people["sex"].map(lambda sex: _SEXES.get(str(sex).lower(), sex))
    chosen = list(variables.DM)
    if study.arms_opened:
        frame["ARM"] = people["sequence" if "sequence" in people else "arm"]
        chosen.append(variables.ARM)
    return Dataset.of("DM", "Demographics", chosen, frame)


def _nights(study: Study, study_id: str) -> Dataset:
    rows = placed(study.windows, study)
    answered = study.diary.dropna(subset=["cramps"])[_NIGHT].assign(answered="Y")
    rows = rows.merge(answered, on=_NIGHT, how="left")
    recorded = rows["recorded_hours"] > 0
    frame = identified(rows, study_id, "XN")
    frame["XNSEQ"] = sequence(rows)
    frame["XNDTC"] = rows["night"]
    frame["XNDY"] = rows["day"]
    frame["XNWEEK"] = rows["week"]
    frame["EPOCH"] = rows["epoch"]
    frame["XNSTDTC"] = rows["start_utc"]
    frame["XNENDTC"] = rows.get("end_utc", nothing(rows))
    frame["XNRECHR"] = rows["recorded_hours"]
    frame["XNANLHR"] = rows["analysable_hours"]
    frame["XNSTAT"] = recorded.map({True: None, False: "NOT DONE"})
    frame["XNREASND"] = told_reasons(rows["reason"], study)
    frame["XNDIARY"] = rows["answered"].fillna("N")
    return Dataset.of("XN", "Sensor Nights", variables.XN, frame)


def _episodes(study: Study, study_id: str) -> Dataset:
    rows = placed(study.episodes, study, "onset_utc")
    ends = rows["onset_utc"] + pd.to_timedelta(rows["duration_s"], unit="s")
    frame = identified(rows, study_id, "CE")
    frame["CESEQ"] = sequence(rows)
    frame["CETERM"] = in_words(rows["kind"], _TERMS) if "kind" in rows else _TERMS["cramp"]
    frame["CESTDTC"] = rows["onset_utc"]
    frame["CEENDTC"] = ends.dt.round("us")
    frame["CEDUR"] = rows["duration_s"].map(_iso_duration)
    frame["CEDURS"] = rows["duration_s"]
    frame["CENIGHT"] = rows["night"]
    frame["CEDY"] = rows["day"]
    frame["EPOCH"] = rows["epoch"]
    frame["CECONF"] = rows["confidence"]
    frame["CESTATUS"] = rows["status"].str.upper()
    frame["CECENSOR"] = rows.get("censored", nothing(rows)).str.upper()
    frame["CECOUNTS"] = _is_counted(rows, study).map({True: "Y", False: "N"})
    frame["CEVERS"] = rows["version"]
    return Dataset.of("CE", "Clinical Events", variables.CE, frame)


def _diary(study: Study, study_id: str) -> Dataset:
    rows = placed(study.diary, study)
    frame = identified(rows, study_id, "XD")
    frame["XDSEQ"] = sequence(rows)
    frame["XDDTC"] = rows["night"]
    frame["XDDY"] = rows["day"]
    frame["XDWEEK"] = rows["week"]
    frame["EPOCH"] = rows["epoch"]
    frame["XDCNT"] = rows["cramps"]
    frame["XDSEV"] = rows["severity"]
    frame["XDMIN"] = rows["minutes"]
    return Dataset.of("XD", "Morning Diary", variables.diary(study.plan.severity), frame)


def _weeks(study: Study, study_id: str) -> tuple[Dataset, list[tuple[str, Variable]]]:
    """Return the weeks as they may be written, and the variables that may not."""
    table = weekly_table(study)
    described = dictionary(table, study.plan).set_index("column")
    wanted = [(source, name) for source, name in variables.ADWK.items() if source in table]
    frame = identified(table, study_id, "ADWK")
    known: dict[str, Variable] = {}
    for source, (name, label, kind) in wanted:
        frame[name] = _as_written(table, source)
        unit = "" if kind in _WITHOUT_UNIT else str(described.loc[source, "unit"])
        definition = _renamed(str(described.loc[source, "definition"]))
        known[source] = Variable(name, label, kind, definition, unit)
    kept = [source for source in without_counts(table, study) if source in known]
    chosen = [*variables.WEEK_KEYS, *(known[source] for source in kept)]
    withheld = [("ADWK", known[source]) for source in known if source not in kept]
    frame["AVISITN"] = table["week"]
    return Dataset.of("ADWK", "Weeks of Participants", chosen, frame), withheld


def _renamed(definition: str) -> str:
    """Return a definition of the weekly table with the names that its columns have here."""
    return _COLUMN.sub(lambda found: variables.ADWK[found[0]][0], definition)


def _as_written(table: pd.DataFrame, source: str) -> pd.Series:
    """Return a column of weeks in the words of the export: flags, epochs."""
    if source == "displayed":
        return table[source].map({True: "Y", False: "N"})
    return in_words(table[source], EPOCHS) if source == "period" else table[source]


def _iso_duration(seconds: float) -> str:
    return "PT" + f"{seconds:.6f}".rstrip("0").rstrip(".") + "S"


def _is_counted(rows: pd.DataFrame, study: Study) -> pd.Series[bool]:
    """Whether each episode enters the outcomes."""
    keys = ["participant_id", "onset_utc"]
    counted = pd.MultiIndex.from_frame(study.counted_episodes[keys])
    return pd.Series(pd.MultiIndex.from_frame(rows[keys]).isin(counted), index=rows.index)
