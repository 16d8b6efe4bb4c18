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
    const images = [...run.previews.entries()];
    const there = [...shown.querySelectorAll("img")];
    if (images.length !== there.length || !there.length) {
      shown.replaceChildren(...(images.length ? images : [[0, ""]]).map(([number, url]) =>
        sheet(width, height, url ? h("img", { src: url, alt: number ? `Subject ${number} so far` : "The scene so far" }) : h("span.seed", { "aria-hidden": "true" }))));
    } else images.forEach(([, url], index) => (there[index].src = url));
    list.replaceChildren(...run.stages.map((one) => h("li", {},
      h("span", {}, label(one)),
      h("progress", { max: 1, value: one.done, "aria-label": label(one) }))));
  };
  redraw();
  return () => (redraw = null);
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
