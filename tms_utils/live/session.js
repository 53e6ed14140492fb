// A model in the plane, trained under one setting after another. Of each setting the weights on the way are kept.
import { bestLinearLoss, exactLinearLoss } from "./closed_forms.js";
import { lossAndGradient, makeBatch, makeModel, makeRun, sampleBatch } from "./model.js";
import { randomSource } from "./random.js";

export const STEPS = 3000; // of each setting
const PHASES = 6; // as many settings are kept,
const MOMENTS = 300; // and of each as many moments, evenly spread

// A setting: {n, relu, importance, seed, together}, where together is undefined if the features are independent.
export function trainingSession() {
  let setting;
  let run;
  let measure; // the fixed rows on which the loss is measured
  let queue = []; // the sparsities that come after this one

  const session = {
    model: null,
    phases: [], // {S, moved, best, relu, points: [{step, loss, W, b}]}
    get done() {
      return run ? run.done : 0;
    },
    get phase() {
      return session.phases.at(-1);
    },

    // New weights, trained at each of these sparsities in turn.
    fresh(wanted, [S, ...others]) {
      setting = wanted;
      session.model = makeModel(setting.n, 2, { relu: setting.relu, random: randomSource(setting.seed) });
      session.phases = [];
      queue = others;
      begin(S, false);
    },

    // Go on from the weights as they are.
    goOn(wanted, S, moved = false) {
      setting = wanted;
      session.model.relu = setting.relu;
      queue = [];
      if (run.done === 0) session.phases.pop(); // nothing was trained under the last setting
      begin(S, moved);
    },

    // Train so many steps, or as many as fit into so many milliseconds; false when all is done.
    advance(steps, milliseconds = Infinity) {
      const until = Math.min(STEPS, run.done + steps);
      const end = performance.now() + milliseconds;
      while (run.done < until && performance.now() < end) run.step();
      record();
      if (run.done < STEPS) return true;
      if (!queue.length) return false;
      begin(queue.shift(), false);
      return true;
    },

    loss() {
      const { model, phase } = session;
      return model.relu ? lossAndGradient(model, setting.importance, measure)
        : exactLinearLoss(model, setting.importance, 1 - phase.S);
    },

    restore({ W, b }) {
      session.model.W.set(W);
      session.model.b.set(b);
    },

    moments: () => session.phases.flatMap(({ points }) => points),

    // The weights from which the last start or move of an arrow began, and the sparsities since and to come.
    story() {
      const { phases } = session;
      const first = Math.max(0, phases.findLastIndex(({ moved }) => moved));
      return { ...phases[first].points[0], stages: [...phases.slice(first).map(({ S }) => S), ...queue] };
    },
  };

  function begin(S, moved) {
    const { n, importance, seed, relu } = setting;
    const density = 1 - S;
    const pairs = setting.together !== undefined;
    const [size, together] = pairs ? [2, Math.max(density, setting.together)] : [];
    measure = sampleBatch(makeBatch(n, 16384), density, randomSource(271828), size, together);
    run = makeRun(session.model, { density, importance, size, together, random: randomSource(seed + 31337), steps: STEPS });
    session.phases.push({ S, moved, relu, best: pairs ? -1 : bestLinearLoss(importance, 2, density), points: [] });
    session.phases = session.phases.slice(-PHASES);
    record();
  }

  function record() {
    const { model, phase } = session;
    const point = { step: run.done, loss: session.loss(), W: model.W.slice(), b: model.b.slice() };
    if (phase.points.at(-1)?.step === run.done) phase.points.pop();
    phase.points.push(point);
    if (phase.points.length > MOMENTS) phase.points = phase.points.filter((other, k) => k % 2 === 0 || other === point);
  }

  return session;
}
