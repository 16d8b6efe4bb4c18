// The rest of a scene: background, the whole, seed, size, quality, model, and the folded rest.

import { h, iconButton, labelled } from "./dom.js";
import { at, fromForm, fresh, put } from "./scene.js";
import { rows } from "./rows.js";
import { own } from "./api.js";
import { bringPicture, openScene, saveScene } from "./drop.js";
import { changed, HUES, on, state } from "./state.js";

export function form(root) {
  const { offered } = state;
  const told = () => changed("scene");
  let leave = () => {};
  const draw = () => {
    leave();
    const { scene } = state;
    const text = (name, label, says, more) =>
      labelled(label, h("input", { value: scene[name], ...more, oninput: (event) => ((scene[name] = event.target.value), told()) }), says);

    const subjects = h("section.group", { "aria-label": "Subjects" }, h("h3", {}, "Subjects"));
    leave = rows(subjects);

    const seed = h("input", {
      type: "number", min: 0, step: 1, value: scene.seed, inputmode: "numeric",
      onchange: (event) => ((scene.seed = Math.max(0, Math.trunc(Number(event.target.value) || 0))), (event.target.value = scene.seed), told()),
    });
    const count = h("select", { onchange: (event) => ((scene.count = Number(event.target.value)), told()) },
      [1, 2, 3, 4, 6, 8].map((number) => h("option", { value: number, selected: number === scene.count }, `${number}`)));
    const roll = iconButton("dice", "Another seed", () => {
      scene.seed = Math.floor(Math.random() * 2 ** 31);
      seed.value = scene.seed;
      told();
    });

    const sizes = h("select", { onchange: (event) => {
      const size = offered.sizes[Number(event.target.value)];
      if (size) [scene.width, scene.height] = [size.width, size.height];
      changed("scene", "size");
    } });
    offered.sizes.forEach((size, index) =>
      sizes.append(h("option", { value: index, selected: size.width === scene.width && size.height === scene.height }, size.name)));
    if (!offered.sizes.some((size) => size.width === scene.width && size.height === scene.height))
      sizes.append(h("option", { value: "own", selected: true }, `${scene.width} × ${scene.height}`));

    const quality = h("div.segments", { role: "radiogroup", "aria-label": "Quality" },
      offered.qualities.map((one) => radio("quality", one.name, `${one.steps} steps`, one.steps === scene.steps, () => {
        scene.steps = one.steps;
        told();
      })));
    const model = h("select", { onchange: (event) => ((scene.model = event.target.value), told()) },
      offered.models.map((name) => h("option", { value: name, selected: name === scene.model }, name)));

    root.replaceChildren(
      h("div.head", {}, h("h2", {}, "Scene"), h("span.spring"),
        iconButton("open", "Open a scene file", openScene),
        iconButton("save", "Save the scene file", saveScene),
        iconButton("use", "Start anew", () => { state.scene = fresh(); state.selected = 0; changed("scene", "subjects", "boxes", "size", "form"); })),
      subjects,
      h("section.group", { "aria-label": "Background" },
        h("div.pair", {}, text("background", "Background", "", { placeholder: "a beach at sunset" }), photo(scene)),
        text("scene", "Whole scene", "", { placeholder: "Subjects and background joined" })),
      h("section.group.grid", { "aria-label": "Picture" },
        labelled("Canvas", sizes), labelled("Model", model),
        h("div.field.pair", {}, labelled("Seed", seed), roll),
        labelled("Seeds side by side", count),
        h("div.field.whole", {}, h("span.label", { "aria-hidden": "true" }, "Quality"), quality)),
      advanced(scene, offered.advanced, told),
      h("section.group", { "aria-label": "Examples" }, h("h3", {}, "Examples"), h("div.examples", {}, offered.examples.map(example))),
    );
  };
  on("form", draw);
  draw();
}

function photo(scene) {
  const set = (name) => {
    scene.photo = name;
    changed("scene", "form", "boxes", "mode");
  };
  if (!scene.photo) return iconButton("photo", "Your own photo as the background", () => bringPicture(({ name }) => set(name)));
  return h("button.own", {
    type: "button", title: "Your own photo; click to let it be drawn",
    "aria-label": "Let the background be drawn, without your photo", onclick: () => set(""),
  }, h("img", { src: own(scene.photo), alt: "" }));
}

function radio(group, label, title, checked, choose) {
  const control = h("input", { type: "radio", name: group, checked, onchange: choose });
  return h("label", { title }, control, h("span", {}, label));
}

function advanced(scene, controls, told) {
  const made = h("details.group", {}, h("summary", {}, "Advanced"));
  for (const one of controls) {
    const value = at(scene.rest, one.path) ?? one.default;
    const set = (news) => (put(scene.rest, one.path, news, one.default), told());
    if (one.kind === "choice") {
      made.append(labelled(one.label, h("select", { onchange: (event) => set(event.target.value) },
        one.choices.map((choice) => h("option", { value: choice, selected: choice === value }, choice || "the model's own"))), one.says));
    } else if (one.kind === "text") {
      made.append(labelled(one.label, h("input", { value, oninput: (event) => set(event.target.value) }), one.says));
    } else {
      const shown = h("output", {}, String(value));
      const slider = h("input", { type: "range", min: one.low, max: one.high, step: one.step, value, oninput: (event) => {
        shown.textContent = event.target.value;
        set(Number(event.target.value));
      } });
      const field = labelled(one.label, slider, one.says);
      field.querySelector("label").append(shown);
      made.append(field);
    }
  }
  return made;
}

function example(one) {
  const marks = (one.scene.subjects ?? []).map((subject, index) => {
    const [x, y, w, b] = subject.box ?? [0.25, 0.25, 0.5, 0.5];
    return h("i", { style: `--hue: ${HUES[index]}; left: ${x * 100}%; top: ${y * 100}%; width: ${w * 100}%; height: ${b * 100}%` });
  });
  return h("button.example", { type: "button", onclick: () => {
    state.scene = { ...fromForm(one.scene), steps: state.scene.steps, model: state.scene.model };
    state.selected = 0;
    state.mode = "layout";
    changed("scene", "subjects", "boxes", "size", "form", "mode");
  } }, h("span.mini", { "aria-hidden": "true" }, marks), h("span", {}, one.name));
}
