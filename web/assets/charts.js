// The panels of the metrics page: one time axis for all of them, one cursor, one zoom.

import uPlot from "uplot";

const COLOURS = ["--accent", "--good", "--warn", "--bad", "--magenta"];
const LIVE_MS = 5000;

const root = document.getElementById("charts");
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(name).trim();
const zone = { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC") };
const cursors = uPlot.sync("metrics");
const plots = new Map();
let zoomed = false;
let scaling = false;

/** How values of this size are written: what they are divided by, and what stands behind them. */
function scale(size, unit) {
  if (unit === "percent") return [1, " %"];
  if (unit === "milliseconds") return size >= 1000 ? [1000, " s"] : [1, " ms"];
  const step = size >= 1000 ? Math.min(4, Math.floor(Math.log10(size) / 3)) : 0;
  const tails = { bytes: [" ", "B"], bytes_per_second: [" ", "B/s"], per_second: ["", "/s"] };
  const [blank, tail] = tails[unit] ?? ["", ""];
  return [1000 ** step, `${blank}${["", "k", "M", "G", "T"][step]}${tail}`];
}

/** Three digits that matter, with a prefix of thousands. */
function quantity(value, unit) {
  if (value == null) return "–";
  const [divisor, tail] = scale(Math.abs(value), unit);
  return `${digits(value / divisor)}${tail}`;
}

/** Ticks in one unit, with as many decimals as tell each from the next. */
function tickLabels(ticks, distance, unit) {
  const [divisor, tail] = scale(Math.max(...ticks.map(Math.abs)), unit);
  const decimals = Math.min(6, Math.max(0, -Math.floor(Math.log10(distance / divisor) + 1e-9)));
  // A step of 2.5 needs one more than its size says.
  const needed = isWhole((distance / divisor) * 10 ** decimals) ? decimals : decimals + 1;
  return ticks.map((tick) => `${(tick / divisor).toFixed(needed)}${tail}`);
}

const isWhole = (number) => Math.abs(number - Math.round(number)) < 1e-6;

function digits(value) {
  const size = Math.abs(value);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)));
}

/** Times of a range in UTC: to the second, to the minute, or the day alone. */
function clock(plot, ticks) {
  const span = plot.scales.x.max - plot.scales.x.min;
  const [from, to] = span < 600 ? [11, 19] : span < 2 * 86_400 ? [11, 16] : [5, 10];
  return ticks.map((tick) => new Date(tick * 1000).toISOString().slice(from, to));
}

/** Draws a line for everything that happened, across the whole panel. */
function drawMarkers(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const marker of root.markers ?? []) {
    const x = Math.round(plot.valToPos(marker.at / 1000, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const isBad = marker.kind === "failure" || marker.kind === "revert";
    ctx.strokeStyle = colour(isBad ? "--bad" : marker.kind === "rollback" ? "--warn" : "--muted");
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** A zoom of one panel is a zoom of all. */
function share(plot, key) {
  if (key !== "x" || scaling) return;
  scaling = true;
  const { min, max } = plot.scales.x;
  for (const other of plots.values()) if (other !== plot) other.setScale("x", { min, max });
  scaling = false;
}

function plotOf(panel, unit, data) {
  const names = panel.dataset.metrics.split(" ");
  const labels = panel.dataset.labels.split(" ");
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: `11px ${colour("--sans")}`,
  };
  const series = names.map((_, at) => ({
    label: labels[at],
    stroke: colour(COLOURS[at]),
    width: 1.5,
    points: { show: false },
    value: (_plot, value) => quantity(value, unit),
  }));
  const options = {
    ...zone,
    width: panel.clientWidth,
    height: 180,
    cursor: { sync: { key: cursors.key }, drag: { x: true, y: false } },
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [{ ...axis, values: clock }, { ...axis, size: 68, values: (_plot, ticks, _axis, _space, distance) => tickLabels(ticks, distance, unit) }],
    series: [{ value: (_plot, at) => (at == null ? "–" : `${new Date(at * 1000).toISOString().slice(11, 19)} UTC`) }, ...series],
    hooks: { draw: [drawMarkers], setScale: [share], setSelect: [() => (zoomed = true)] },
  };
  const plot = new uPlot(options, data, panel);
  plot.over.addEventListener("dblclick", () => (zoomed = false));
  return plot;
}

function show(metrics) {
  root.markers = metrics.markers;
  const times = metrics.times.map((time) => time / 1000);
  const series = new Map(metrics.series.map((one) => [one.metric, one]));
  for (const panel of root.querySelectorAll("[data-metrics]")) {
    const names = panel.dataset.metrics.split(" ");
    const data = [times, ...names.map((name) => series.get(name)?.values ?? times.map(() => null))];
    const unit = names.map((name) => series.get(name)?.unit).find(Boolean);
    const isEmpty = data.slice(1).every((values) => values.every((value) => value == null));
    panel.classList.toggle("none", isEmpty);
    if (isEmpty) continue;
    const plot = plots.get(panel);
    if (plot) {
      plot.setData(data, !zoomed);
    } else {
      panel.querySelector("svg")?.remove();
      plots.set(panel, plotOf(panel, unit, data));
    }
  }
}

async function load() {
  const response = await fetch(root.dataset.source).catch(() => null);
  if (!response?.ok || response.redirected) return;
  show(await response.json());
}

const live = document.getElementById("live");
let timer = 0;
function keepLoading() {
  const isOn = live.getAttribute("aria-pressed") === "true";
  clearInterval(timer);
  if (isOn) timer = setInterval(() => document.hidden || load(), LIVE_MS);
}
live?.addEventListener("click", () => {
  live.setAttribute("aria-pressed", String(live.getAttribute("aria-pressed") !== "true"));
  keepLoading();
});
document.getElementById("unzoom")?.addEventListener("click", () => {
  zoomed = false;
  load();
});
addEventListener("resize", () => {
  for (const [panel, plot] of plots) plot.setSize({ width: panel.clientWidth, height: 180 });
});
if (root) {
  load();
  if (live) keepLoading();
}
