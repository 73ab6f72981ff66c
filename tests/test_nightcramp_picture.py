"""The night picture as files: every kind of recording, both formats."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from io import BytesIO
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from matplotlib.text import Text

from nightcramp.picture import draw_night, render_png, render_svg, style
from recordings import Block, Channel, Gap, RecordingInfo, Stream
from sensing import Censored, Event, EventKind, NightResult, Quality, Seconds

FLOOR_UV = 2.4
CRAMP, POSSIBLE = EventKind.CRAMP, EventKind.POSSIBLE_CRAMP


@dataclass(frozen=True)
class Made:
    """A recording that exists only as the events that are heard in it."""

    info: RecordingInfo
    events: tuple[Event, ...]

    def blocks(self, block_s=60.0, *, start_s=0.0, stop_s=None):
        stop_s = self.info.duration_s if stop_s is None else stop_s
        while start_s < stop_s:
            end = min(start_s + block_s, stop_s)
            yield Block(start_s, self._emg(start_s, end), self._acc(start_s, end))
            start_s = end

    def _emg(self, start, end):
        stream = self.info.emg
        time = (
            np.arange(round(start * stream.rate_hz), round(end * stream.rate_hz)) / stream.rate_hz
        )
        rng = np.random.default_rng(int(start * 10))
        emg = FLOOR_UV * rng.normal(size=(len(stream.channels), time.size))
        for event in self.events:
            if event.kind in (CRAMP, POSSIBLE):
                emg *= _loudness(time, event)
        emg += 1500 if not stream.scaled else 0
        emg[:, _within(time, self.info.gaps)] = np.nan
        return emg.astype(np.float32)

    def _acc(self, start, end):
        stream = self.info.acc
        if stream is None:
            return None
        time = (
            np.arange(round(start * stream.rate_hz), round(end * stream.rate_hz)) / stream.rate_hz
        )
        rng = np.random.default_rng(int(start * 10))
        acc = _posture(time) + 0.004 * rng.normal(size=(3, time.size))
        for event in self.events:
            near = (time > event.onset_s - 1) & (time < event.onset_s + 2)
            acc[:, near] += 0.08 * rng.normal(size=(3, near.sum()))
        acc[:, _within(time, self.info.gaps)] = np.nan
        return acc.astype(np.float32)


def _loudness(time, event):
    rise = np.clip((time - event.onset_s) / 3, 0, 1) * np.clip((event.offset_s - time) / 1.5, 0, 1)
    wander = 1 + 0.25 * np.sin(time / 3.1)
    return 1 + ((event.intensity or 5) * wander - 1) * rise


def _within(time, gaps):
    mask = np.zeros(time.size, dtype=bool)
    for gap in gaps:
        mask |= (time >= gap.onset_s) & (time < gap.onset_s + gap.duration_s)
    return mask


def _posture(time):
    turns = np.floor(time / 4100)
    angle = 2.1 * turns + 0.4 * np.sin(turns)
    return np.stack([np.cos(angle), np.sin(angle) * 0.8, 0.6 * np.sin(1.3 * angle)])


@dataclass
class Recipe:
    """What a fabricated night should be."""

    hours: float = 8.0
    channels: int = 2
    acc: bool = True
    scaled: bool = True
    start: datetime | None = datetime(2026, 3, 12, 22, 14, 5)
    events: tuple[Event, ...] = ()
    lost: tuple[tuple[float, float, Quality], ...] = ()
    name: str = "sub-017_ses-2026-03-12_emg"
    notes: tuple[str, ...] = ()
    rate_hz: float = 1000.0


def make(recipe: Recipe):
    """Fabricate a result and the recording it was found in."""
    duration = recipe.hours * 3600
    events = tuple(sorted(recipe.events, key=lambda event: event.onset_s))
    if not recipe.scaled:
        events = tuple(replace(event, rms_uv=None) for event in events)
    unit = "uV" if recipe.scaled else "count"
    labels = ["EMG_gastroc_med", "EMG_gastroc_lat", "EMG_soleus", "EMG_tib_ant"]
    labels += [f"EMG{n}" for n in range(5, 40)]
    channels = tuple(
        Channel(label, unit, 0.1, (-3000, 3000)) for label in labels[: recipe.channels]
    )
    acc = tuple(Channel(label, "g", 0.001, (-8, 8)) for label in "xyz")
    info = RecordingInfo(
        name=recipe.name,
        start=recipe.start,
        emg=Stream("emg", recipe.rate_hz, channels, round(duration * recipe.rate_hz)),
        acc=Stream("acc", 100.0, acc, round(duration * 100)) if recipe.acc else None,
        gaps=tuple(Gap(a, b - a, "lost") for a, b, why in recipe.lost if why is Quality.GAP),
        notes=recipe.notes,
    )
    return NightResult(duration, events, _seconds(recipe, duration)), Made(info, events)


def _seconds(recipe, duration):
    n = int(np.ceil(duration))
    rng = np.random.default_rng(5)
    time = np.arange(n) + 0.5
    floor = (
        FLOOR_UV * (1 + 0.15 * np.sin(time / 3000)) * np.linspace(1, 1.4, recipe.channels)[:, None]
    )
    rms = floor * np.exp(0.12 * rng.normal(size=(recipe.channels, n)))
    bursts = rng.random(n) < 0.012
    rms[:, bursts] *= rng.lognormal(1.2, 0.7, bursts.sum())
    score = np.clip(0.02 + 0.03 * rng.normal(size=n) ** 2, 0, 1)
    score[bursts] += 0.3 * rng.random(bursts.sum())
    activity = 0.003 * np.exp(0.2 * rng.normal(size=n))
    activity[bursts] *= rng.lognormal(2, 0.8, bursts.sum())
    for event in recipe.events:
        inside = (time > event.onset_s) & (time < event.offset_s)
        if event.kind is EventKind.LEG_MOVEMENT:
            near = np.abs(time - event.onset_s) < 1
            rms[:, near] *= 6
            activity[near] *= 15
        if event.kind in (CRAMP, POSSIBLE):
            rms[:, inside] = (floor * _loudness(time, event))[:, inside]
            score[inside] = (event.confidence or 0.9) + 0.03 * rng.normal(size=inside.sum())
    quality = np.zeros((recipe.channels, n), dtype=np.uint8)
    quality[:, : min(20, n // 5)] = Quality.WARM_UP
    for number, (onset, offset, reason) in enumerate(recipe.lost):
        rows = slice(None) if reason is Quality.GAP else slice(0, None, 1 + number % 2)
        quality[rows, int(onset) : int(offset)] = reason
    floor[:, :30] = np.nan
    rms[quality == Quality.GAP] = np.nan
    rms[quality == Quality.LIFT_OFF] *= 9
    score[(quality != Quality.GOOD).all(axis=0)] = np.nan
    gravity = _posture(time) if recipe.acc else np.full((3, n), np.nan)
    if not recipe.acc:
        activity[:] = np.nan
    gap = (quality == Quality.GAP).all(axis=0)
    activity[gap] = np.nan
    gravity[:, gap] = np.nan
    return Seconds(
        rms=rms.astype(np.float32),
        floor=floor.astype(np.float32),
        quality=quality,
        gravity=gravity.astype(np.float32),
        activity=activity.astype(np.float32),
        score=np.clip(score, 0, 1).astype(np.float32),
    )


def cramp(
    onset, duration, kind=CRAMP, intensity=6.2, censored=Censored.NONE, channel="EMG_gastroc_med"
):
    confidence = 0.97 if kind is CRAMP else 0.61
    rms = intensity * FLOOR_UV
    return Event(onset, duration, kind, channel, confidence, intensity, rms, censored)


def movement(onset, periodic=False):
    detail = "periodic" if periodic else None
    return Event(onset, 1.4, EventKind.LEG_MOVEMENT, "EMG_gastroc_med", detail=detail)


MOVEMENTS = (
    *(movement(5000.0 + 31 * n, periodic=True) for n in range(40)),
    *(movement(900.0 + 1117 * n) for n in range(24)),
)
FAULTS = (
    (1500, 1508, Quality.HUM),
    (3600, 3660, Quality.GAP),
    (9000, 10500, Quality.LIFT_OFF),
    (15000, 15020, Quality.MOTION),
    (19000, 19900, Quality.NOISY),
    (20000, 20600, Quality.HUM),
    (24000, 24420, Quality.SATURATED),
    (26000, 26500, Quality.FLAT),
    *((12000 + 60 * n, 12003 + 60 * n, Quality.MOTION) for n in range(30)),
)
DOZEN = tuple(
    cramp(1000 + 2150 * n + 400 * (n % 3), 12 + 23 * n, CRAMP if n % 4 else POSSIBLE, 3 + n)
    for n in range(12)
)
VARIANTS = {
    "typical": Recipe(
        events=(
            cramp(7000, 84),
            cramp(14400, 41, intensity=3.4),
            cramp(22000, 12, POSSIBLE, 2.7),
            *MOVEMENTS,
        ),
        lost=FAULTS,
    ),
    "one_cramp": Recipe(events=(cramp(14472, 84),), channels=1),
    "quiet": Recipe(lost=FAULTS[:4], events=MOVEMENTS),
    "two_hours": Recipe(hours=2.0, channels=1, events=(cramp(4000, 400, intensity=14),)),
    "minute": Recipe(hours=1 / 60, events=(cramp(22, 15, intensity=8),)),
    "minute_quiet": Recipe(hours=1 / 60, channels=1, start=None),
    "twenty_minutes": Recipe(hours=1 / 3, start=None, events=(movement(300.0),)),
    "no_acc": Recipe(acc=False, events=(cramp(7000, 84), cramp(7300, 33)), lost=FAULTS),
    "no_acc_quiet": Recipe(acc=False, start=None),
    "counts": Recipe(scaled=False, channels=1, start=None, events=(cramp(7000, 84),)),
    "eight_channels": Recipe(channels=8, events=(cramp(7000, 84), *MOVEMENTS), lost=FAULTS),
    "all_gaps": Recipe(lost=((0, 28800, Quality.GAP),)),
    "all_lift_off": Recipe(lost=((0, 28800, Quality.LIFT_OFF),), acc=False, channels=1),
    "dozen": Recipe(events=(*DOZEN, *MOVEMENTS), lost=FAULTS),
    "cluster": Recipe(events=tuple(cramp(7000 + 100 * n, 20 + 9 * n) for n in range(6))),
    "eight_quiet": Recipe(channels=8, lost=FAULTS, events=MOVEMENTS),
    "twenty_channels": Recipe(channels=20, events=(cramp(7000, 84), cramp(9000, 600))),
    "long": Recipe(hours=14.0, channels=1, events=(cramp(7000, 84, channel=None),)),
    "ten_seconds": Recipe(
        hours=10 / 3600,
        channels=1,
        rate_hz=200.0,
        acc=False,
        events=(cramp(0.5, 9, censored=Censored.BOTH),),
    ),
    "odd_names": Recipe(
        name="第一夜 <&> $x_1$ \x07" + "very_long_name" * 8,
        channels=3,
        scaled=False,
        start=None,
        notes=("line\nfeed & <tag> " + "and more words " * 20,),
        events=(cramp(7000, 84),),
        lost=((4000, 28800, Quality.LIFT_OFF),),
    ),
    "censored": Recipe(
        hours=6.0,
        channels=1,
        lost=((7084, 7200, Quality.GAP), (9000, 15000, Quality.LIFT_OFF)),
        events=(
            cramp(0, 50, censored=Censored.ONSET),
            cramp(7000, 84, censored=Censored.OFFSET),
            cramp(21570, 30, censored=Censored.OFFSET),
        ),
        notes=("channel ‘EKG’ left out: not EMG", "200 Hz is the least this needs"),
    ),
}


@cache
def drawn(variant):
    """Figure, SVG and PNG of a variant."""
    result, recording = make(VARIANTS[variant])
    figure = draw_night(result, recording, scores_threshold=0.5, makers="nightcramp 0.1.0")
    return figure, render_svg(figure), render_png(figure)


def words(variant):
    """All text in the SVG of a variant."""
    tree = ET.fromstring(drawn(variant)[1])  # noqa: S314 - our own file
    return ["".join(text.itertext()) for text in tree.iter("{http://www.w3.org/2000/svg}text")]


every_variant = pytest.mark.parametrize("variant", VARIANTS)


@every_variant
def test_svg_is_well_formed_small_and_speaks_of_no_machine(variant):
    svg = drawn(variant)[1]
    ET.fromstring(svg)  # noqa: S314
    assert len(svg) < 600_000
    assert not any(trace in svg for trace in ("/home", "/tmp", "/usr", "<dc:date>"))  # noqa: S108


@every_variant
def test_png_is_a_page_with_ink_in_every_strip_and_panel(variant):
    figure, _, png = drawn(variant)
    pixels = imread(BytesIO(png))
    height, width = pixels.shape[:2]
    assert (width, height) == pytest.approx((11.69 * 150, 8.27 * 150), abs=2)
    assert len(png) < 800_000
    dark = pixels[:, :, :3].min(axis=2) < 0.82
    for ax in figure.axes:
        box = ax.get_position()
        rows = slice(int((1 - box.y1) * height), int((1 - box.y0) * height) - 2)
        columns = slice(int(box.x0 * width) + 4, int(0.97 * width))
        assert dark[rows, columns].sum() > 300, ax.get_label()


@every_variant
def test_words_stay_on_the_page_apart_and_legible(variant):
    figure = drawn(variant)[0]
    canvas = FigureCanvasAgg(figure)
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 7
    with style.settings():
        canvas.draw()
        boxes = {text: text.get_window_extent(canvas.get_renderer()) for text in texts}
    for text, box in boxes.items():
        assert 0 < box.x0 < box.x1 < figure.bbox.x1, text
        assert 0 < box.y0 < box.y1 < figure.bbox.y1, text
    for one, other in combinations(texts, 2):
        shared = mpl.transforms.Bbox.intersection(boxes[one], boxes[other])
        assert shared is None or min(shared.width, shared.height) < 2, (one, other)


def test_header_holds_the_numbers_of_the_night():
    held = words("typical")
    assert "sub-017_ses-2026-03-12_emg" in held
    assert any(text.startswith("2026-03-12 22:14:05 to 2026-03-13 06:14:05") for text in held)
    for figure in ("8.0 h", "7.2 h", "analysable, 90 %", "2", "2.1 min", "84 s", "● Good"):
        assert figure in held, figure


def test_short_recordings_count_in_minutes_and_seconds():
    assert {"20 min", "No cramp in the 20 analysable minutes."} <= set(words("twenty_minutes"))
    assert {"60 s", "48 s", "15 s"} <= set(words("minute"))


def test_each_episode_has_a_panel_with_time_duration_probability_and_amplitude():
    held = words("typical")
    assert "1 · 00:10:45 · 84 s" in held
    assert "p 0.97 · 6.2 × floor · 15 µV" in held
    assert {"00:10:45", "00:12:09"} <= set(held)
    assert "?1 · 04:20:45 · 12 s" in held


def test_panels_show_cramps_first_and_say_how_many_more_there_are():
    held = words("dozen")
    titles = [text.split(" · ")[0] for text in held if re.search(r" · \d\d:\d\d:\d\d · ", text)]
    assert titles == ["1", "2", "3", "4", "5", "6"]
    assert any("+ 6 more in" in text for text in held)
    marks = [text for text in held if text.isdigit() or text.startswith("?")]
    assert set(marks) >= {*"123456789", "?1", "?2", "?3"}


class Kicked(Made):
    """A leg that kicked once in its cramp, a hundred times as loud."""

    def blocks(self, block_s=60.0, *, start_s=0.0, stop_s=None):
        for block in super().blocks(block_s, start_s=start_s, stop_s=stop_s):
            block.emg[:, 30_000:30_400] *= 100
            yield block


def test_a_kick_does_not_flatten_the_cramp_it_is_in():
    result, made = make(VARIANTS["minute"])
    figures = drawn("minute")[0], draw_night(result, Kicked(made.info, made.events))
    panels = [next(ax for ax in f.axes if ax.get_label() == "close up of EMG") for f in figures]
    calm, kicked = (ax.get_ylim()[1] for ax in panels)
    assert calm / 1.5 < kicked < 1.5 * calm


def test_hidden_ends_are_bounds_not_times():
    held = set(words("censored"))
    assert {"≤ 22:14:05", "≥ 00:12:09", "2 · 00:10:45 · ≥ 84 s", "≥ 2.7 min", "≥ 84 s"} <= held


def test_without_a_start_time_the_axis_counts_from_the_first_sample():
    held = words("counts")
    assert "Time from start" in held
    assert {"0 h", "8 h", "1:56:40"} <= set(held)


def test_unscaled_emg_is_never_given_a_unit():
    held = words("counts")
    assert any("unscaled counts" in text for text in held)
    assert not any("µV" in text for text in held)


def test_a_missing_accelerometer_is_said():
    assert any(text.startswith("No accelerometer") for text in words("no_acc"))
    labels = [ax.get_label() for ax in drawn("no_acc")[0].axes]
    assert not {"Activity", "Posture", "close up of ACC"} & set(labels)


def test_a_quiet_night_says_so_and_uses_the_room():
    assert "No cramp in the 7.6 analysable hours." in words("quiet")
    tall, low = (drawn(name)[0].axes[1].get_position().height for name in ("quiet", "typical"))
    assert tall > 1.5 * low


@pytest.mark.parametrize("variant", ["all_gaps", "all_lift_off"])
def test_nothing_analysable_never_reads_as_no_cramp(variant):
    held = words(variant)
    assert "○ Not usable" in held
    assert held.count("n/a") == 3
    assert any(text.startswith("Nothing could be judged: 100 %") for text in held)
    assert not any("0 cramps" in text or "No cramp" in text for text in held)


def test_every_reason_for_lost_time_is_named_with_its_share():
    held = " ".join(words("typical"))
    for reason in ("lift-off 5 %", "noisy 3 %", "gap < 1 %", "hum 1 %", "saturated 1 %"):
        assert reason in held


def test_leg_movements_are_counted_and_the_periodic_ones_told_apart():
    assert {"╷ 64 leg movements", "┃ 40 of them periodic"} <= set(words("typical"))
    assert {"▼ 2 cramps", "▽ 1 possible"} <= set(words("typical"))


def test_notes_and_makers_stand_at_the_foot():
    held = words("censored")
    assert "nightcramp 0.1.0" in held
    assert any(text.startswith("Notes: channel ‘EKG’ left out") for text in held)


def test_same_night_gives_same_bytes_whatever_the_reader_has_set():
    result, recording = make(VARIANTS["minute"])
    with mpl.rc_context({"font.size": 22, "svg.fonttype": "path", "savefig.bbox": "tight"}):
        before = dict(mpl.rcParams)
        figure = draw_night(result, recording, scores_threshold=0.5, makers="nightcramp 0.1.0")
        again = render_svg(figure), render_png(figure)
        assert dict(mpl.rcParams) == before
    assert again == drawn("minute")[1:]


@pytest.mark.parametrize(
    ("statement", "absent"),
    [("import nightcramp", "matplotlib"), ("import nightcramp.picture", "matplotlib.pyplot")],
)
def test_imports_stay_light(statement, absent):
    code = f"import sys; {statement}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
