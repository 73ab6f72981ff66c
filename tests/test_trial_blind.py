"""Who reads every blinded output of a trial learns nothing of anybody's arm.

The guesser has the files and knows whom they are about. It takes every number that stands near a
participant, in whatever file, their differences and ratios between run-in and treatment, every
order in which participants appear, and the colours of the wear map; it is even given the best
direction for each. What it gets right is held against what the same search gets right by luck,
with the arms dealt out anew.
"""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from benchmarks.trial_study import TREATMENT, write_trial
from trial import (
    Provenance,
    document,
    load_study,
    page_to_pdf,
    participant_sheet,
    published_tables,
    render_page,
    render_participant,
    work_out,
)
from trial.statistics import TrialSpec

MADE = Provenance("1.2.3", "model-7", "ab" * 32, datetime(2026, 4, 1, 9, tzinfo=UTC))
NUMBER = re.compile(r"(?<![\w.])[−-]?\d+(?:\.\d+)?")
DEALT = 300
SHEETS = 20

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_trial(tmp_path_factory.mktemp("trial"), 7)


@pytest.fixture(scope="module")
def arms(folder):
    """Whether each participant is treated, by code."""
    table = pd.read_csv(folder / "arms.tsv", sep="\t", index_col=0)
    return table["arm"].eq(TREATMENT)


def outputs(study, people=(), *, with_pdf=True):
    """Return everything that is written of a study, by file name."""
    results = work_out(study)
    page = render_page(results, MADE)
    texts = {"report.html": page, "report.pdf": pdf_text(page) if with_pdf else ""}
    texts["outcomes.json"] = json.dumps(document(results, MADE))
    for name, table in published_tables(study).items():
        texts[f"{name}.csv"] = table.to_csv(index=False)
    for name in people:
        sheet = participant_sheet(study, name, week=8)
        texts[f"sheet {name}"] = render_participant(sheet, study, MADE)
    return texts


def pdf_text(page):
    """Return what a reader of the PDF can copy out of it."""
    pytest.importorskip("weasyprint", reason="the PDF is made by WeasyPrint", exc_type=ImportError)
    pdfium = pytest.importorskip("pypdfium2", reason="the PDF is read by pdfium")
    with pdfium.PdfDocument(page_to_pdf(page)) as pdf:
        return "\n".join(pdf[number].get_textpage().get_text_range() for number in range(len(pdf)))


class Guesser:
    """Numbers of participants from texts; one column for each kind of number."""

    def __init__(self, people):
        self.people = list(people)
        self.columns = {}

    def note(self, kind, person, value):
        if person in self.people:
            column = self.columns.setdefault(kind, {})
            column.setdefault(person, float(value))

    def read(self, texts):
        for name, text in texts.items():
            if name.endswith(".csv"):
                self.read_table(name, pd.read_csv(io.StringIO(text)))
            elif name.endswith(".json"):
                self.read_json(json.loads(text))
            self.read_surroundings(name.split(" ", maxsplit=1)[0], text)
            self.read_order(name, text)
        self.read_wear_map(texts)
        self.compare_periods()

    def read_table(self, name, table):
        if "participant_id" not in table:
            return
        key = next((key for key in ("period", "week") if key in table), None)
        for row in table.to_dict("records"):
            when = "" if key is None else row[key]
            for column, value in row.items():
                if isinstance(value, (int, float)) and column != key:
                    self.note((name, column, when), row["participant_id"], value)

    def read_json(self, value, path=()):
        if isinstance(value, dict):
            who = value.get("participant_id")
            for key, part in value.items():
                if who is not None and isinstance(part, (int, float)):
                    self.note(("json", key, value.get("period", "")), who, part)
                self.read_json(part, (*path, key))
        elif isinstance(value, list):
            for part in value:
                self.read_json(part, path)

    def read_surroundings(self, name, text):
        """Note the numbers that follow a participant's code, by their place after it."""
        plain = unescape(re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL))
        for found in re.finditer(r"\bS\d-\d{3}\b", plain):
            after = plain[found.end() : found.end() + 400]
            after = re.split(r"\bS\d-\d{3}\b", after, maxsplit=1)[0]
            for place, value in enumerate(NUMBER.findall(after)[:25]):
                self.note((name, "after", place), found[0], value.replace("−", "-"))
            self.note((name, "letters", 0), found[0], len(after))

    def read_order(self, name, text):
        """Note where participants appear first, and how often."""
        codes = re.findall(r"\bS\d-\d{3}\b", text)
        for place, code in enumerate(dict.fromkeys(codes)):
            self.note((name, "order", 0), code, place)
            self.note((name, "mentions", 0), code, codes.count(code))

    def read_wear_map(self, texts):
        """Note the colours of the rows of the wear map: by site, then by hours."""
        hours = {code: self.columns["periods.csv", "analysable_hours", "run_in"].get(code, 0)
                 + self.columns["periods.csv", "analysable_hours", "treatment"].get(code, 0)
                 for code in self.people}  # fmt: skip
        rows = sorted(self.people, key=lambda code: (code[:2], -hours[code]))
        for image in re.findall(r'base64,\s*([^"]+)"', texts["report.html"]):
            pixels = imread(io.BytesIO(base64.b64decode(image)))
            for row, code in enumerate(rows):
                for colour in range(3):
                    self.note(("wear", colour, "run_in"), code, pixels[row, :14, colour].mean())
                    self.note(("wear", colour, "treatment"), code, pixels[row, 14:, colour].mean())

    def compare_periods(self):
        for kind, run_in in list(self.columns.items()):
            treatment = self.columns.get((*kind[:-1], "treatment"))
            if kind[-1] == "run_in" and treatment:
                for code in run_in.keys() & treatment.keys():
                    one, other = run_in[code], treatment[code]
                    self.note((*kind[:-1], "change"), code, other - one)
                    self.note((*kind[:-1], "ratio"), code, (other + 0.5) / (one + 0.5))

    def guesses(self):
        """Return for each kind of number who lies above its median, as −1, 0 (not known) or 1."""
        found = []
        for column in self.columns.values():
            values = pd.Series(column).reindex(self.people)
            if len(set(column.values())) > 1 and values.notna().sum() >= 20:
                sides = np.sign(values.rank(pct=True) - 0.5).fillna(0.0)
                found.append(sides.to_numpy())
        return np.array(found)


