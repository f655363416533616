/* The curve component: volts and amps over time by uPlot, steps shaded, the target dashed,
   gaps left as gaps, and the same figures in a table for readers. */
"use strict";

const TABLE_ROWS = 48;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function clockText(seconds, withSeconds) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (withSeconds) options.second = "2-digit";
  return new Date(seconds * 1000).toLocaleTimeString(undefined, options);
}

/** As many decimals as keep the ticks of an axis apart. */
const decimals = (ticks) => ticks.length > 1 && ticks[1] - ticks[0] < 0.0099 ? 3 : 2;

const shown = (value, digits, unit) => value === null || value === undefined ? "–" : `${value.toFixed(digits)}\u202f${unit}`;

/** Steps as alternating bands with their titles, and the target as a dashed line. */
function decorate(plot, curve) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.textAlign = "left"; // the axes leave it as they used it
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  const seen = (curve.steps || [])
    .map((step) => ({ title: step.title, from: plot.valToPos(step.from, "x", true), to: plot.valToPos(step.to, "x", true) }))
    .filter((step) => step.to - step.from > 2 * devicePixelRatio);
  seen.forEach(({ title, from, to }, number) => {
    ctx.fillStyle = token("--chart-band");
    if (number % 2 === 0) ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.fillStyle = token("--muted");
    const room = to - from - 8 * devicePixelRatio;
    if (ctx.measureText(title).width < room) ctx.fillText(title, from + 4 * devicePixelRatio, bbox.top + 14 * devicePixelRatio);
  });
  if (curve.target_v) {
    const y = plot.valToPos(curve.target_v, "V", true);
    ctx.strokeStyle = token("--fail");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** Whether any probe was read. */
const isWarm = (curve) => curve.temperature_c.some((c) => c !== null);

/** Cells at rest are a flat line: it is drawn among its own millivolts, and not down to 0 V. */
const voltsRange = (plot, low, high) => high - low < 0.02 ? [low - 0.02, high + 0.02] : uPlot.rangeNum(low, high, 0.1, true);

/** `newest` gives the curve as last loaded: the plot outlives each of them. */
function options(width, newest) {
  const axis = { stroke: token("--muted"), grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line") } };
  return {
    width, height: 320,
    cursor: { y: false },
    scales: { x: { time: true }, V: { range: voltsRange }, C: { range: [0, 60] }, A: { range: (u, low, high) => [Math.min(0, low * 1.08), Math.max(1, high * 1.08)] } },
    series: [
      { label: "Time", value: (u, at) => at === null ? "–" : clockText(at, true) },
      { label: "Bank", scale: "V", stroke: token("--accent"), width: 2, value: (u, v) => shown(v, 3, "V"), spanGaps: false },
      { label: "Current", scale: "A", stroke: token("--idle"), width: 1.5, value: (u, v) => shown(v, 2, "A"), spanGaps: false },
      ...(isWarm(newest()) ? [{ label: "Hottest probe", scale: "C", stroke: token("--fail"), width: 1, dash: [2, 4], value: (u, v) => shown(v, 1, "°C"), spanGaps: false }] : []),
    ],
    axes: [
      { ...axis, values: (u, ticks) => ticks.map((at) => clockText(at, ticks.length > 1 && ticks[1] - ticks[0] < 60)), space: 64 },
      { ...axis, scale: "V", size: 56, values: (u, ticks) => ticks.map((v) => v.toFixed(decimals(ticks))), label: "volts", labelSize: 18 },
      { ...axis, scale: "A", side: 1, size: 48, grid: { show: false }, values: (u, ticks) => ticks.map((v) => v.toFixed(ticks.length > 1 && ticks[1] - ticks[0] < 1 ? 1 : 0)), label: "amps", labelSize: 18 },
    ],
    hooks: { drawClear: [(plot) => decorate(plot, newest())] },
  };
}

function fillTable(figure, curve) {
  const body = figure.querySelector("details tbody"); // the legend of the plot is a table too
  const stride = Math.max(1, Math.ceil(curve.at.length / TABLE_ROWS));
  body.replaceChildren();
  for (let row = 0; row < curve.at.length; row += stride) {
    const line = body.insertRow();
    [clockText(curve.at[row], true), shown(curve.voltage_v[row], 3, "V"), shown(curve.supply_voltage_v[row], 3, "V"), shown(curve.current_a[row], 2, "A"), shown(curve.temperature_c[row], 1, "°C")]
      .forEach((text, column) => { const cell = line.insertCell(); cell.textContent = text; if (column) cell.className = "n"; });
  }
}

class Curve {
  constructor(figure) {
    this.figure = figure;
    this.holder = figure.querySelector(".plot");
    this.note = figure.querySelector("[data-curve-note]");
    this.liveMs = Number(figure.dataset.live || 0);
    new ResizeObserver(() => this.plot && this.plot.setSize({ width: this.holder.clientWidth, height: 320 })).observe(this.holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.load();
  }

  async load() {
    try {
      const answer = await fetch(this.figure.dataset.curve, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      this.curve = await answer.json();
      this.show();
    } catch {
      this.note.textContent = " · cannot be reached now, shown as last seen";
    }
    if (this.liveMs) setTimeout(() => this.load(), document.hidden ? 5 * this.liveMs : this.liveMs);
  }

  show() {
    const count = this.curve.at.length;
    this.note.textContent = !count ? " · no readings are stored yet"
      : this.curve.simulated ? " · by the simulated bench's own clock" : "";
    this.figure.toggleAttribute("data-empty", !count);
    if (!count) return;
    fillTable(this.figure, this.curve);
    const data = this.data();
    if (this.plot && this.plot.series.length === data.length) this.plot.setData(data);
    else this.draw();
    this.figure.dataset.drawn = String(count);
  }

  data() {
    const { at, voltage_v, current_a, temperature_c } = this.curve;
    return [at, voltage_v, current_a, ...(isWarm(this.curve) ? [temperature_c] : [])];
  }

  draw() {
    if (!this.curve) return;
    if (this.plot) this.plot.destroy();
    this.plot = new uPlot(options(this.holder.clientWidth, () => this.curve), this.data(), this.holder);
  }
}

document.querySelectorAll("[data-curve]").forEach((figure) => new Curve(figure));
