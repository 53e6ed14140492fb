// The one product that everything here is made of.

// W_i . W_j, where W[i * m + d] is coordinate d of feature i's direction.
export function dot(W, m, i, j) {
  let sum = 0;
  for (let d = 0; d < m; d++) sum += W[i * m + d] * W[j * m + d];
  return sum;
}
