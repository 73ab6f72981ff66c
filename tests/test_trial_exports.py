"""Exports hold what the tables hold, as independent readers see them, and keep the blind."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import jsonschema
import numpy as np
import pandas as pd
import pyreadstat
import pytest
from fhir.resources.bundle import Bundle
from hypothesis import given
from hypothesis import strategies as st
from odmlib.dataset_json_1_1.model import DatasetJSON

from nightcramp.errors import UsageError
from trial import Provenance, load_study, weekly_table
from trial.exports import FORMATS, Contents, Dataset, Kind, Origin, Variable, export_files, tabulate
from trial.exports.fhir import CODES, UNITS
from trial.exports.redcap import DICTIONARY_HEADER
from trial.exports.xpt import ibm_double, transport_file

MADE = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
ORIGIN = Origin(Provenance("1.2.3", "7", "ab" * 32, MADE, "cd" * 32), "ef" * 32, arms_opened=False)
FIRST = date(2026, 3, 2)
HEADERS = {
    "participants": "participant_id site randomised_on age sex treatment_stopped_on",
    "arms": "participant_id arm",
    "nights": "participant_id night start_utc recorded_hours analysable_hours reason end_utc",
    "episodes": "participant_id night onset_utc duration_s confidence status version kind censored",
    "diary": "participant_id night cramps severity minutes",
}
PEOPLE = {
    "S01-001": ("Graz-Süd", str(FIRST), "73", "F", "n/a"),
    "S01-002": ("Graz-Süd", str(FIRST + timedelta(2)), "68.5", "male", "2026-03-09"),
    "P007": ("B", str(FIRST), "n/a", "n/a", "n/a"),
    "1234": ("B", "n/a", "81", "divers", "n/a"),
    "S01-014": ("B", str(FIRST), "70", "m", "n/a"),
}
ARMS = {"S01-001": "vitamin K2", "S01-002": "placebo", "P007": "placebo", "S01-014": "vitamin K2"}
LISTS = {
    "adverse_events": "participant_id started_on ended_on term severity serious related outcome"
    "|P007 2026-03-05 n/a Cramp mild no n/a n/a"
    "|P007 2026-03-03 2026-03-04 Bleeding severe yes possible not_recovered",
    "concomitant": "participant_id product kind started_on stopped_on"
    "|1234 Mg magnesium n/a n/a|P007 X vitamin_k_antagonist 2026-03-01 2026-03-09",
    "deviations": "participant_id noted_on kind severity description"
    "|P007 2026-03-05 visit minor n/a",
    "device_events": "participant_id noted_on kind severity description"
    "|P007 2026-03-05 skin_reaction n/a Itch",
}
ORDER = ["DM", "XN", "CE", "XD", "AE", "CM", "DV", "DE", "ADWK"]
PLAN = """
title = "Cramps & Krämpfe"
weeks = 2
run_in_weeks = 1
time_zone = "Europe/Vienna"
blinding = "{blinding}"
nights_outside_plan = "left out"
estimand = "Rate."
"""


def write_study(folder, seed=1, blinding="blinded"):
    """Write a study whose cramps depend on `seed`, and nothing else does."""
    folder.mkdir(exist_ok=True)
    worn, cramping = np.random.default_rng(0), np.random.default_rng(seed)
    rows = {name: [header.split()] for name, header in HEADERS.items()}
    rows["participants"] += [[code, *about] for code, about in PEOPLE.items()]
    rows["arms"] += [[code, arm] for code, arm in ARMS.items()]
    for code in PEOPLE:
        for day in range(-8, 14):
            _write_night(rows, code, FIRST + timedelta(day), worn, cramping)
    for name, lines in rows.items():
        text = "".join("\t".join(line) + "\n" for line in lines)
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    for name, lines in LISTS.items():
        text = "\n".join(lines.replace(" ", "\t").split("|")) + "\n"
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(PLAN.format(blinding=blinding), encoding="utf-8")
    return folder


def _write_night(rows, code, night, worn, cramping):
    hours = round(worn.uniform(3, 8), 2) if worn.random() < 0.8 else 0.0
    start = datetime(night.year, night.month, night.day, 21, 30, 15, tzinfo=UTC)
    times = ["n/a", "n/a"] if not hours else [f"{start:%Y-%m-%dT%H:%M:%SZ}"] * 2
    if hours:
        times[1] = f"{start + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    kept = [f"{hours:.2f}", f"{0.9 * hours:.3f}", "lift_off" if hours else "not_worn"]
    rows["nights"].append([code, str(night), times[0], *kept, times[1]])
    cramps = int(cramping.poisson(1.0)) if hours else 0
    if worn.random() < 0.7:
        known = [f"{cramping.integers(1, 10)}", f"{cramping.uniform(1, 9):.1f}"]
        answer = [str(cramps), *(known if cramps else ["n/a", "n/a"])]
        rows["diary"].append([code, str(night), *answer])
    for which in range(cramps):
        onset = start + timedelta(minutes=20 * which + 5, microseconds=int(cramping.integers(1e6)))
        status = str(cramping.choice(["auto", "confirmed", "rejected"]))
        kind = str(cramping.choice(["cramp", "cramp", "possible_cramp", "leg_movement"]))
        seconds = f"{cramping.lognormal(4, 0.6) + 10:.2f}"
        sure = "n/a" if which else f"{cramping.random():.3f}"
        censored = str(cramping.choice(["none", "onset", "n/a"]))
        when = f"{onset:%Y-%m-%dT%H:%M:%S.%fZ}"
        line = [code, str(night), when, seconds, sure, status, "m7+c1", kind, censored]
        rows["episodes"].append(line)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("exports") / "study")


@pytest.fixture(scope="module")
def opened(folder):
    return load_study(folder, arms=folder / "arms.tsv")


@pytest.fixture(scope="module")
def contents(opened):
    return tabulate(opened, "NLC-01")


def exported(study, name):
    return export_files(study, "NLC-01", name, ORIGIN)


def lines_of(folder, name):
    with (folder / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def by_key(dataset, *names):
    return {tuple(row[name] for name in names): row for row in dataset.records()}


def number(cell):
    return None if cell == "n/a" else float(cell)


def test_participants_are_those_of_the_table(folder, contents):
    found = by_key(contents.dataset("DM"), "SUBJID")
    assert len(found) == len(PEOPLE)
    for line in lines_of(folder, "participants"):
        row = found[line["participant_id"],]
        assert row["USUBJID"] == f"NLC-01-{line['participant_id']}"
        assert (row["STUDYID"], row["DOMAIN"], row["SITEID"]) == ("NLC-01", "DM", line["site"])
        assert row["AGE"] == number(line["age"])
        assert row["AGEU"] == (None if line["age"] == "n/a" else "YEARS")
        for name, source in (("RANDDTC", "randomised_on"), ("RFXENDTC", "treatment_stopped_on")):
            assert row[name] == (None if line[source] == "n/a" else line[source])
        assert row["ARM"] == ARMS.get(line["participant_id"])
    sexes = {code: found[code,]["SEX"] for code in PEOPLE}
    assert list(sexes.values()) == ["F", "M", None, "divers", "M"]


def test_nights_are_those_of_the_table(folder, contents):
    found = by_key(contents.dataset("XN"), "USUBJID", "XNDTC")
    lines = lines_of(folder, "nights")
    answered = {(line["participant_id"], line["night"]) for line in lines_of(folder, "diary")}
    assert len(found) == len(lines)
    for line in lines:
        row = found[f"NLC-01-{line['participant_id']}", line["night"]]
        assert row["XNRECHR"] == float(line["recorded_hours"])
        assert row["XNANLHR"] == float(line["analysable_hours"])
        assert row["XNREASND"] == line["reason"]
        assert row["XNSTAT"] == (None if row["XNRECHR"] else "NOT DONE")
        for name, source in (("XNSTDTC", "start_utc"), ("XNENDTC", "end_utc")):
            assert row[name] == (None if line[source] == "n/a" else line[source])
        diary = (line["participant_id"], line["night"]) in answered
        assert row["XNDIARY"] == ("Y" if diary else "N")


def test_the_day_before_the_first_treatment_night_is_minus_one_and_the_next_is_one(contents):
    found = by_key(contents.dataset("XN"), "USUBJID", "XNDTC")
    places = {
        day: tuple(
            found["NLC-01-S01-001", str(FIRST + timedelta(day))][name]
            for name in ("XNDY", "XNWEEK", "EPOCH")
        )
        for day in (-8, -7, -1, 0, 7, 13)
    }
    assert places == {
        -8: (-8, None, None),
        -7: (-7, -1, "RUN-IN"),
        -1: (-1, -1, "RUN-IN"),
        0: (1, 1, "TREATMENT"),
        7: (8, 2, "TREATMENT"),
        13: (14, 2, "TREATMENT"),
    }
    never = found["NLC-01-1234", str(FIRST)]
    assert (never["XNDY"], never["XNWEEK"], never["EPOCH"]) == (None, None, None)


def test_episodes_and_diary_are_those_of_the_tables(folder, opened, contents):
    found = by_key(contents.dataset("CE"), "USUBJID", "CESTDTC")
    lines = lines_of(folder, "episodes")
    assert len(found) == len(lines)
    counted = 0
    for line in lines:
        onset = datetime.fromisoformat(line["onset_utc"])
        row = found[
            f"NLC-01-{line['participant_id']}", f"{onset.replace(tzinfo=None).isoformat()}Z"
        ]
        seconds = float(line["duration_s"])
        ended = datetime.fromisoformat(row["CEENDTC"])
        assert (ended - onset).total_seconds() == pytest.approx(seconds, abs=1e-6)
        assert (row["CEDURS"], row["CEDUR"]) == (seconds, f"PT{seconds:g}S")
        assert row["CECONF"] == number(line["confidence"])
        assert row["CESTATUS"] == line["status"].upper()
        assert row["CECENSOR"] == (None if line["censored"] == "n/a" else line["censored"].upper())
        assert row["CENIGHT"] == line["night"]
        counts = line["status"] != "rejected" and line["kind"] == "cramp"
        assert row["CECOUNTS"] == ("Y" if counts else "N")
        assert row["CETERM"].replace("NOCTURNAL LEG ", "") == line["kind"].upper().replace("_", " ")
        counted += counts
    assert counted == len(opened.counted_episodes)
    answers = by_key(contents.dataset("XD"), "USUBJID", "XDDTC")
    for line in lines_of(folder, "diary"):
        row = answers[f"NLC-01-{line['participant_id']}", line["night"]]
        cells = [number(line[name]) for name in ("cramps", "severity", "minutes")]
        assert [row["XDCNT"], row["XDSEV"], row["XDMIN"]] == cells


def test_lists_are_those_of_the_tables_in_the_words_of_the_standard(contents):
    events = list(contents.dataset("AE").records())
    assert [row["AESEQ"] for row in events] == [1, 2]
    assert list(events[0].values())[4:] == [
        *("Bleeding", "2026-03-03", "2026-03-04", "SEVERE", "Y", "POSSIBLE"),
        "NOT RECOVERED/NOT RESOLVED",
    ]
    assert list(events[1].values())[4:] == ["Cramp", "2026-03-05", None, "MILD", "N", None, None]
    products = list(contents.dataset("CM").records())
    assert [row["CMCAT"] for row in products] == ["MAGNESIUM", "VITAMIN K ANTAGONIST"]
    assert [row["CMENDTC"] for row in products] == [None, "2026-03-09"]
    (deviation,) = list(contents.dataset("DV").records())
    assert [deviation[f"DV{name}"] for name in ("TERM", "CAT", "SEV")] == [None, "VISIT", "MINOR"]
    (event,) = list(contents.dataset("DE").records())
    assert [event[f"DE{name}"] for name in ("TERM", "CAT", "SEV")] == [
        "Itch",
        "SKIN REACTION",
        None,
    ]


def test_weeks_are_the_weekly_table(opened, contents):
    rows = list(contents.dataset("ADWK").records())
    table = weekly_table(opened)
    assert len(rows) == len(table)
    pairs = {"NLCCNT": "episodes", "NLCRATE": "rate", "ANLHRS": "analysable_hours"}
    pairs |= {
        "NLCMEAN": "mean_minutes",
        "DIARYCNT": "diary_cramps",
        "TRTP": "arm",
        "NREC": "nights_recorded",
    }
    for row, known in zip(rows, table.to_dict("records"), strict=True):
        assert row["USUBJID"] == f"NLC-01-{known['participant_id']}"
        assert row["AVISITN"] == known["week"]
        assert row["DISPLFL"] == ("Y" if known["displayed"] else "N")
        for name, source in pairs.items():
            value = known[source]
            expected = None if pd.isna(value) else value
            assert row[name] == (
                expected if isinstance(expected, str | None) else pytest.approx(expected, rel=1e-11)
            )


def test_names_and_labels_fit_every_format(contents):
    for dataset in contents.datasets:
        names = [variable.name for variable in dataset.variables]
        assert len(set(names)) == len(names)
        for variable in (*dataset.variables, dataset):
            assert re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", variable.name)
            assert 1 <= len(variable.label) <= 40
        keys = [variable.name for variable in dataset.variables if variable.key]
        assert len(by_key(dataset, *keys)) == len(dataset.rows)
        for variable, values in zip(
            dataset.variables, zip(*dataset.rows, strict=True), strict=True
        ):
            if variable.terms:
                assert {value for value in values if value is not None} <= set(variable.terms)


def test_the_dictionary_speaks_of_exported_names_only(contents):
    for dataset in contents.datasets:
        for variable in dataset.variables:
            assert not re.search(r"[a-z]+_[a-z]+|\{", variable.definition), variable


def test_csv_is_read_back_value_for_value(opened, contents):
    files = exported(opened, "csv")
    for dataset in contents.datasets:
        kinds = {
            v.name: str for v in dataset.variables if v.kind not in {Kind.INTEGER, Kind.DECIMAL}
        }
        frame = pd.read_csv(io.BytesIO(files[f"{dataset.name.lower()}.csv"]), dtype=kinds)
        assert_same(frame, dataset)
    listed = json.loads(files["dictionary.json"])["variables"]
    assert {entry["availability"] for entry in listed} == {"exported"}
    rows = list(csv.DictReader(io.StringIO(files["dictionary.csv"].decode("utf-8"))))
    assert [row["variable"] for row in rows] == [entry["variable"] for entry in listed]


def assert_same(frame, dataset):
    """Compare a data frame of an independent reader with a dataset, cell by cell."""
    assert list(frame.columns) == [variable.name for variable in dataset.variables]
    assert len(frame) == len(dataset.rows)
    for variable, known in zip(dataset.variables, zip(*dataset.rows, strict=True), strict=True):
        read = [None if pd.isna(value) or value == "" else value for value in frame[variable.name]]
        assert read == list(known), variable.name


@pytest.mark.parametrize("reader", ["pyreadstat", "pandas"])
def test_transport_files_are_read_back_value_for_value(opened, contents, tmp_path, reader):
    files = exported(opened, "xpt")
    for dataset in contents.datasets:
        file = tmp_path / f"{dataset.name.lower()}.xpt"
        file.write_bytes(files[file.name])
        assert file.stat().st_size % 80 == 0
        if reader == "pyreadstat":
            frame, about = pyreadstat.read_xport(file)
            assert about.table_name == dataset.name
            assert about.file_label == dataset.label
            assert about.column_labels == [variable.label for variable in dataset.variables]
        else:
            frame = pd.read_sas(file, format="xport", encoding="utf-8")
            frame = frame.replace(ZERO_AS_PANDAS_READS_IT, 0.0)
        assert_same(frame, dataset)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e70, max_value=1e70))
def test_an_ibm_double_keeps_every_number(value):
    if 0 < abs(value) < 1e-70:
        return
    data = ibm_double(value)
    sign = -1 if data[0] & 0x80 else 1
    fraction = int.from_bytes(data[1:], "big")
    assert sign * math.ldexp(fraction, 4 * ((data[0] & 0x7F) - 64) - 56) == value
    assert fraction == 0 or data[1] >= 0x10


@pytest.mark.parametrize("value", [1e77, 1e-90, math.nan, math.inf])
def test_a_number_beyond_ibm_doubles_is_refused(value):
    with pytest.raises(UsageError, match="transport file"):
        ibm_double(value)


def test_a_text_that_a_transport_file_cannot_hold_is_refused():
    variable = Variable("XNREASND", "Reason", Kind.TEXT, "Why.")
    dataset = Dataset("XN", "Nights", (variable,), (("ü" * 101,),))
    with pytest.raises(UsageError, match=r"XNREASND .* has 202 bytes"):
        transport_file(dataset, MADE)


def test_the_places_of_variables_follow_each_other(contents):
    """SAS goes by them; other readers add up the lengths."""
    dataset = contents.dataset("XN")
    data = transport_file(dataset, MADE)
    width = 140
    begin = data.index(b"HEADER RECORD*******NAMESTR") + 80
    place = 0
    for number in range(len(dataset.variables)):
        record = data[begin + number * width : begin + (number + 1) * width]
        assert int.from_bytes(record[84:88], "big") == place
        place += int.from_bytes(record[4:6], "big")
    rows = data[data.index(b"HEADER RECORD*******OBS") + 80 :]
    assert len(rows) == -(-place * len(dataset.rows) // 80) * 80


def test_a_dataset_without_rows_is_a_file_all_the_same(tmp_path):
    dataset = Dataset("CE", "Events", (Variable("CETERM", "Term", Kind.TEXT, "What."),), ())
    (tmp_path / "ce.xpt").write_bytes(transport_file(dataset, MADE))
    frame, _ = pyreadstat.read_xport(tmp_path / "ce.xpt")
    assert (list(frame.columns), len(frame)) == (["CETERM"], 0)


ZERO_AS_PANDAS_READS_IT = 16.0**-65  # eight zero bytes, which are 0 by the format's definition
MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(([+-]\d{2}:\d{2})|Z)?$"
WORD = {"type": "string", "minLength": 1}
DATASET_JSON_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("datasetJSONCreationDateTime", "datasetJSONVersion", "itemGroupOID", "records"),
        *("name", "label", "columns"),
    ],
    "properties": {
        "datasetJSONCreationDateTime": {"type": "string", "pattern": MOMENT},
        "datasetJSONVersion": {"type": "string", "pattern": r"^1\.1(\.(0|([1-9][0-9]*)))?$"},
        "fileOID": WORD,
        "dbLastModifiedDateTime": {"type": "string", "pattern": MOMENT},
        "originator": {"type": "string"},
        "sourceSystem": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "version"],
            "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
        },
        "studyOID": WORD,
        "metaDataVersionOID": WORD,
        "metaDataRef": {"type": "string"},
        "itemGroupOID": WORD,
        "records": {"type": "integer", "minimum": 0},
        "name": WORD,
        "label": {"type": "string"},
        "columns": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["itemOID", "name", "label", "dataType"],
                "properties": {
                    "itemOID": WORD,
                    "name": WORD,
                    "label": {"type": "string"},
                    "dataType": {
                        "enum": [
                            *("string", "integer", "decimal", "float", "double", "boolean"),
                            *("datetime", "date", "time", "URI"),
                        ]
                    },
                    "targetDataType": {"enum": ["integer", "decimal"]},
                    "length": {"type": "integer", "minimum": 1},
                    "displayFormat": {"type": "string"},
                    "keySequence": {"type": "integer", "minimum": 1},
                },
            },
        },
        "rows": {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": ["string", "integer", "boolean", "number", "null"]},
            },
        },
    },
}
"""What CDISC's specification of Dataset-JSON 1.1 demands of a file, attribute by attribute."""