def best_share(guesses, truth):
    """Return the largest share that any kind of number gets right, in its better direction."""
    known = (guesses != 0).sum(axis=1)
    right = np.abs(guesses @ np.where(truth, 1, -1).T)
    return float(((known[:, None] + right.reshape(len(guesses), -1)) / 2 / known[:, None]).max())


def by_luck(guesses, truth):
    """Return what the same search gets right if the arms mean nothing, 99 times of 100."""
    rng = np.random.default_rng(5)
    shares = [best_share(guesses, rng.permutation(truth)) for _ in range(DEALT)]
    return float(np.quantile(shares, 0.99))


def test_nobody_guesses_an_arm_from_what_a_blinded_trial_writes(folder, arms):
    guesser = Guesser(arms.index)
    guesser.read(outputs(load_study(folder), arms.index[:SHEETS]))
    guesses = guesser.guesses()
    assert len(guesses) > 60
    assert best_share(guesses, arms.to_numpy()) <= by_luck(guesses, arms.to_numpy())


def test_the_same_guesser_finds_most_arms_in_what_an_unblinded_trial_writes(folder, arms):
    texts = outputs(load_study(folder, arms=folder / "arms.tsv"), with_pdf=False)
    periods = pd.read_csv(io.StringIO(texts["periods.csv"])).drop(columns="arm")
    guesser = Guesser(arms.index)
    guesser.read({**texts, "periods.csv": periods.to_csv(index=False)})
    guesses = guesser.guesses()
    share = best_share(guesses, arms.to_numpy())
    assert share > 0.75
    assert share > by_luck(guesses, arms.to_numpy()) + 0.1


def test_two_weekly_reports_differ_by_whole_blocks_of_participants(tmp_path):
    """Whatever cell of one report is taken from that of the next, five people are behind it."""
    study = load_study(write_trial(tmp_path, 3, TrialSpec(treated=14, controls=13, weeks=3)))
    earlier = None
    for cut in pd.date_range("2025-02-02", "2025-04-06", freq="7D"):
        table = weekly(study, cut)
        if earlier is not None:
            added = table["participants"] - earlier["participants"]
            changed = (table["episodes"].fillna(0) - earlier["episodes"].fillna(0)) != 0
            assert set(added) <= set(range(0, 200, 5))
            assert (added[changed] >= 5).all()
        earlier = table
    assert earlier is not None
    assert earlier["participants"].tolist() == [25, 25, 25, 25, 25]


def weekly(study, cut):
    """Return the pooled weeks of the report that was written after a night."""
    part = replace(
        study,
        nights=study.nights[study.nights["night"] <= cut].reset_index(drop=True),
        episodes=study.episodes[study.episodes["night"] <= cut].reset_index(drop=True),
        diary=study.diary[study.diary["night"] <= cut].reset_index(drop=True),
    )
    table = published_tables(part)["weekly"].set_index("week")
    return table.assign(participants=table["participants"].where(table["episodes"].notna(), 0))
