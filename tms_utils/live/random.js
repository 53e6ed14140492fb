// Seeded random numbers.

// Uniform numbers in [0, 1) from a 32-bit seed (the "mulberry32" generator).
export function randomSource(seed) {
  const state = Int32Array.of(Math.imul(seed + 1, 0x9e3779b1) ^ 0x85ebca6b); // a plain variable is boxed, and slow
  return () => {
    const s = (state[0] += 0x6d2b79f5);
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// One standard normal number (Box-Muller).
export function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
