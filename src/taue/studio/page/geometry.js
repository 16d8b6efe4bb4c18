// Boxes [x, y, w, h] as fractions of the canvas. Nothing here knows the page.

export const SMALLEST = 0.04;

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export function moved([x, y, w, h], dx, dy) {
  return [clamp(x + dx, 0, 1 - w), clamp(y + dy, 0, 1 - h), w, h];
}

// An edge or corner, such as "nw", drawn by (dx, dy); the opposite one stays.
export function resized([x, y, w, h], edge, dx, dy) {
  let [left, top, right, bottom] = [x, y, x + w, y + h];
  if (edge.includes("w")) left = clamp(left + dx, 0, right - SMALLEST);
  if (edge.includes("e")) right = clamp(right + dx, left + SMALLEST, 1);
  if (edge.includes("n")) top = clamp(top + dy, 0, bottom - SMALLEST);
  if (edge.includes("s")) bottom = clamp(bottom + dy, top + SMALLEST, 1);
  return [left, top, right - left, bottom - top];
}

// The same with its shape kept, for what cannot be stretched.
export function scaled(box, edge, dx, dy) {
  const [x, y, w, h] = box;
  const grown = resized(box, edge, dx, dy);
  let factor = Math.max(grown[2] / w, grown[3] / h);
  const room = [edge.includes("w") ? x + w : 1 - x, edge.includes("n") ? y + h : 1 - y];
  factor = Math.min(factor, room[0] / w, room[1] / h);
  const [nw, nh] = [w * factor, h * factor];
  return [edge.includes("w") ? x + w - nw : x, edge.includes("n") ? y + h - nh : y, nw, nh];
}

export function between([ax, ay], [bx, by]) {
  const [left, right] = [ax, bx].map((v) => clamp(v, 0, 1)).sort((p, q) => p - q);
  const [top, bottom] = [ay, by].map((v) => clamp(v, 0, 1)).sort((p, q) => p - q);
  return [left, top, right - left, bottom - top];
}

export function defaultBox(number, count) {
  const w = Math.min(0.5, 0.9 / count);
  return [(number - 0.5) / count - w / 2, 0.25, w, 0.5];
}

export const percents = (box) => box.map((value) => Math.round(value * 100));