JSON_TYPES = {
    "string": str,
    "date": str,
    "datetime": str,
    "integer": int,
    "double": float,
}


def test_dataset_json_keeps_to_its_specification_and_is_read_back(opened, contents):
    files = exported(opened, "dataset-json")
    for dataset in contents.datasets:
        document = json.loads(files[f"{dataset.name.lower()}.json"])
        jsonschema.validate(document, DATASET_JSON_SCHEMA)
        order = [name for name in DATASET_JSON_SCHEMA["properties"] if name in document]
        assert list(document) == order
        read = DatasetJSON.from_dict(document)
        assert read.column_names == [variable.name for variable in dataset.variables]
        assert [tuple(row) for row in read.rows] == list(dataset.rows)
        assert read.records == len(dataset.rows)
        for place, column in enumerate(document["columns"]):
            kind, length = JSON_TYPES[column["dataType"]], column.get("length", 10**6)
            values = [row[place] for row in document["rows"] if row[place] is not None]
            assert all(type(value) is kind and len(str(value)) <= length for value in values)
            if column["dataType"] == "date":
                assert all(date.fromisoformat(value) for value in values)


def test_the_fhir_bundle_is_valid_and_holds_every_value(opened, contents):
    document = json.loads(exported(opened, "fhir")["bundle.json"], parse_float=Decimal)
    bundle = Bundle.model_validate(document)
    resources = {entry.fullUrl: entry.resource for entry in bundle.entry}
    assert len(resources) == len(bundle.entry)
    patients = {
        url: one.identifier[0].value
        for url, one in resources.items()
        if one.get_resource_type() == "Patient"
    }
    assert sorted(patients.values()) == sorted(f"NLC-01-{code}" for code in PEOPLE)
    found = {}
    for one in resources.values():
        if one.get_resource_type() == "Observation":
            assert one.device.reference in resources
            subject = patients[one.subject.reference]
            values = {part.code.coding[0].code: value_of(part) for part in one.component}
            name = one.code.coding[0].code
            period = one.effectivePeriod
            found.setdefault(name, []).append((subject, values, period, one))
    for dataset in contents.datasets:
        if dataset.name in {"XN", "CE", "XD", "ADWK"}:
            assert_observed(found[dataset.name], dataset)


