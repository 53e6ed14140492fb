// What the weights W of a model say, in the words of the package's geometry and shapes.
import { dot } from "./linear.js";
import { shapes } from "./shapes.js"; // name -> sorted cosines, sent by figure.py

// |W_i| for every feature.
export function featureNorms({ n, m, W }) {
  return Array.from({ length: n }, (_, i) => Math.sqrt(dot(W, m, i, i)));
}

// Superposition of feature i: the sum over j != i of (What_i . W_j)^2. Zero when W_i is zero.
export function superposition({ n, m, W }) {
  return featureNorms({ n, m, W }).map((norm, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) if (j !== i && norm > 1e-9) sum += (dot(W, m, i, j) / norm) ** 2;
    return sum;
  });
}

// The share of a dimension that each feature has: D_i = |W_i|^2 / sum over j of (What_i . W_j)^2.
export function dimensionalities(model) {
  const shared = superposition(model);
  return featureNorms(model).map((norm, i) => (norm > 1e-9 ? norm ** 2 / (norm ** 2 + shared[i]) : 0));
}

const ALONE = "dedicated dimension";

// The arrangement of the represented features (|W_i| > 0.5) in the words of geometry_name, and by its rule.
export function geometryName(model) {
  const names = featureGroups(model).map((group) => groupName(model, group));
  if (!names.length) return "nothing";
  const count = (name) => names.filter((other) => other === name).length;
  const order = (a, b) => (a === ALONE) - (b === ALONE) || count(b) - count(a) || (a < b ? -1 : 1);
  return [...new Set(names)].sort(order).map((name) => counted(count(name), name)).join(" + ");
}

// Features that are represented, in groups: linked if |cos| of the angle between them exceeds 0.2.
function featureGroups(model) {
  const norms = featureNorms(model);
  let unseen = norms.map((_, i) => i).filter((i) => norms[i] > 0.5);
  const groups = [];
  while (unseen.length) {
    const group = [unseen.shift()];
    for (const i of group) { // the group grows while it is read
      const near = unseen.filter((j) => Math.abs(cosine(model, i, j)) > 0.2);
      group.push(...near);
      unseen = unseen.filter((j) => !near.includes(j));
    }
    groups.push(group);
  }
  return groups;
}

// A group has a shape's name if its cosines, sorted, are the regular shape's within 0.25.
function groupName(model, group) {
  if (group.length === 1) return ALONE;
  const found = group.flatMap((i, k) => group.slice(k + 1).map((j) => cosine(model, i, j))).sort((a, b) => a - b);
  const fits = ([, cosines]) => cosines.length === found.length && cosines.every((c, k) => Math.abs(c - found[k]) < 0.25);
  return Object.entries(shapes).find(fits)?.[0] ?? `irregular group of ${group.length}`;
}

function cosine({ m, W }, i, j) {
  return dot(W, m, i, j) / Math.sqrt(dot(W, m, i, i) * dot(W, m, j, j));
}

// The name with where partners (0, 1), (2, 3), ... stand: "2 digons, partners opposite", "2 merged pairs", ...
export function partnersName(model) {
  const norms = featureNorms(model);
  const name = geometryName(model);
  const cosines = norms.flatMap((_, i) => (i % 2 ? [] : [cosine(model, i, i + 1)]));
  const all = (holds) => cosines.every(holds);
  const merged = cosines.filter((c) => c > 0.95).length;
  if (merged) return `${merged} merged pair${merged > 1 ? "s" : ""}`;
  if (name !== `${model.n / 2} digons`) return name;
  const where = all((c) => c < -0.9) ? "partners opposite" : all((c) => Math.abs(c) < 0.2) ? "partners at right angles" : "";
  return where ? `${name}, ${where}` : name;
}

function counted(count, name) {
  if (count === 1) return name;
  return `${count} ${name.startsWith("irregular") ? name.replace("group", "groups") : `${name}s`}`;
}
