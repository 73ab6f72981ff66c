"""The evaluation from the command line: page and JSON, suites, traces, conditions."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from models import Judged, TrueEvent, TruthKind
from models.evaluation import Origin, score_each
from nightcramp.errors import InputError
from nightcramp.evaluation.conditions import (
    CONDITIONS,
    origin_of_name,
    read_conditions,
    write_conditions,
)
from nightcramp.evaluation.numbers import as_numbers, as_text
from nightcramp.evaluation.page import render_page
from nightcramp.evaluation.suites import SUITES, suite_nights
from nightcramp.evaluation.summary import summarise
from nightcramp.evaluation.trace import Trace, read_trace, write_trace
from nightcramp.scoring import Results
from sensing import Event, EventKind

MAKERS = {"code_version": "1+a", "model_version": "1", "model_sha256": "0" * 64}


def night(name, truth, detected, origin=None, hours=8.0):
    events = tuple(TrueEvent(on, length, TruthKind.CRAMP, 8.0) for on, length in truth)
    found = tuple(Event(on, length, EventKind.CRAMP, confidence=0.9) for on, length in detected)
    return Judged(name, hours, events, found, origin or Origin(suite="plm", simulated=True))


def results(tmp_path, *nights):
    return Results(tmp_path, tuple(score_each(nights)), (MAKERS,) * len(nights), ())


@pytest.fixture
def three_nights(tmp_path):
    """Return a hit, a miss and two false alarms, one of them in a real recording."""
    for name in ("a", "b"):
        score = np.zeros(28_800, dtype=np.float32)
        score[100:160] = 0.95
        write_trace(tmp_path / f"{name}_trace.npz", Trace(1 + 9 * score, score, 0.6, 10.0))
    real = Origin("elderly_01", "elderly", simulated=False)
    return results(
        tmp_path,
        night("a", [(100, 60)], [(100, 60), (9000, 30)]),
        night("b", [(100, 60), (4000, 90)], [(100, 66)]),
        night("elderly_01_TA", [], [(5, 20)], real, hours=0.5),
    )


class _Outline(HTMLParser):
    """Checks that tags nest, and collects what a page asks for."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.fetched, self.identifiers = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        named = dict(attrs)
        self.fetched += [named[key] for key in ("src", "href", "xlink:href") if key in named]
        self.identifiers += [named["id"]] if "id" in named else []
        if tag not in {"meta", "link", "br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page):
    parser = _Outline()
    parser.feed(page)
    assert not parser.open
    return parser


def test_the_page_stands_alone_and_names_what_it_counted(three_nights):
    page = render_page(summarise(three_nights), three_nights)
    found = outline(page)
    assert "script" not in found.tags
    assert all(place.startswith("#") for place in found.fetched)
    assert len(set(found.identifiers)) == len(found.identifiers)
    assert found.tags.count("svg") == 6 + 2, "six figures, a false alarm and a miss"
    text = re.sub(r"<[^>]+>", " ", page)
    assert "2 of 3 cramps" in text
    assert "Simulated cramps" in text
    assert "Real recordings: false alarms only" in text


def test_real_recordings_are_kept_apart_from_simulated_nights(three_nights):
    numbers = as_numbers(summarise(three_nights), three_nights)
    assert numbers["recordings"] == 2
    assert numbers["simulated"] is True
    assert numbers["false_alarms"] == 1
    assert numbers["by_suite"]["plm"]["false_alarms_per_8h"]["rate"] == 0.5
    assert numbers["recorded_sources"]["elderly"]["false_alarms_per_8h"]["count"] == 1
    assert json.loads(json.dumps(numbers)) == numbers


def test_latency_and_calibration_come_from_traces(three_nights):
    numbers = as_numbers(summarise(three_nights), three_nights)
    assert numbers["latency_s"]["count"] == 2
    assert numbers["latency_s"]["median"] == 10.0
    seconds = numbers["reliability"]["seconds"]
    assert seconds["bins"][-1] | {"squared": 0, "probability": 0} == {
        "count": 120,
        "probability": 0,
        "true": 120,
        "squared": 0,
    }


def test_without_traces_the_page_says_so(tmp_path):
    found = results(tmp_path, night("a", [(100, 60)], [(100, 60), (9000, 30)]))
    page = render_page(summarise(found), found)
    assert "No trace of the nights was kept" in page
    assert "None, or no trace of the nights was kept" in page


def test_nights_without_a_cramp_or_an_hour_still_make_a_page(tmp_path):
    for hours in (8.0, 0.0):
        found = results(tmp_path, night("a", [], [], hours=hours))
        summary = summarise(found)
        outline(render_page(summary, found))
        assert "none known" not in as_text(summary).splitlines()[0]
        assert as_numbers(summary, found)["cramps_all"]["share"] is None


def test_recorded_cramps_are_never_called_simulated(tmp_path):
    found = results(tmp_path, night("a", [(100, 60)], [(100, 60)], Origin(simulated=False)))
    page = render_page(summarise(found), found)
    assert "Recorded cramps" in page
    assert "No public recording" not in page
    stated = results(tmp_path, night("a", [(100, 60)], [(100, 60)], Origin()))
    assert "not stated" in render_page(summarise(stated), stated)


def test_conditions_are_read_as_they_were_written(tmp_path):
    origins = {
        "a": Origin("p1", "plm", "npg", simulated=True),
        "b": Origin("p2", "elderly", simulated=False),
        "c": Origin(),
    }
    assert read_conditions(tmp_path) == {}
    write_conditions(tmp_path, origins)
    assert read_conditions(tmp_path) == origins
    (tmp_path / CONDITIONS).write_text("name\tsuite\na\tplm\n")
    with pytest.raises(InputError, match="participant_id"):
        read_conditions(tmp_path)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        (
            "sim-3000001_toilet-trips_profile-v1",
            Origin("sim-3000001", "toilet_trips", "profile_v1", simulated=True),
        ),
        ("sub-07_ses-20260112_task-sleep", Origin("sub-07")),
        ("night", Origin()),
    ],
)
def test_names_tell_where_a_recording_is_from(name, origin):
    assert origin_of_name(name) == origin


