// A run as it goes: what each stage shows so far, and how far it is.

import { h } from "./dom.js";
import { called, on, state } from "./state.js";
import { sheet } from "./sheet.js";

const STAGES = {
  foreground: "Subjects", composite: "Scene", background: "Background", refine: "Cut out", heal: "Light",
};

let redraw = null;
on("run", () => redraw?.());

export function running(root) {
  const shown = h("div.previews");
  const list = h("ol.stages", { "aria-label": "Stages" });
  root.append(shown, list);
  redraw = () => {
    const { run } = state;
    if (!run) return;
    const width = state.scene.width || 1;
    const height = state.scene.height || 1;
    const sheets = run.previews.size ? [...run.previews] : [[0, []]];
    const images = sheets.flatMap(([, parts]) => parts);
    const kind = sheets.map(([number, parts]) => `${number}:${parts.length}`).join();
    if (shown.dataset.kind !== kind) {
      shown.dataset.kind = kind;
      shown.replaceChildren(...sheets.map(([number, parts]) => sheet(width, height, parts.length
        ? parts.map((_, index) => h("img", { alt: index ? "" : number ? `Subject ${number} so far` : "The scene so far" }))
        : h("span.seed", { "aria-hidden": "true" }))));
    }
    [...shown.querySelectorAll("img")].forEach((image, index) => {
      const [x, y, w, b] = images[index].box;
      image.src = images[index].image;
      image.style.cssText = `inset: ${y * 100}% auto auto ${x * 100}%; width: ${w * 100}%; height: ${b * 100}%`;
    });
    list.replaceChildren(...run.stages.map((one) => h("li", {},
      h("span", {}, label(one)),
      h("progress", { max: 1, value: one.done, "aria-label": label(one) }))));
  };
  redraw();
  return () => (redraw = null);
}

// What a subject shows: all of the canvas, and over it the window in which its stage goes on.
export function laid(parts = [], news) {
  const [, , width, height] = news.box;
  return width === 1 && height === 1 ? [news] : [...parts.filter((one) => one.box[2] === 1 && one.box[3] === 1), news];
}

export function label({ stage, subjects }) {
  const name = STAGES[stage] ?? stage;
  if (stage !== "foreground" || subjects.length !== 1) return name;
  const one = state.scene.subjects[subjects[0] - 1];
  return one ? `Subject: ${called(one, subjects[0])}` : name;
}

export function words(run) {
  if (run.stopping) return "Stopping";
  if (run.rank > 0) return `Number ${run.rank + 1} in the queue`;
  if (run.rank === 0) return "Next in the queue";
  if (run.state === "writing") return "Writing layers";
  if (run.state !== "running") return "Loading the model";
  const now = run.stages.findLast((one) => one.done > 0) ?? run.stages[0];
  const left = run.left >= 0 ? `, ${seconds(run.left)} left` : "";
  const many = run.total > 1 ? `${run.index + 1} of ${run.total}: ` : "";
  return `${many}${now ? label(now) : "Begins"}${left}`;
}

function seconds(value) {
  return value < 90 ? `${Math.max(1, Math.round(value))} s` : `${Math.round(value / 60)} min`;
}

export function share(run) {
  if (run.state === "writing") return 0.97;
  const all = run.stages.reduce((sum, one) => sum + one.done, 0);
  return run.stages.length ? (0.95 * all) / run.stages.length : 0;
}
