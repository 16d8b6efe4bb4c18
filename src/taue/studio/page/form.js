// The rest of a scene: background, the whole, seed, size, quality, model, and the folded rest.

import { h, iconButton, labelled } from "./dom.js";
import { advanced } from "./advanced.js";
import { at, fromForm, fresh, put } from "./scene.js";
import { rows } from "./rows.js";
import { openScene, ownPicture, saveScene } from "./drop.js";
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

    const quality = qualities(scene, told);
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
        quality),
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
  return ownPicture(scene.photo, "Your own photo as the background", "Let the background be drawn, without your photo", set);
}

function qualities(scene, told) {
  const says = h("small", { id: "quality-says" });
  const chosen = at(scene.rest, "method.quality") ?? state.offered.quality;
  const show = (one) => (says.textContent = one?.says ?? "");
  const all = state.offered.qualities.map((one) => h("label", { title: one.says },
    h("input", { type: "radio", name: "quality", checked: one.name === chosen, onchange: () => {
      put(scene.rest, "method.quality", one.name);
      show(one);
      told();
    } }), h("span", {}, one.name)));
  show(state.offered.qualities.find((one) => one.name === chosen));
  return h("div.field.whole", {}, h("span.label", { "aria-hidden": "true" }, "Quality"),
    h("div.segments.named", { role: "radiogroup", "aria-label": "Quality", "aria-describedby": says.id }, all), says);
}

function example(one) {
  const marks = (one.scene.subjects ?? []).map((subject, index) => {
    const [x, y, w, b] = subject.box ?? [0.25, 0.25, 0.5, 0.5];
    return h("i", { style: `--hue: ${HUES[index]}; left: ${x * 100}%; top: ${y * 100}%; width: ${w * 100}%; height: ${b * 100}%` });
  });
  return h("button.example", { type: "button", onclick: () => {
    const { model, rest } = state.scene;
    state.scene = { ...fromForm(one.scene), model };
    put(state.scene.rest, "method.quality", at(rest, "method.quality") ?? state.offered.quality);
    state.selected = 0;
    state.mode = "layout";
    changed("scene", "subjects", "boxes", "size", "form", "mode");
  } }, h("span.mini", { "aria-hidden": "true" }, marks), h("span", {}, one.name));
}
