// The middle of the page: the layout, the result, before and after, seeds side by side, a run.

import { file, own } from "./api.js";
import { boxes } from "./boxes.js";
import { compare } from "./compare.js";
import { compose, made, pictures } from "./compose.js";
import { h, iconButton, tell } from "./dom.js";
import { defaultBox } from "./geometry.js";
import { addSubject, removeSubject, select } from "./rows.js";
import { running } from "./running.js";
import { sheet } from "./sheet.js";
import { called, changed, current, hue, on, state } from "./state.js";

const MODES = [["layout", "Layout"], ["result", "Result"], ["compare", "Before / after"], ["choose", "Choose"], ["run", "Progress"]];

export function stage(root, tools) {
  const tabs = h("div.segments", { role: "radiogroup", "aria-label": "What the canvas shows" });
  const checks = iconButton("checks", "Checkerboard behind what is transparent", () => {
    state.checks = !state.checks;
    changed("checks");
  }, { "aria-pressed": "true" });
  tools.append(tabs, h("span.spring"), checks);

  const drawTabs = () => {
    const possible = { layout: true, result: current(), compare: current(), choose: state.batch.length > 1 };
    const shown = MODES.filter(([mode]) => mode === "choose" ? possible.choose : mode !== "run" || state.run);
    tabs.replaceChildren(...shown.map(([mode, label]) =>
      h("label", {}, h("input", {
        type: "radio", name: "mode", value: mode, checked: mode === state.mode,
        disabled: mode !== "run" && !possible[mode],
        onchange: () => ((state.mode = mode), changed("mode")),
      }), h("span", {}, label))));
    const chosen = tabs.querySelector("label:has(:checked)");
    if (chosen) tools.scrollLeft = chosen.offsetLeft + chosen.offsetWidth - tools.clientWidth;
    checks.hidden = state.mode !== "result";
    checks.setAttribute("aria-pressed", String(state.checks));
  };

  const shows = { layout, result, compare, choose, run: running };
  let leave = null;
  const draw = () => {
    leave?.();
    drawTabs();
    root.replaceChildren();
    root.dataset.mode = state.mode;
    leave = shows[state.mode](root) ?? null;
  };
  on("mode current batch", draw);
  on("checks run", drawTabs);
  draw();
}

const drawn = {};
on("boxes selected scene size", () => drawn.layout?.());
on("moved selected", () => drawn.result?.());
on("looks moved checks", () => drawn.picture?.());

function layout(root) {
  const result = current();
  const width = state.scene.width || result?.width || 1;
  const height = state.scene.height || result?.height || 1;
  const same = result && Math.abs(result.width / result.height - width / height) < 0.01;
  const photo = state.scene.photo || state.scene.rest.init?.image;
  const under = photo ? own(photo) : same ? file(result, result.composite) : "";
  const paper = sheet(width, height, under ? h("img.under", { src: under, alt: "" }) : null,
    h("p.hint", {}, "Drag to draw a box for a subject"));
  root.append(paper);
  const all = () => state.scene.subjects.map((one, index) => ({
    number: index + 1,
    label: called(one, index + 1),
    hue: hue(index + 1),
    box: one.box ?? defaultBox(index + 1, state.scene.subjects.length),
  }));
  drawn.layout = boxes(paper, {
    shape: false,
    boxes: all,
    chosen: () => state.selected + 1,
    choose: (number) => select(number - 1),
    set: (number, box) => {
      state.scene.subjects[number - 1].box = box;
      changed("boxes", "scene");
    },
    draw: (box) => {
      const index = state.scene.subjects.findIndex((one) => !one.box && one.prompt);
      if (index < 0) addSubject(box);
      else {
        state.scene.subjects[index].box = box;
        select(index);
        changed("boxes", "scene");
      }
    },
    remove: (number) => removeSubject(number - 1),
  });
  return () => delete drawn.layout;
}

function result(root) {
  const one = current();
  if (!one) return null;
  const canvas = h("canvas", { width: one.width, height: one.height, role: "img", "aria-label": "The layers, one over the other" });
  const paper = sheet(one.width, one.height, canvas);
  root.append(paper);
  let gone = false;
  pictures(one).then((images) => {
    if (gone) return;
    drawn.picture = () => {
      paper.classList.toggle("checked", state.checks);
      compose(canvas, one, images, { looks: state.layers, solo: state.solo, boxes: state.boxes });
      canvas.dataset.drawn = one.id;
    };
    drawn.picture();
  }, (error) => tell(error.message, "bad"));
  const numbers = one.layers.filter((layer) => layer.role === "subject").map((layer) => layer.subject);
  drawn.result = boxes(paper, {
    shape: true,
    boxes: () => numbers.map((number) => ({
      number,
      label: called(one.scene.subjects[number - 1], number),
      hue: hue(number),
      box: state.boxes[number] ?? made(one, number),
    })),
    chosen: () => state.selected + 1,
    choose: (number) => select(number - 1),
    set: (number, box) => {
      state.boxes[number] = box;
      changed("moved");
    },
  });
  return () => {
    gone = true;
    delete drawn.picture;
    delete drawn.result;
  };
}

function choose(root) {
  const found = state.batch.map((id) => state.results.find((one) => one.id === id)).filter(Boolean);
  root.append(h("div.choice", {}, found.map((one) =>
    h("button.tile", {
      type: "button", "aria-label": `Seed ${one.scene.seed}`, "aria-pressed": String(one.id === state.current),
      onclick: () => {
        state.current = one.id;
        state.mode = "result";
        changed("current", "mode");
      },
    }, h("img", { src: file(one, one.composite), alt: "" }), h("span", {}, `seed ${one.scene.seed}`)))));
}
