// Many seeds at once: 24 small models trained side by side, and a count of what they become.
import { addressed } from "./address.js";
import { manySeedsAsPython } from "./many_seeds_python.js";
import { announcer, button, copier, fold, number, sayDecay, saySparsity, slider, speakDecay } from "./controls.js";
import { arrow, caption, colour, el, fill, grouped, picture, svg } from "./elements.js";
import { featureNorms, geometryName } from "./geometry.js";
import { makeModel, makeRun } from "./model.js";
import { randomSource } from "./random.js";
import { trainer } from "./trainer.js";
import { forMilliseconds } from "./ui.js";

const MODELS = 24;
const STEPS = 2000;
// The rows of the table, from few features kept to many, with a short name for small pictures.
export const ROWS = [
  ["2 dedicated dimensions", "1 + 1"],
  ["digon", "digon"],
  ["digon + dedicated dimension", "digon + 1"],
  ["triangle", "triangle"],
  ["2 digons", "2 digons"],
  ["pentagon", "pentagon"],
  ["something else", "other"],
];
const row = (name) => {
  const k = ROWS.findIndex(([known]) => known === name);
  return k < 0 ? ROWS.length - 1 : k;
};

const PRESETS = [["always on", "S=0"], ["one in five", "S=0.8"], ["one in twenty", "S=0.95"]];