def value_of(part):
    if part.dataAbsentReason is not None:
        return None
    if part.valueQuantity is not None:
        return float(part.valueQuantity.value)
    return part.valueString or part.valueDateTime.isoformat()


def assert_observed(found, dataset):
    assert len(found) == len(dataset.rows)
    for (subject, values, period, one), row in zip(found, dataset.records(), strict=True):
        assert subject == row["USUBJID"]
        assert values == {name: row[name] for name in values}
        timed = {f"{dataset.name}STDTC": "start", f"{dataset.name}ENDTC": "end"}
        for name in row.keys() - values.keys() - {"STUDYID", "DOMAIN", "USUBJID"}:
            moment = None if period is None else getattr(period, timed[name])
            expected = None if row[name] is None else datetime.fromisoformat(row[name])
            assert moment == expected
        if dataset.name == "CE":
            rejected = one.status == "entered-in-error"
            assert rejected == (row["CESTATUS"] == "REJECTED")
            coded = [coding.code for coding in one.code.coding if coding.system != CODES]
            assert coded == (["G47.62"] if row["CETERM"] == "NOCTURNAL LEG CRAMP" else [])


def test_units_of_variables_are_known_to_ucum_or_left_to_the_dictionary(contents):
    units = {
        v.unit
        for d in contents.datasets
        for v in d.variables
        if v.kind in {Kind.INTEGER, Kind.DECIMAL}
    }
    assert units - set(UNITS) == {"", "1 to 10", "ln(minutes)"}