def test_a_trace_is_read_as_it_was_written(tmp_path):
    level = np.array([1.0, np.nan, 1e6], dtype=np.float32)
    score = np.array([0.1, np.nan, 1.0], dtype=np.float32)
    path = tmp_path / "a_trace.npz"
    assert read_trace(path) is None
    write_trace(path, Trace(level, score, 0.6, 10.0))
    trace = read_trace(path)
    np.testing.assert_array_equal(trace.score, score)
    np.testing.assert_array_equal(trace.level, [1.0, np.nan, 60_000.0])
    assert (trace.on, trace.shortest_s) == (0.6, 10.0)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match="not a trace"):
        read_trace(path)


def test_suites_take_every_sensor_in_turn_and_nobody_twice():
    specs = suite_nights(9, 8.0)
    assert len({spec.participant_seed for spec in specs}) == len(specs) == 9 * len(SUITES)
    assert min(spec.participant_seed for spec in specs) >= 3_000_000
    for suite in SUITES:
        nights = [spec for spec in specs if spec.suite == suite]
        assert len({spec.sensor for spec in nights}) == len(nights) == 9


@pytest.mark.slow
def test_suites_and_page_come_from_one_command_and_go_on_where_they_stopped(tmp_path, run):
    suites = ("--suite", "quiet", "--suite", "hum")
    words = ("evaluate", *suites, "--nights", 1, "--hours", 0.5, "--jobs", 1, "--out", tmp_path)
    code, shown, _ = run(*words, "--json")
    assert code == 0
    numbers = json.loads(shown)
    assert numbers == json.loads((tmp_path / "evaluation.json").read_text())
    assert set(numbers["by_suite"]) == {"quiet", "hum"}
    assert numbers["latency_s"] is None or numbers["latency_s"]["count"] <= 2
    outline((tmp_path / "evaluation.html").read_text())
    traces = sorted((tmp_path / "nights").glob("*_trace.npz"))
    made = [trace.stat().st_mtime_ns for trace in traces]
    summaries = [path.read_bytes() for path in sorted((tmp_path / "nights").glob("*_night.json"))]
    traces[0].unlink()
    assert json.loads(run(*words, "--json")[1]) == numbers
    assert [path.read_bytes() for path in sorted((tmp_path / "nights").glob("*_night.json"))] == (
        summaries
    )
    assert traces[0].is_file()
    assert traces[1].stat().st_mtime_ns == made[1]


