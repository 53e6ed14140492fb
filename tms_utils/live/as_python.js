// What a figure shows as code of the course's package: the same setting, from the same first weights. (The samples
// are PyTorch's own, so a run need not end as the page's did.)

// A number as Python may read it, without the noise of binary fractions.
export const plain = (x) => String(+(+x).toFixed(4));

// Weights feature by feature, W[i * m + d], as nested lists (hidden, features).
export const nested = (W, n, m) => Array.from({ length: m }, (_, d) =>
  `[${Array.from({ length: n }, (_, i) => plain(W[i * m + d])).join(", ")}]`);

export const matrix = (rows) => `torch.tensor([\n${rows.map((row) => `    ${row},\n`).join("")}])`;