def test_fhir_names_arms_only_when_they_are_open(folder, opened):
    document = exported(opened, "fhir")["bundle.json"]
    bundle = Bundle.model_validate_json(document)
    study = next(
        e.resource for e in bundle.entry if e.resource.get_resource_type() == "ResearchStudy"
    )
    assert sorted(group.name for group in study.comparisonGroup) == ["placebo", "vitamin K2"]
    closed = exported(load_study(folder), "fhir")["bundle.json"]
    Bundle.model_validate_json(closed)
    assert b"placebo" not in closed


FIELD = re.compile(r"[a-z][a-z0-9_]{0,99}")
VALIDATIONS = {
    "": r".*",
    "integer": r"-?\d+",
    "number": r"-?\d+(\.\d+)?(e-?\d+)?",
    "date_ymd": r"\d{4}-\d{2}-\d{2}",
    "datetime_seconds_ymd": r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}",
}


def test_redcap_takes_the_dictionary_and_the_records_fit_it(opened, contents):
    files = exported(opened, "redcap")
    lines = list(csv.reader(io.StringIO(files["redcap_dictionary.csv"].decode("utf-8"))))
    assert tuple(lines[0]) == DICTIONARY_HEADER
    assert len(DICTIONARY_HEADER) == 18
    fields = {line[0]: dict(zip(DICTIONARY_HEADER, line, strict=True)) for line in lines[1:]}
    assert len(fields) == len(lines) - 1
    assert next(iter(fields)) == "record_id"
    assert all(FIELD.fullmatch(name) for name in fields)
    forms = [about["Form Name"] for about in fields.values()]
    assert len(set(forms)) == 1 + sum(one != two for one, two in pairwise(forms))
    records = list(csv.DictReader(io.StringIO(files["redcap_import.csv"].decode("utf-8"))))
    reserved = {"redcap_repeat_instrument", "redcap_repeat_instance"}
    complete = {f"{form}_complete" for form in forms}
    assert set(records[0]) == set(fields) | reserved | complete
    keys = {
        (r["record_id"], r["redcap_repeat_instrument"], r["redcap_repeat_instance"])
        for r in records
    }
    assert len(keys) == len(records) == sum(len(dataset.rows) for dataset in contents.datasets)
    for record in records:
        assert_fits(record, fields)