def test_pictures_can_be_had_from_recordings_of_an_analysis(tmp_path, run):
    nights, found = tmp_path / "nights", tmp_path / "results"
    words = "simulate nights --count 1 --hours 0.2 --suite dense --sensor demo --seed 3000100"
    assert run(*words.split(), "--out", nights, "--jobs", 1)[0] == 0
    assert run("analyze", nights, "--out", found, "--no-picture", "--jobs", 1)[0] == 0
    code, shown, _ = run(
        "evaluate", found, "--truth", nights, "--recordings", nights, "--json", "--jobs", 1
    )
    assert code == 0
    assert json.loads(shown)["reliability"]["seconds"]["brier"] < 0.5
    (found / "sim-3000100_dense_demo_trace.npz").unlink()
    summary = found / "sim-3000100_dense_demo_night.json"
    summary.write_text(summary.read_text().replace('"model_sha256": "', '"model_sha256": "0'))
    code, _, errors = run("evaluate", found, "--truth", nights, "--recordings", nights)
    assert code == 1
    assert "another model" in errors


def test_an_unknown_suite_is_refused_before_a_folder_is_made(tmp_path, run):
    out = tmp_path / "out"
    code, _, errors = run("evaluate", "--suite", "noisy", "--out", out)
    assert code == 2
    assert "no suite 'noisy': expected one of ordinary, quiet" in errors
    assert not out.exists()


@pytest.mark.parametrize("words", [(), ("--suites",), ("--suite", "plm"), ("somewhere",)])
def test_what_is_missing_on_the_command_line_is_wrong_use(run, words):
    assert run("evaluate", *words)[0] == 2


def test_nothing_is_called_right_where_no_cramp_was(tmp_path):
    found = results(tmp_path, night("a", [], []))
    summary = summarise(found)
    assert as_numbers(summary, found)["durations_within_5s_or_10_percent"] is None
    assert "durations right" not in as_text(summary)
    assert "right to" not in render_page(summary, found)


def test_labels_without_an_amplitude_are_in_no_figure_of_amplitudes_but_in_those_of_edges(tmp_path):
    labels = (
        TrueEvent(100.0, 60.0, TruthKind.CRAMP),
        TrueEvent(4000.0, 90.0, TruthKind.CRAMP),
    )
    episode = Event(100.0, 63.0, EventKind.CRAMP, confidence=0.9)
    found = results(tmp_path, Judged("a", 8.0, labels, (episode,)))
    score = np.zeros(28_800, dtype=np.float32)
    score[100:160] = 0.95
    write_trace(tmp_path / "a_trace.npz", Trace(score, score, 0.6, 10.0))
    summary = summarise(found)
    numbers = as_numbers(summary, found)
    by_amplitude = numbers["sensitivity_by_amplitude"].values()
    assert [group["cramps"]["of"] for group in by_amplitude] == [0] * len(by_amplitude)
    assert numbers["cramps_all"]["of"] == 2
    assert numbers["errors_s"]["duration"]["median"] == 3.0
    assert numbers["durations_within_5s_or_10_percent"] == 1.0
    assert numbers["latency_s"]["count"] == 1
    assert "90 s at unknown amplitude" in render_page(summary, found)
