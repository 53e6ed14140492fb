// Superposition playground: n features in the plane, trained while you watch.
import { addressed } from "./address.js";
import { playgroundAsPython } from "./playground_python.js";
import { heat, normBars } from "./charts.js";
import { announcer, button, checkbox, choice, copier, fold, number, sayDecay, saySparsity, slider, speakDecay } from "./controls.js";
import { lossCurve } from "./curve.js";
import { caption, colour, digits, el, fill, grouped, picture } from "./elements.js";
import { dimensionalities, featureNorms, geometryName, partnersName } from "./geometry.js";
import { arrowInWords, arrowPlane } from "./plane.js";
import { STEPS, trainingSession } from "./session.js";
import { animation, calm } from "./ui.js";

// Steps a second at the start, and how much of those done follow in a second: slow at first, since there things move.
const PACE = { slow: [60, 0], normal: [60, 1.2], fast: [120, 2.4] };
const PRESETS = [["always on", "S=0"], ["one in twenty", "S=0.95"], ["stuck", "S=0.9&seed=1"], ["hysteresis", "S=0.8&from=0.95"]];
const PAIR_PRESETS = [["by chance", "together=0"], ["always together", "together=1"], ["together, less sparse", "S=0.7&together=1"]];

function start(app, config, slot) {
  const session = trainingSession();
  let from = ""; // the sparsity at which the weights were trained before, if they were kept
  let at = null; // the moment that is shown, if it is not the present
  let lit = -1; // the arrow that is pointed at
  let held = null; // while an arrow is held: what was before
  let last = null; // the run before this one
  let quiet = false; // train to the end, and only then draw
  let started = false;
  let wanted = false; // asked for before it was on screen

  // ---- controls -----------------------------------------------------------------------------
  const pairs = config.together !== undefined; // then the third slider is c, and partners have one colour
  const hue = (i) => colour(pairs ? i >> 1 : i);
  const features = slider({ label: "Features", values: config.choices.features, value: config.features, change: () => restart(true) });
  const sparsity = slider({ label: "Sparsity S", values: config.choices.sparsity, value: config.sparsity, say: saySparsity, change: () => restart() });
  const third = pairs ? slider({ label: "Together c", values: config.choices.together, value: config.together,
    say: (c) => c || "by chance", change: () => restart() }) : slider({ label: "Importance", values: config.choices.decay,
    value: config.decay, say: sayDecay, speak: speakDecay, change: () => restart() });
  const kind = choice({ label: "Output", options: [["relu", "ReLU"], ["linear", "Linear"]], value: "relu", change: () => restart() });
  const speed = choice({ label: "Speed", options: [["slow", "Slow"], ["normal", "Normal"], ["fast", "Fast"]], value: "normal", change: () => {} });
  const keep = checkbox({ label: "Keep weights when a slider moves" });
  const compare = checkbox({ label: "Compare with the last run (dashed)", change: () => draw() });
  const seed = number({ label: "Seed", value: config.seed, change: () => restart(true) });
  const time = slider({ label: "Time", values: [null], value: null, say: (point) => `step ${grouped(point?.step ?? 0)}`, change: (point) => {
    player.pause();
    at = point === time.values.at(-1) ? null : point;
    draw(true);
  } });
  const play = button("Play", toggle, { class: "main" });
  const status = announcer();
  const title = el("p", { class: "name" });
  const dashed = el("small"); // what the dashed line in the loss curve is
  const plane = arrowPlane({ hue, grab, move, drop, light: (i) => {
    lit = i;
    draw();
  } });
  const curve = picture(360, 150, "Loss against training step, on a logarithmic scale");
  const bars = picture(360, 168, "Norm, superposition and dimensionality of each feature");
  const heatmap = picture(360, 200, "The matrix W transposed times W, and the bias");
  const buttons = el("div", { class: "row" },
    button("Step", () => { player.pause(); at = null; session.advance(1); draw(true); }),
    button("Restart", () => restart(true)),
    button("New seed", () => { seed.value = (seed.value + 1) % 10000; restart(true); }), seed.node);
  const charts = el("div", { class: "columns" },
    el("div", {}, caption("Norm", el("small", {}, "(up), superposition (down, hatched), D")), bars),
    el("div", {}, caption("W\u1d40W", el("small", {}, "and bias b")), heatmap));
  const python = copier("Copy as Python", asPython, { always: true });
  const share = el("div", { class: "row" });
  const more = fold("More: features, importance, seed, speed, weights", el("div", { class: "stack" },
    el("div", { class: "panel controls" }, features.node, third.node),
    buttons, el("div", { class: "row" }, pairs ? "" : kind.node, speed.node), el("div", { class: "row" }, keep.node, compare.node), charts, share));
  const came = { get text() { return from; }, set text(wanted) {
    if (wanted === "" || sparsity.values.some((S) => String(S) === wanted)) from = wanted;
  } };
  const loss = el("div", {}, caption("Loss", dashed), curve, time.node);
  const address = addressed(slot, app, { S: sparsity, features, [pairs ? "together" : "importance"]: third,
    ...(pairs ? {} : { output: kind }), seed, from: came, keep, speed, compare, more }, {
    parts: { play, time: time.node, loss, buttons, charts, share },
    apply: (asked) => restart(true, asked),
  });
  const presets = address.presets(pairs ? PAIR_PRESETS : PRESETS);
  share.append(address.link(), python.node);

  app.append(el("div", { class: "playground" },
    el("div", { class: "plane" }, title, plane.node),
    el("div", { class: "stack" },
      el("div", { class: "panel controls" }, sparsity.node, pairs ? third.node : ""),
      el("div", { class: "row" }, play, presets), status.node, loss),
    more.node));

  // ---- training -----------------------------------------------------------------------------
  const setting = () => ({
    n: features.value,
    relu: kind.value === "relu",
    importance: Float64Array.from({ length: features.value }, (_, i) => (pairs ? 1 : third.value ** i)),
    seed: seed.value,
    together: pairs ? third.value : undefined,
  });

  // Begin under the settings as they are now: `anew`, or with the weights kept, if the reader wants it. `asked`: by a
  // link or a preset, which say themselves where the weights come from.
  function restart(anew = false, asked = false) {
    const trained = session.done > 0;
    if (session.done > 300) last = { W: session.model.W, points: session.phase.points };
    at = null;
    if (anew || !keep.value || !session.model) {
      if (!anew) from = "";
      session.fresh(setting(), from === "" ? [sparsity.value] : [Number(from), sparsity.value]);
    } else {
      from = String(session.phase.S);
      session.goOn(setting(), sparsity.value);
    }
    // With reduced motion the picture stays until the new one is done.
    quiet = calm() && started && (trained || asked);
    wanted = asked && !started;
    if (started && (!calm() || quiet)) player.play();
    if (!quiet) draw(true);
  }

  let clock = 0;
  let owed = 0; // parts of a step
  function frame() {
    if (quiet) return session.advance(STEPS, 14);
    if (calm()) { // a picture every 500 steps
      for (let k = 1; k < 10 && session.advance(50); k++);
      return session.done < STEPS && session.advance(50);
    }
    const now = performance.now();
    const [floor, growth] = PACE[speed.value];
    owed += Math.min(0.1, (now - clock) / 1000) * Math.max(floor, growth * session.done);
    clock = now;
    const steps = Math.floor(owed);
    owed -= steps;
    return steps ? session.advance(steps, 14) : true;
  }

  const player = animation(app, () => {
    const more = frame();
    if (!more) player.pause();
    if (!more || !quiet) draw(!more);
    if (!more) quiet = false;
    return more;
  }, { seen: () => {
    started = true;
    quiet = calm() && wanted;
    if (!calm() || wanted) player.play();
    draw(true);
  } });

  function toggle() {
    at = null;
    quiet = false;
    if (player.playing) player.pause();
    else {
      if (session.done >= STEPS) restart(!keep.value);
      player.play();
    }
    draw(true);
  }

  // ---- an arrow in the reader's hand ----------------------------------------------------------
  function grab(i) {
    lit = i;
    if (at) session.restore(at);
    at = null;
    held = { W: session.model.W.slice(), playing: player.playing };
    player.pause();
  }
  function move(i, x, y) {
    session.model.W.set([x, y], 2 * i);
    draw();
  }
  function drop(i, stay) {
    if (stay) session.goOn(setting(), session.phase.S, true);
    else session.restore({ W: held.W, b: session.model.b });
    if (stay || held.playing) player.play();
    held = null;
    draw(true);
  }

  function asPython() {
    const { n, relu, together } = setting();
    return playgroundAsPython({ ...session.story(), n, relu, together, decay: third.value, seed: seed.value, steps: STEPS });
  }

  // ---- pictures -----------------------------------------------------------------------------
  function draw(now = false) {
    const model = at ? { ...session.model, W: at.W, b: at.b } : session.model;
    const { phases } = session;
    const k = at ? phases.findIndex(({ points }) => points.includes(at)) : phases.length - 1;
    const { best, relu, S } = phases[k];
    const step = at ? at.step : session.done;
    const value = held ? session.loss() : (at ?? phases[k].points.at(-1)).loss;
    const untrained = step === 0 && k === 0 && !phases[0].moved;
    const name = untrained ? "untrained" : (pairs ? partnersName : geometryName)(model);
    const norms = featureNorms(model);
    title.textContent = name;
    const kept = untrained ? "Not trained yet" : `${norms.filter((norm) => norm > 0.5).length} of ${model.n} features kept: ${name}`;
    status.say(held ? `Arrow ${lit}: ${arrowInWords(model, norms, dimensionalities(model), lit)}. Loss ${digits(value)}. Let go, and it trains from here (keyboard: Enter; Escape puts it back).`
      : `Step ${grouped(step)} of ${grouped(STEPS)}${phases.length > 1 ? ` at S ${S}` : ""}. Loss ${digits(value)}. ${kept}.`, now);
    plane.draw(model, { lit, ghost: compare.value ? last : null });
    fill(curve, lossCurve(phases, STEPS, [k, step, value], compare.value && last?.points));
    dashed.textContent = pairs ? "" : best > 0 ? `dashed: ${relu ? "best linear model" : "exact optimum"}, ${digits(best)}` : "the optimum is 0";
    if (more.node.open) {
      fill(bars, normBars(model, hue, lit));
      fill(heatmap, heat(model, lit));
    }
    time.values = session.moments();
    time.value = at ?? time.values.at(-1);
    play.textContent = player.playing ? "Pause" : session.done >= STEPS ? "Again" : "Play";
  }
  more.node.addEventListener("toggle", () => draw());

  restart(true);
  address.begin();
  return () => draw(true);
}
