"use strict";
// The last ten seconds of each sensor's signal as a band of lowest and highest values.
const SECONDS = 10;
const BINS_PER_S = 50;
const LEAST_RANGE = 20;

const size = SECONDS * BINS_PER_S;
const times = Array.from({ length: size }, (_, bin) => bin / BINS_PER_S - SECONDS);
const ink = getComputedStyle(document.body).getPropertyValue("--strong");

function shift(values, added) {
  values.splice(0, added.length);
  for (const value of added) values.push(value);
}

function show(place) {
  const low = new Array(size).fill(null);
  const high = new Array(size).fill(null);
  const line = { stroke: ink, width: 1.5, points: { show: false } };
  let reach = LEAST_RANGE;

  const plot = new uPlot({
    width: place.clientWidth,
    height: place.clientHeight,
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false, range: [-SECONDS, 0] }, y: { range: () => [-reach, reach] } },
    axes: [{ show: false }, { show: false }],
    series: [{}, line, line],
    bands: [{ series: [2, 1], fill: ink }],
  }, [times, low, high], place);

  const source = new EventSource(`/evening/trace?leg=${place.dataset.leg}`);
  source.onmessage = (event) => {
    const band = JSON.parse(event.data);
    shift(low, band.low.slice(-size));
    shift(high, band.high.slice(-size));
    const largest = Math.max(LEAST_RANGE, ...high.filter((value) => value !== null));
    reach = Math.max(largest, reach * 0.98);
    plot.setData([times, low, high]);
  };
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("resize", () => plot.setSize({ width: place.clientWidth, height: place.clientHeight }));
}

document.querySelectorAll(".trace").forEach(show);
