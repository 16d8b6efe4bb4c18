// Before and after, under one slider.

import { file } from "./api.js";
import { h } from "./dom.js";
import { changed, current, state } from "./state.js";
import { sheet } from "./sheet.js";

export function compare(root) {
  const after = current();
  if (!after) return;
  const same = state.results.filter((one) => one.id !== after.id && one.width === after.width && one.height === after.height);
  const chosen = same.find((one) => one.id === (state.before || after.parent)) ?? null;
  const behind = after.layers.find((layer) => layer.role === "background");
  const first = chosen ? file(chosen, chosen.composite) : file(after, behind.file);
  const paper = sheet(after.width, after.height,
    h("img", { src: file(after, after.composite), alt: "After" }),
    h("img.before", { src: first, alt: "Before" }));
  const slide = (value) => paper.style.setProperty("--cut", `${value}%`);
  const slider = h("input.slide", {
    type: "range", min: 0, max: 100, value: 50, "aria-label": "How much of before is shown, in percent",
    oninput: (event) => slide(event.target.value),
  });
  slide(50);
  paper.append(slider, h("span.knife", { "aria-hidden": "true" }));
  const which = h("select", { "aria-label": "What it was before", onchange: (event) => {
    state.before = event.target.value;
    changed("mode");
  } }, h("option", { value: "", selected: !chosen }, "Background alone"),
    same.map((one, index) => h("option", { value: one.id, selected: one === chosen }, `${one.id === after.parent ? "What it was grown from" : `${name(one)} (${index + 1})`}`)));
  root.append(paper, h("div.beneath", {}, h("span", {}, "Before"), which, h("span.spring"), h("span", {}, "After")));
}

const name = (one) => `${one.kind === "regrow" ? "Regrown" : "Seed"} ${one.scene.seed}`;