def assert_fits(record, fields):
    form = record["redcap_repeat_instrument"] or "participant"
    if form != "participant":
        assert 1 <= int(record["redcap_repeat_instance"]) <= 32767
    assert record[f"{form}_complete"] == "2"
    for name, about in fields.items():
        if not record[name]:
            continue
        assert about["Form Name"] == form or name == "record_id"
        kind = about["Text Validation Type OR Show Slider Number"]
        assert re.fullmatch(VALIDATIONS[kind], record[name]), (name, record[name])
        if about["Field Type"] == "radio":
            choices = about["Choices, Calculations, OR Slider Labels"].split(" | ")
            assert record[name] in [choice.split(", ")[0] for choice in choices]


def test_redcap_records_are_read_back_value_for_value(opened, contents):
    text = exported(opened, "redcap")["redcap_import.csv"].decode("utf-8")
    records = list(csv.DictReader(io.StringIO(text)))
    forms = {"DM": "", "XN": "night", "CE": "episode", "XD": "diary", "ADWK": "week"}
    forms |= {"AE": "adverse_event", "CM": "concomitant", "DV": "deviation", "DE": "device_event"}
    for dataset in contents.datasets:
        form = forms[dataset.name]
        own = [record for record in records if record["redcap_repeat_instrument"] == form]
        for record, row in zip(own, dataset.records(), strict=True):
            for variable in dataset.variables:
                name = f"{form or 'participant'}_{variable.name.lower()}"
                if name in record:
                    assert as_redcap_says(record[name], variable.kind) == in_seconds(
                        row[variable.name], variable.kind
                    )


