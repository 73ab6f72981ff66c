"use strict";
// Draws a night. Times are seconds from the start of the recording; plots count from midnight, so
// that their ticks fall on round clock times.

const LEFT = 64, RIGHT = 24;
const INK = "#1c232b", BLUE = "#0072b2", ORANGE = "#d55e00", GREEN = "#009e73", GREY = "#8b949d";
const COLOURS = [BLUE, ORANGE, GREEN, "#cc79a7", "#e69f00", "#56b4e9"];
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
export const MARKS = { confirmed: "✓", auto: "?", rejected: "✗" };
const SHADES = { confirmed: "#0072b2", auto: "#b36200", rejected: "#4a5561" };
const LANE = 22;
const LEAST_G = 0.05; // so that the noise of a still leg does not look like movement

export class Plots {
  constructor(home, facts, words, { zoomed, picked }) {
    Object.assign(this, { home, facts, words, zoomed, picked });
    this.base = facts.start ? secondsOfDay(facts.start) : 0;
    this.episodes = [];
    this.selected = null;
    this.draft = null;
    this.span = [0, facts.duration_s];
    this.charts = [];
    this.titles = [];
    this.images = [];
    this.strips = this.#figure(words.strips).appendChild(document.createElement("canvas"));
    new ResizeObserver(() => this.#resize()).observe(home);
  }

  get width() { return Math.max(200, Math.floor(this.home.clientWidth)); }
  get columns() { return Math.max(100, this.width - LEFT - RIGHT); }

  clock(seconds, digits = 0) {
    const whole = Math.round((this.base + seconds) * 10 ** digits) / 10 ** digits;
    const parts = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
    const rest = (whole % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
    return `${parts.map((part) => String(part).padStart(2, "0")).join(":")}:${rest}`;
  }

  // Signals of a view; charts are made with the first.
  draw(view, span, pictureOf) {
    this.span = span;
    const sets = this.#sets(view);
    if (!this.charts.length) this.#make(sets, pictureOf);
    sets.forEach((set, place) => {
      this.charts[place].setData(set.data);
      this.titles[place].textContent = set.title;
    });
    this.images.forEach((image, channel) => { image.src = pictureOf(channel); });
    this.#caption();
    this.#drawStrips();
  }

  // Episodes changed, signals did not.
  mark(episodes, selected, draft) {
    Object.assign(this, { episodes, selected, draft });
    this.charts.forEach((chart) => chart.redraw(false));
    this.#drawStrips();
  }

  // One artefact must not flatten all else: the largest peaks are cut off at the edge.
  #rawRange(row) {
    const peaks = this.low.rows[row].map((low, place) => Math.max(-low, this.high.rows[row][place]));
    peaks.sort((one, other) => one - other);
    const usual = peaks[Math.floor(peaks.length * 0.99)] ?? 0;
    const limit = Math.max(Math.min(3 * usual, peaks.at(-1) ?? 0), 1) * 1.05;
    return [-limit, limit];
  }

  #sets(view) {
    const { channels, unit } = this.facts;
    Object.assign(this, { low: view.low, high: view.high });
    const sets = channels.map((channel, row) => ({
      title: fill(this.words.raw, { channel, unit }),
      data: [this.#times(view.low), view.low.rows[row], view.high.rows[row]],
      series: [line(BLUE), line(BLUE)],
      bands: [{ series: [2, 1], fill: `${BLUE}66` }],
      scale: { range: () => this.#rawRange(row) },
      height: 110,
    }));
    const rms = channels.flatMap((_, row) => [positive(view.rms.rows[row]), positive(view.floor.rows[row])]);
    sets.push({
      title: `${fill(this.words.rms, { unit })}: ${this.#named(channels)}`,
      data: [this.#times(view.rms), ...rms],
      series: channels.flatMap((_, row) => [line(COLOURS[row % 6]), { ...line(INK), dash: [4, 3] }]),
      scale: { distr: 3, range: (_, low, high) => (high > 0 ? [low * 0.8, high * 1.25] : [1, 10]) },
      axis: { values: (_, ticks) => tens(ticks), grid: { filter: (_, ticks) => tens(ticks) }, ticks: { filter: (_, ticks) => tens(ticks) } },
      height: 110,
    });
    if (this.facts.acceleration) {
      const axes = view.gravity.rows;
      sets.push(this.#movement(view));
      sets.push({ title: `${this.words.posture}: ${this.#named(["x", "y", "z"])}`, data: [this.#times(view.gravity), ...axes], series: axes.map((_, axis) => line(COLOURS[axis])), height: 70 });
    }
    if (view.score) {
      sets.push({ title: this.facts.same_model ? this.words.score : this.words.other_score, data: [this.#times(view.score), view.score.rows[0]], series: [line(ORANGE)], scale: { range: [-0.03, 1.03] }, height: 70 });
    }
    return sets;
  }

  // Far out the movement of each second; close up every sample of each axis.
  #movement(view) {
    const { activity, moved_low: low, moved_high: high } = view;
    const isClose = low !== undefined;
    const times = this.#times(low ?? activity);
    const none = times.map(() => null);
    const pairs = isClose ? low.rows.flatMap((row, axis) => [row, high.rows[axis]]) : new Array(6).fill(none);
    const axes = [0, 1, 2];
    this.range = (lowest, highest) => {
      const limit = 1.05 * Math.max(LEAST_G, -lowest, highest);
      return [isClose ? -limit : 0, limit];
    };
    return {
      title: isClose ? `${this.words.moved}: ${this.#named(["x", "y", "z"])}` : this.words.activity,
      data: [times, isClose ? none : activity.rows[0], ...pairs],
      series: [line(INK), ...axes.flatMap((axis) => [line(COLOURS[axis]), line(COLOURS[axis])])],
      bands: axes.map((axis) => ({ series: [2 * axis + 3, 2 * axis + 2], fill: `${COLOURS[axis]}66` })),
      scale: { range: (_, lowest, highest) => this.range(lowest, highest) },
      height: 80,
    };
  }

  #named(names) {
    const colours = this.words.colours.split(" ");
    return names.map((name, place) => `${name} ${colours[place % colours.length]}`).join(", ");
  }

  #times(series) {
    const middle = series.onset + series.step / 2 + this.base;
    return series.rows[0].map((_, place) => middle + place * series.step);
  }

  #make(sets, pictureOf) {
    sets.forEach((set, place) => {
      if (place === this.facts.channels.length) this.#makeImages(pictureOf);
      this.charts.push(this.#chart(set, place === sets.length - 1));
    });
  }

  #makeImages(pictureOf) {
    this.facts.channels.forEach((channel, row) => {
      const caption = fill(this.words.spectrogram, { channel, hz: this.facts.highest_hz });
      const image = document.createElement("img");
      image.alt = caption;
      image.src = pictureOf(row);
      const figure = this.#figure(caption);
      figure.className = "spectrogram";
      figure.append(image);
      this.images.push(image);
    });
  }

  #figure(caption) {
    const figure = document.createElement("figure");
    const title = document.createElement("figcaption");
    title.textContent = caption;
    figure.append(title);
    this.home.append(figure);
    return figure;
  }

  #chart(set, isLast) {
    const options = {
      width: this.width,
      height: set.height + (isLast ? 30 : 0),
      padding: [8, RIGHT, 4, 0],
      legend: { show: false },
      cursor: { sync: { key: "night" }, drag: { x: true, y: false, setScale: false }, y: false },
      scales: {
        x: { time: false, range: () => this.span.map((second) => second + this.base) },
        y: set.scale ?? {},
      },
      axes: [
        { show: isLast, incrs: STEPS, values: (_, ticks) => ticks.map((tick) => this.#tick(tick)), stroke: INK, space: 80 },
        { size: LEFT, stroke: INK, space: 22, ...set.axis },
      ],
      series: [{}, ...set.series],
      bands: set.bands ?? [],
      hooks: { drawAxes: [(chart) => this.#shade(chart)], setSelect: [(chart) => this.#select(chart)] },
    };
    const figure = this.#figure(set.title);
    this.titles.push(figure.firstElementChild);
    const chart = new uPlot(options, set.data, figure);
    chart.over.addEventListener("click", () => this.#click(chart));
    this.#hearFingers(chart);
    return chart;
  }

  #tick(value) {
    const seconds = value - this.base;
    const [from, to] = this.span;
    return to - from > 600 ? this.clock(seconds).slice(0, 5) : this.clock(seconds, to - from < 5 ? 1 : 0);
  }

  #select(chart) {
    const { left, width } = chart.select;
    if (width < 4) return;
    this.dragged = true;
    const [from, to] = [left, left + width].map((place) => chart.posToVal(place, "x") - this.base);
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.zoomed(from, to);
  }

  // uPlot hears the mouse only: a finger drawn sideways chooses a stretch too; up and down scrolls.
  #hearFingers(chart) {
    const { over } = chart;
    const place = (event) => Math.min(Math.max(event.clientX - over.getBoundingClientRect().left, 0), over.clientWidth);
    const mark = (left, width) => chart.setSelect({ left, width, top: 0, height: over.clientHeight }, false);
    let from = null;
    over.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      from = event.pointerType === "touch" ? place(event) : null;
    });
    over.addEventListener("pointermove", (event) => {
      if (from !== null) mark(Math.min(from, place(event)), Math.abs(place(event) - from));
    });
    over.addEventListener("pointerup", () => {
      if (from !== null) this.#select(chart);
      from = null;
    });
    over.addEventListener("pointercancel", () => {
      if (from !== null) mark(0, 0);
      from = null;
    });
  }

  #click(chart) {
    if (!this.dragged) this.picked(chart.posToVal(chart.cursor.left, "x") - this.base);
    this.dragged = false;
  }

  #shade(chart) {
    const { ctx, bbox } = chart;
    const place = (second) => Math.min(Math.max(chart.valToPos(second + this.base, "x", true), bbox.left), bbox.left + bbox.width);
    ctx.save();
    for (const episode of this.#shown()) {
      const left = place(episode.onset), right = Math.max(place(episode.onset + episode.duration), left + 1);
      ctx.fillStyle = SHADES[episode.status] + (episode.status === "rejected" ? "14" : "2e");
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      if (episode.id === this.selected) {
        ctx.strokeStyle = SHADES[episode.status];
        ctx.lineWidth = 2 * devicePixelRatio;
        ctx.strokeRect(left, bbox.top, right - left, bbox.height);
      }
    }
    if (this.draft) {
      ctx.strokeStyle = INK;
      for (const edge of ["onset", "offset"]) {
        const at = place(edge === "onset" ? this.draft.onset : this.draft.onset + this.draft.duration);
        ctx.lineWidth = (edge === this.draft.edge ? 4 : 1.5) * devicePixelRatio;
        ctx.setLineDash(edge === this.draft.edge ? [] : [6, 4]);
        ctx.beginPath();
        ctx.moveTo(at, bbox.top);
        ctx.lineTo(at, bbox.top + bbox.height);
        ctx.stroke();
      }
    }
    ctx.restore();
  }

  #shown() {
    const [from, to] = this.span;
    return this.episodes.filter((one) => one.onset < to && one.onset + one.duration > from);
  }

  #lanes() {
    const { lost, gaps, marks, channels } = this.facts;
    const lanes = [[this.words.strip_episodes, (ctx, x) => this.#drawEpisodes(ctx, x)]];
    channels.forEach((_, channel) => {
      const own = lost.filter((one) => one[0] === channel);
      const name = channels.length > 1 ? `${this.words.strip_lost} ${channel + 1}` : this.words.strip_lost;
      lanes.push([name, (ctx, x) => own.forEach(([, from, to]) => hatch(ctx, x(from), x(to)))]);
    });
    lanes.push([this.words.strip_gaps, (ctx, x) => gaps.forEach(([from, length]) => bar(ctx, x(from), x(from + length), INK))]);
    if (marks.length) {
      lanes.push([this.words.strip_marks, (ctx, x) => marks.forEach(([at]) => text(ctx, "▼", x(at) - 5, INK))]);
    }
    return lanes;
  }

  #drawStrips() {
    const lanes = this.#lanes(), ratio = devicePixelRatio || 1, canvas = this.strips;
    canvas.width = this.width * ratio;
    canvas.height = lanes.length * LANE * ratio;
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${lanes.length * LANE}px`;
    const ctx = canvas.getContext("2d");
    const [from, to] = this.span;
    const x = (second) => LEFT + (Math.min(Math.max(second, from), to) - from) / (to - from) * this.columns;
    lanes.forEach(([name, drawLane], lane) => {
      ctx.setTransform(ratio, 0, 0, ratio, 0, lane * LANE * ratio);
      ctx.font = "12px system-ui, sans-serif";
      text(ctx, name, 2, INK);
      ctx.strokeStyle = "#d5d9dd";
      ctx.strokeRect(LEFT + 0.5, 2.5, this.columns - 1, LANE - 5);
      ctx.save();
      ctx.beginPath();
      ctx.rect(LEFT, 0, this.columns, LANE);
      ctx.clip();
      drawLane(ctx, x);
      ctx.restore();
    });
  }

  #drawEpisodes(ctx, x) {
    const shown = this.#shown();
    shown.forEach((one, place) => {
      const left = x(one.onset), right = Math.max(x(one.onset + one.duration), left + 3);
      if (one.status === "rejected") outline(ctx, left, right, SHADES.rejected);
      else bar(ctx, left, right, SHADES[one.status]);
      const name = `${MARKS[one.status]} ${one.id}`, next = shown[place + 1];
      if (next && x(next.onset) < right + 6 + ctx.measureText(name).width) return;
      text(ctx, name, right + 3, one.id === this.selected ? INK : SHADES[one.status]);
    });
  }

  #caption() {
    const [from, to] = this.span;
    const here = this.facts.lost.filter(([, first, last]) => first < to && last > from);
    const reasons = [...new Set(here.map((one) => one[3].replaceAll("_", " ")))];
    const shown = fill(this.words.shown, { from: this.clock(from), to: this.clock(to) });
    const lost = reasons.length ? `. ${fill(this.words.lost_here, { reasons: reasons.join(", ") })}` : "";
    this.strips.previousElementSibling.textContent = `${this.words.strips}: ${shown}${lost}`;
  }

  #resize() {
    this.charts.forEach((chart) => chart.setSize({ width: this.width, height: chart.height }));
    this.#drawStrips();
  }
}

export function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function secondsOfDay(start) {
  const [hours, minutes, seconds] = start.slice(11, 19).split(":").map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}

function line(stroke) { return { stroke, width: 1, points: { show: false } }; }
function tens(ticks) { return ticks.map((tick) => (Number.isInteger(Math.log10(tick)) ? tick : null)); }
function positive(values) { return values.map((value) => (value > 0 ? value : null)); }

function bar(ctx, left, right, colour) {
  ctx.fillStyle = colour;
  ctx.fillRect(left, 4, Math.max(right - left, 1), LANE - 8);
}

function outline(ctx, left, right, colour) {
  ctx.strokeStyle = colour;
  ctx.setLineDash([3, 2]);
  ctx.strokeRect(left, 4.5, right - left, LANE - 9);
  ctx.setLineDash([]);
}

function hatch(ctx, left, right) {
  if (right <= left) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, 4, Math.max(right - left, 1), LANE - 8);
  ctx.clip();
  bar(ctx, left, right, "#e3d6c6");
  ctx.strokeStyle = "#6b4a1d";
  for (let at = left - LANE; at < right; at += 6) {
    ctx.beginPath();
    ctx.moveTo(at, LANE);
    ctx.lineTo(at + LANE, 0);
    ctx.stroke();
  }
  ctx.restore();
}

function text(ctx, words, left, colour) {
  ctx.fillStyle = colour;
  ctx.fillText(words, left, LANE - 7);
}