function start(app, config, slot) {
  const sparsities = config.choices.sparsity;
  let runs;
  let sweeping = false;
  const counted = new Map(); // sparsity -> how many models reached each row

  const sparsity = slider({ label: "Sparsity S", values: sparsities, value: config.sparsity, say: saySparsity, change: () => {
    sweeping = false;
    restart();
  } });
  const decay = slider({ label: "Importance", values: config.choices.decay, value: config.decay,
    say: sayDecay, speak: speakDecay, change: () => restart(true) });
  const seed = number({ label: "First seed", value: config.seed, change: () => restart(true) });
  const training = trainer(app, { steps: STEPS, done: () => runs?.[0].done ?? 0, draw, again: () => restart(),
    train() {
      // Early on a few steps at a time, so that the start can be watched; then as many as fit.
      const until = runs[0].done < 150 ? runs[0].done + 3 : STEPS;
      forMilliseconds(11, () => {
        for (const run of runs) run.step();
        return runs[0].done < until;
      });
    },
    finish() {
      counted.set(sparsity.value, tallied());
      const next = sparsities.find((S) => !counted.has(S));
      if (sweeping && next !== undefined) {
        training.show(true);
        sparsity.value = next;
        restart();
        return true;
      }
      sweeping = false;
      return false;
    },
    paused() {
      sweeping = false;
    } });
  const sweep = button("All sparsities", () => {
    sweeping = true;
    sparsity.value = sparsities.find((S) => !counted.has(S)) ?? sparsities[0];
    restart(false, false, true);
  });
  const status = announcer();
  status.node.classList.add("long");
  const share = el("div", { class: "row" });
  const more = fold("More: importance, seeds", el("div", { class: "stack" }, el("div", { class: "panel controls" }, decay.node),
    el("div", { class: "row" }, button("New seeds", () => {
      seed.value = (seed.value + MODELS) % 10000;
      restart(true);
    }), seed.node), share));
  const address = addressed(slot, app, { S: sparsity, importance: decay, seed, more }, { parts: { play: training.play, sweep, share }, apply: (asked) => {
    sweeping = false;
    restart(true, asked);
  } });
  const presets = address.presets(PRESETS);
  share.append(address.link(), copier("Copy as Python", () =>
    manySeedsAsPython({ S: sparsity.value, decay: decay.value, seed: seed.value, models: MODELS, steps: STEPS }), { always: true }).node);
  const models = picture(360, 268, "The 24 models\u2019 feature directions in the plane, each with the name of its geometry");
  const table = picture(360, 268, "How many of the 24 models reach each geometry, by sparsity");
  app.append(el("div", { class: "stack" },
    el("div", { class: "columns" },
      el("div", {}, caption("24 models, 24 seeds", el("small", {}, "circle: norm 1")), models),
      el("div", { class: "stack" }, el("div", { class: "panel controls" }, sparsity.node),
        el("div", { class: "row" }, training.play, sweep, presets), status.node,
        el("div", {}, caption("What they become", el("small", {}, "of 24; hollow: in training")), table))),
    more.node));

  function restart(forget = false, asked = false, go = false) {
    if (forget) counted.clear();
    const importance = Float64Array.from({ length: 5 }, (_, i) => decay.value ** i);
    training.renew(() => {
      runs = Array.from({ length: MODELS }, (_, k) => {
        const random = randomSource(seed.value + k);
        return makeRun(makeModel(5, 2, { random }), { density: 1 - sparsity.value, importance, random, steps: STEPS, rows: 128 });
      });
    }, go, asked);
  }

  // How many models are in each row now.
  function tallied() {
    const tally = new Array(ROWS.length).fill(0);
    for (const { model } of runs) tally[row(geometryName(model))] += 1;
    return tally;
  }

  // ---- pictures -----------------------------------------------------------------------------
  function draw(now = false) {
    const { done } = runs[0];
    const tally = tallied();
    const words = ROWS.map(([name], k) => [tally[k], name]).filter(([count]) => count).sort((a, b) => b[0] - a[0])
      .map(([count, name]) => `${name} (${count})`).join(", ");
    status.say(done === 0 ? `Sparsity ${sparsity.value}: ${MODELS} models, not trained yet.`
      : `Sparsity ${sparsity.value}, step ${grouped(done)} of ${grouped(STEPS)}: ${words}.`, now);
    drawModels();
    drawTable();
  }

  function drawModels() {
    const parts = [];
    runs.forEach(({ model }, k) => {
      const cx = 30 + 60 * (k % 6);
      const cy = 27 + 67 * Math.floor(k / 6);
      const unit = 24 / Math.max(1.2, ...featureNorms(model));
      parts.push(svg("circle", { cx, cy, r: unit, fill: "none", stroke: "var(--line)", "stroke-dasharray": "2 3" }));
      for (let i = 4; i >= 0; i--) {
        parts.push(arrow(cx, cy, cx + unit * model.W[2 * i], cy - unit * model.W[2 * i + 1], colour(i), { width: 1.8, head: 5 }));
      }
      parts.push(svg("text", { x: cx, y: cy + 36, "text-anchor": "middle", class: "muted tiny" },
        runs[k].done ? ROWS[row(geometryName(model))][1] : `seed ${seed.value + k}`));
    });
    fill(models, parts);
  }

  // Circles with the count inside; one column per sparsity. Hollow circles: still training.
  function drawTable() {
    const used = ROWS.map((_, k) => k);
    const left = 74;
    const width = (360 - left) / sparsities.length;
    const height = 32;
    const parts = [];
    const at = sparsities.indexOf(sparsity.value);
    parts.push(svg("rect", { x: left + width * at, y: 2, width, height: height * used.length + 22, rx: 6, fill: "var(--soft)", stroke: "var(--accent)" }));
    used.forEach((k) => {
      const y = 4 + height * (k + 0.5);
      parts.push(svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, ROWS[k][1]),
        svg("line", { x1: left, x2: 360, y1: y, y2: y, stroke: "var(--faint)" }));
    });
    sparsities.forEach((S, j) => {
      const x = left + width * (j + 0.5);
      parts.push(svg("text", { x, y: height * used.length + 18, "text-anchor": "middle", class: S === sparsity.value ? "small" : "small muted",
        style: S === sparsity.value ? "font-weight:700" : "" }, S === 0 ? "0" : String(S).slice(1)));
      const training = S === sparsity.value && runs[0].done > 0 && runs[0].done < STEPS;
      const tally = training ? tallied() : counted.get(S);
      if (!tally) return;
      used.forEach((k) => {
        if (!tally[k]) return;
        const y = 4 + height * (k + 0.5);
        parts.push(svg("circle", { cx: x, cy: y, r: 5 + 9 * Math.sqrt(tally[k] / MODELS),
          fill: training ? "var(--card)" : "var(--accent)", stroke: "var(--accent)" }),
          svg("text", { x, y: y + 4, "text-anchor": "middle",
            style: `fill:var(${training ? "--ink" : "--on-accent"});font-weight:650;font-size:11px` }, tally[k]));
      });
    });
    parts.push(svg("text", { x: left + (360 - left) / 2, y: 262, "text-anchor": "middle", class: "muted" }, "sparsity S = 1 \u2212 density"));
    fill(table, parts);
  }

  restart();
  address.begin();
  return () => training.show(true);
}
