"""HL7 FHIR R5: one Bundle of Observations, with the resources that they speak of.

A night, an episode, a morning's diary and a week are an Observation each; their values are its
components. Lists (adverse events, products, deviations) are no observations and are not in it. The
Device is the software, whose versions are the provenance. Identifiers of resources are made of the
study's and the participant's codes, so that an export made again has the same ones.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from trial.exports.dataset import Kind, Value, Variable
from trial.exports.variables import CRAMP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trial.exports.dataset import Contents, Dataset
    from trial.exports.origin import Origin

__all__ = ["CODES", "UNITS", "fhir_files"]

CODES = "urn:nightcramp:codes"
"""Code system of the names of datasets and variables, as the data dictionary defines them."""

UNITS = {
    "hours": "h",
    "seconds": "s",
    "minutes": "min",
    "years": "a",
    "days": "d",
    "weeks": "wk",
    "nights": "{nights}",
    "cramps": "{cramps}",
    "cramps per week": "{cramps}/wk",
    "probability": "1",
}
"""UCUM codes of the units of variables."""

_UCUM = "http://unitsofmeasure.org"
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_GENDERS = {"F": "female", "M": "male"}
_STATUS = {"AUTO": "preliminary", "CONFIRMED": "final", "REJECTED": "entered-in-error"}
_SLEEP_RELATED_LEG_CRAMPS = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G47.62"}
_NOT_COMPONENTS = frozenset({"STUDYID", "DOMAIN", "USUBJID"})

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Observed:
    """How the rows of a dataset become Observations.

    Attributes
    ----------
    category : str
        Of the HL7 code system of observation categories.
    key : tuple of str
        Variables that tell the rows of a participant apart.
    timing : tuple of str
        Variables of the begin and the end; a row that lacks the begin has the date of its key.
    """

    category: str
    key: tuple[str, ...]
    timing: tuple[str, ...] = ()


_OBSERVED = {
    "XN": _Observed("procedure", ("XNDTC",), ("XNSTDTC", "XNENDTC")),
    "CE": _Observed("procedure", ("CESTDTC",), ("CESTDTC", "CEENDTC")),
    "XD": _Observed("survey", ("XDDTC",)),
    "ADWK": _Observed("procedure", ("ASTDTC",)),
}


def fhir_files(contents: Contents, origin: Origin) -> dict[str, bytes]:
    """Return ``bundle.json``."""
    bundle: Json = {
        "resourceType": "Bundle",
        "identifier": {"system": CODES, "value": f"{contents.study_id}.{origin.input_hash[:16]}"},
        "type": "collection",
        "timestamp": origin.created_utc,
    }
    # One resource at a time: a whole trial of them as objects would fill the memory.
    content = bytearray(_encoded(bundle).removesuffix(b"}") + b',"entry":[')
    for entry in _Writer(contents, origin).entries():
        content += _encoded(entry) + b","
    content[-1:] = b"]}"
    return {"bundle.json": bytes(content)}


def _encoded(resource: Json) -> bytes:
    text = json.dumps(resource, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the resources of one study, which refer to each other."""

    contents: Contents
    origin: Origin

    def entries(self) -> Iterator[Json]:
        participants = self.contents.dataset("DM")
        people = [] if participants is None else list(participants.records())
        yield self._entry("device", self._device())
        yield self._entry("study", self._study(people))
        for person in people:
            yield self._entry(f"patient/{person['USUBJID']}", self._patient(person))
            yield self._entry(f"subject/{person['USUBJID']}", self._subject(person))
        for dataset in self.contents.datasets:
            if dataset.name in _OBSERVED:
                yield from self._observations(dataset)

    def _device(self) -> Json:
        made = self.origin.provenance
        versions = {
            "software": made.code_version,
            "model": made.model_version,
            "model-sha256": made.model_hash,
            "input-sha256": self.origin.input_hash,
            "audit-head": made.audit_head,
        }
        return {
            "resourceType": "Device",
            "name": [{"value": "nightcramp", "type": "user-friendly-name"}],
            "version": [
                {"type": {"text": name}, "value": value}
                for name, value in versions.items()
                if value
            ],
        }

    def _study(self, people: list[Mapping[str, Value]]) -> Json:
        study: Json = {
            "resourceType": "ResearchStudy",
            "identifier": [{"system": CODES, "value": self.contents.study_id}],
            "title": self.contents.title,
            "status": "active",
        }
        arms = sorted({str(person["ARM"]) for person in people if person.get("ARM")})
        if arms:
            groups = [{"linkId": self._uuid(f"arm/{arm}"), "name": arm} for arm in arms]
            study["comparisonGroup"] = groups
        return study

    def _patient(self, person: Mapping[str, Value]) -> Json:
        return {
            "resourceType": "Patient",
            "identifier": [{"system": CODES, "value": person["USUBJID"]}],
            "gender": _GENDERS.get(str(person["SEX"]), "unknown"),
        }

    def _subject(self, person: Mapping[str, Value]) -> Json:
        subject: Json = {
            "resourceType": "ResearchSubject",
            "status": "active",
            "study": self._reference("study"),
            "subject": self._reference(f"patient/{person['USUBJID']}"),
        }
        if person.get("ARM"):
            subject["assignedComparisonGroup"] = self._uuid(f"arm/{person['ARM']}")
        return subject

    def _observations(self, dataset: Dataset) -> Iterator[Json]:
        observed = _OBSERVED[dataset.name]
        apart = {*_NOT_COMPONENTS, *observed.timing}
        values = [variable for variable in dataset.variables if variable.name not in apart]
        for row in dataset.records():
            key = "/".join(str(row[name]) for name in ("USUBJID", *observed.key))
            observation: Json = {
                "resourceType": "Observation",
                "status": _STATUS[str(row["CESTATUS"])] if dataset.name == "CE" else "final",
                "category": [{"coding": [{"system": _CATEGORIES, "code": observed.category}]}],
                "code": _code_of(dataset, row),
                "subject": self._reference(f"patient/{row['USUBJID']}"),
                **_effective(row, observed),
                "device": self._reference("device"),
                "component": [_component(variable, row[variable.name]) for variable in values],
            }
            yield self._entry(f"{dataset.name}/{key}", observation)

    def _entry(self, name: str, resource: Json) -> Json:
        return {"fullUrl": self._reference(name)["reference"], "resource": resource}

    def _reference(self, name: str) -> Json:
        return {"reference": f"urn:uuid:{self._uuid(name)}"}

    def _uuid(self, name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{CODES}/{self.contents.study_id}/{name}"))


def _code_of(dataset: Dataset, row: Mapping[str, Value]) -> Json:
    own = {"system": CODES, "code": dataset.name, "display": dataset.label}
    is_cramp = row.get("CETERM") == CRAMP
    return {"coding": [own, _SLEEP_RELATED_LEG_CRAMPS] if is_cramp else [own]}


def _effective(row: Mapping[str, Value], observed: _Observed) -> Json:
    """Return when it was: a period where begin or end are known, else the date."""
    if "AVISITN" in row:
        first = date.fromisoformat(str(row["ASTDTC"]))
        week = {"start": first.isoformat(), "end": (first + timedelta(days=6)).isoformat()}
        return {"effectivePeriod": week}
    names = dict(zip(("start", "end"), observed.timing, strict=False))
    period = {end: row[name] for end, name in names.items() if row[name] is not None}
    return {"effectivePeriod": period} if period else {"effectiveDateTime": row[observed.key[0]]}


def _component(variable: Variable, value: Value) -> Json:
    code = {"coding": [{"system": CODES, "code": variable.name}], "text": variable.label}
    if value is None:
        absent = {"coding": [{"system": _ABSENT, "code": "unknown"}]}
        return {"code": code, "dataAbsentReason": absent}
    match variable.kind:
        case Kind.INTEGER | Kind.DECIMAL:
            return {"code": code, "valueQuantity": _quantity(variable, value)}
        case Kind.TEXT:
            return {"code": code, "valueString": value}
        case _:
            return {"code": code, "valueDateTime": value}


def _quantity(variable: Variable, value: Value) -> Json:
    unit = UNITS.get(variable.unit)
    if unit is not None:
        return {"value": value, "unit": variable.unit, "system": _UCUM, "code": unit}
    return {"value": value, "unit": variable.unit} if variable.unit else {"value": value}
