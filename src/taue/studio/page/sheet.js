// A sheet of the canvas's shape, as large as there is room.

import { h } from "./dom.js";

export function sheet(width, height, ...children) {
  return h("div.sheet", { style: `aspect-ratio: ${width} / ${height}; --ratio: ${width / height}` }, ...children);
}