def as_redcap_says(cell, kind):
    if not cell:
        return None
    return float(cell) if kind in {Kind.INTEGER, Kind.DECIMAL} else cell


def in_seconds(value, kind):
    return value if value is None or kind is not Kind.DATETIME else value.replace("T", " ")[:19]


def test_an_instance_of_redcap_stays_the_same_when_nights_are_added(tmp_path):
    early = write_study(tmp_path / "early")
    late = write_study(tmp_path / "late")
    nights = (early / "nights.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (early / "nights.tsv").write_text("".join(nights[:1] + nights[4:]), encoding="utf-8")
    (early / "episodes.tsv").write_text("\t".join(HEADERS["episodes"].split()) + "\n")
    places = []
    for study in (early, late):
        text = exported(load_study(study), "redcap")["redcap_import.csv"].decode("utf-8")
        rows = [r for r in csv.DictReader(io.StringIO(text)) if r["night_xndtc"]]
        places.append(
            {(r["record_id"], r["night_xndtc"]): r["redcap_repeat_instance"] for r in rows}
        )
    assert places[0].items() < places[1].items()


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """Two blinded studies that differ in everybody's cramps and in nothing else."""
    home = tmp_path_factory.mktemp("twins")
    folders = [write_study(home / f"{seed}", seed) for seed in (1, 2)]
    events = folders[1] / "adverse_events.tsv"
    events.write_text(events.read_text(encoding="utf-8").replace("Cramp", "Cramps again"))
    for folder, words in zip(folders, ("slept through", "three bad cramps"), strict=True):
        nights = folder / "nights.tsv"
        text = nights.read_text(encoding="utf-8").replace("\tnot_worn", f"\t{words}", 2)
        nights.write_text(text, encoding="utf-8")
    return [load_study(folder) for folder in folders]


@pytest.mark.parametrize("name", FORMATS)
def test_no_byte_of_a_blinded_export_depends_on_the_cramps(twins, name):
    one, other = twins
    assert len(one.episodes) != len(other.episodes)
    assert exported(one, name) == exported(other, name)


def test_a_blinded_export_names_what_it_withholds(folder):
    study = load_study(folder)
    files = exported(study, "csv")
    assert set(files) == {
        *("dm.csv", "xn.csv", "adwk.csv"),
        *("dictionary.csv", "dictionary.json", "provenance.json"),
    }
    listed = json.loads(files["dictionary.json"])["variables"]
    held = {(e["dataset"], e["variable"]) for e in listed if e["availability"] != "exported"}
    assert {
        ("CE", "CEDURS"),
        ("XD", "XDCNT"),
        ("AE", "AETERM"),
        ("ADWK", "NLCCNT"),
        ("ADWK", "DIARYCNT"),
    } <= held
    assert all("blinded" in e["availability"] for e in listed if e["availability"] != "exported")
    assert b"NLCCNT" not in files["adwk.csv"]
    assert b"ARM" not in files["dm.csv"]
    assert json.loads(files["provenance.json"])["counts_withheld"] is True


def test_a_reason_in_a_site_s_own_words_stays_in_a_blinded_study(twins, tmp_path):
    files = exported(twins[1], "csv")
    reasons = {row["XNREASND"] for row in csv.DictReader(files["xn.csv"].decode().splitlines())}
    assert reasons == {"lift_off", "not_worn", "other"}
    assert b"three bad cramps" not in b"".join(files.values())
    assert json.loads(files["provenance.json"])["reasons_withheld"] == 2
    assert b"otherwise 'other'" in files["dictionary.csv"]
    opened = write_study(tmp_path / "open", blinding="open")
    nights = opened / "nights.tsv"
    nights.write_text(nights.read_text(encoding="utf-8").replace("not_worn", "three bad cramps"))
    files = exported(load_study(opened), "csv")
    assert b"three bad cramps" in files["xn.csv"]
    assert json.loads(files["provenance.json"])["reasons_withheld"] == 0


def test_an_open_study_withholds_nothing_and_has_no_arms(tmp_path):
    study = load_study(write_study(tmp_path / "open", blinding="open"))
    contents = tabulate(study, "X")
    assert contents.withheld == ()
    assert [dataset.name for dataset in contents.datasets] == ORDER
    assert not {"ARM", "TRTP"} & {v.name for d in contents.datasets for v in d.variables}


def test_provenance_says_who_made_it_and_of_what(opened):
    found = json.loads(exported(opened, "xpt")["provenance.json"])
    assert found["software"] == {"name": "nightcramp", "version": "1.2.3"}
    assert found["model"] == {"version": "7", "sha256": "ab" * 32}
    assert (found["audit_head"], found["input_sha256"]) == ("cd" * 32, "ef" * 32)
    assert found["rows"]["DM"] == len(PEOPLE)
    assert found["created_utc"] == "2026-04-01T09:30:00Z"


def test_a_crossover_has_the_sequence_and_the_arm_of_each_period(tmp_path):
    folder = write_study(tmp_path / "crossover")
    plan = (folder / "study.toml").read_text(encoding="utf-8").replace("weeks = 2", "weeks = 1", 1)
    (folder / "study.toml").write_text(plan + "[crossover]\nwashout_weeks = 1\n", encoding="utf-8")
    rows = ["participant_id\tarm\ttreatment_period"]
    for code in ARMS:
        rows += [f"{code}\tverum\t1", f"{code}\tsham\t2"]
    (folder / "arms.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    contents = tabulate(load_study(folder, arms=folder / "arms.tsv"), "X")
    people = by_key(contents.dataset("DM"), "SUBJID")
    assert people["S01-001",]["ARM"] == "verum then sham"
    weeks = by_key(contents.dataset("ADWK"), "USUBJID", "AVISITN")
    arms = [weeks["X-S01-001", week]["TRTP"] for week in (-1, 1, 2, 3)]
    assert arms == [None, "verum", None, "sham"]
    periods = [weeks["X-S01-001", week]["EPOCH"] for week in (-1, 1, 2, 3)]
    assert periods == ["RUN-IN", "TREATMENT", "WASHOUT", "TREATMENT"]


def test_where_sessions_are_analysed_they_are_the_nights(tmp_path):
    folder = write_study(tmp_path / "sessions")
    lines = ["participant_id start_utc end_utc recorded_hours analysable_hours reason"]
    for day, hours in ((0, "3 2.5 n/a"), (2, "n/a n/a n/a")):
        night = FIRST + timedelta(day)
        lines.append(f"P007 {night}T21:00:00Z {night + timedelta(1)}T01:00:00Z {hours}")
    text = "\n".join(lines).replace(" ", "\t") + "\n"
    (folder / "sessions.tsv").write_text(text, encoding="utf-8")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write("[sessions]\nper_week = 3\nhours = 4\n")
    rows = list(tabulate(load_study(folder), "X").dataset("XN").records())
    names = ("USUBJID", "XNDTC", "XNENDTC", "XNRECHR", "XNANLHR", "XNSTAT")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("X-P007", "2026-03-02", "2026-03-03T01:00:00Z", 3.0, 2.5, None),
        ("X-P007", "2026-03-04", "2026-03-05T01:00:00Z", None, None, "NOT DONE"),
    ]


def test_contents_know_their_datasets(contents):
    assert isinstance(contents, Contents)
    assert contents.dataset("DM").name == "DM"
    assert contents.dataset("NONE") is None
