// Layers laid over each other in the browser, subjects where they were dragged to. No model.

import { file } from "./api.js";

const kept = new Map();
const MOST = 6;

// The pictures of a result by its layers' files; those of the last few results stay in memory.
export async function pictures(result) {
  if (!kept.has(result.id)) {
    const load = async (name) => [name, await decoded(file(result, name))];
    kept.set(result.id, Promise.all(result.layers.map((layer) => load(layer.file))).then(Object.fromEntries));
    for (const old of [...kept.keys()].slice(0, -MOST)) kept.delete(old);
  }
  try {
    return await kept.get(result.id);
  } catch (error) {
    kept.delete(result.id);
    throw error;
  }
}

async function decoded(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error("A layer is missing; it may be too old.");
  return createImageBitmap(await answer.blob());
}

// Where a subject is as it was made.
export function made(result, number) {
  return result.layers.find((layer) => layer.role === "subject" && layer.subject === number)?.box;
}

// `looks`: by file, { visible, opacity }; `solo`: a file alone; `boxes`: by subject, where it went.
export function compose(canvas, result, images, { looks = {}, solo = "", boxes = {} }) {
  const { width, height } = canvas;
  const paper = canvas.getContext("2d");
  paper.setTransform(1, 0, 0, 1, 0, 0);
  paper.clearRect(0, 0, width, height);
  for (const layer of result.layers) {
    const look = looks[layer.file] ?? { visible: true, opacity: 1 };
    if (solo ? solo !== layer.file : !look.visible) continue;
    paper.globalAlpha = look.opacity;
    const [scale, dx, dy] = shift(result, layer, boxes);
    paper.setTransform(scale, 0, 0, scale, dx * width, dy * height);
    paper.drawImage(images[layer.file], 0, 0, width, height);
  }
  paper.globalAlpha = 1;
}

function shift(result, layer, boxes) {
  const goal = boxes[layer.subject];
  if (!layer.subject || !goal) return [1, 0, 0];
  const begun = made(result, layer.subject);
  const scale = goal[2] / begun[2];
  return [scale, goal[0] - begun[0] * scale, goal[1] - begun[1] * scale];
}
