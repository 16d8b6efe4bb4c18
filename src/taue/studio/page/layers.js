// What was made: its layers from the nearest, what can be done with them, and the downloads.

import { file, place } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { regrow } from "./runs.js";
import { bringPicture, saveUrl } from "./drop.js";
import { changed, current, on, state } from "./state.js";

export function layers(root) {
  let shown = "";
  let offs = [];
  const hears = (names, hear) => offs.push(on(names, hear));
  const draw = () => {
    const one = current();
    if (one && shown !== one.id) {
      state.layers = Object.fromEntries(one.layers.map((layer) => [layer.file, { visible: true, opacity: 1 }]));
      state.solo = "";
      state.boxes = {};
    }
    shown = one?.id ?? "";
    offs.forEach((off) => off());
    offs = [];
    root.replaceChildren(h("div.head", {}, h("h2", {}, "Layers")), ...(one ? filled(one, hears) : [empty()]));
  };
  on("current", draw);
  draw();
}

function empty() {
  return h("p.empty", {}, "Draw boxes, say what is in them, and generate: each subject, the background and the light between them come back as layers.");
}

function filled(one, hears) {
  const rows = one.layers.map((layer) => row(one, layer)).reverse();
  const apply = () => rows.forEach((made) => made.update());
  hears("looks", apply);
  apply();
  return [
    h("ol.layers", { "aria-label": "Layers, the nearest first" }, rows),
    one.warnings.length ? h("ul.warnings", {}, one.warnings.map((text) => h("li", {}, text))) : null,
    change(one, hears),
    h("section.group", { "aria-label": "Downloads" }, h("h3", {}, "Download"), h("div.downloads", {},
      link("PSD", `${file(one, one.files.psd)}?download=1`), link("ORA", `${file(one, one.files.ora)}?download=1`),
      link("PNG", place(`zip/${one.session}/${one.id}`), "All layers as PNG files, in a ZIP"),
      link("Scene", `${file(one, one.files.scene)}?download=1`, "The scene file, from which the same bytes come again"))),
    h("p.facts", {}, `${one.width} × ${one.height}, ${one.scene.method.quality}, ${one.scene.steps} steps, seed ${one.scene.seed}, ${one.scene.model}, ${one.seconds.toFixed(1)} s`),
  ].filter(Boolean);
}

function link(label, href, title = "") {
  return h("button.quiet", { type: "button", title: title || `The layers as ${label}`, "data-href": href, onclick: () => saveUrl(href) }, icon("save"), label);
}

function row(one, layer) {
  const look = () => state.layers[layer.file];
  const name = layer.role === "background" ? "Background" : layer.name;
  const source = file(one, layer.file);
  const eye = iconButton("eye", `Show ${name}`, () => {
    look().visible = !look().visible;
    changed("looks");
  });
  const solo = iconButton("solo", `${name} alone`, () => {
    state.solo = state.solo === layer.file ? "" : layer.file;
    changed("looks");
  });
  const opacity = h("input", {
    type: "range", min: 0, max: 100, value: 100, "aria-label": `Opacity of ${name}`,
    oninput: (event) => {
      look().opacity = Number(event.target.value) / 100;
      changed("looks");
    },
  });
  const thumb = h("img.thumb.checked", {
    src: source, alt: "", draggable: "true", title: "Drag it out as a PNG", loading: "lazy",
    ondragstart: (event) => {
      const called = `${layer.file.split("/").pop()}`;
      event.dataTransfer.setData("DownloadURL", `image/png:${called}:${source}`);
      event.dataTransfer.setData("text/uri-list", source);
    },
  });
  const made = h(`li.layer.${layer.role}`, { "data-file": layer.file }, thumb, h("span.called", {}, name), eye, solo, opacity);
  made.update = () => {
    const { visible } = look();
    const hidden = state.solo ? state.solo !== layer.file : !visible;
    made.classList.toggle("off", hidden);
    eye.replaceChildren(icon(visible ? "eye" : "closed"));
    eye.setAttribute("aria-pressed", String(visible));
    solo.setAttribute("aria-pressed", String(state.solo === layer.file));
  };
  return made;
}

function change(one, hears) {
  const moved = () => Object.keys(state.boxes).length > 0;
  const again = h("button.second", { type: "button", id: "regrow", onclick: () => regrow() }, "Regrow");
  const back = h("button.quiet", { type: "button", onclick: () => {
    state.boxes = {};
    changed("moved");
  } }, "Put back");
  const says = h("p.says");
  const update = () => {
    again.disabled = !moved() || Boolean(state.run);
    back.disabled = !moved();
    other.disabled = photo.disabled = Boolean(state.run);
    says.textContent = moved() ? "Moved. Regrow lets light and shadow follow." : "Drag a subject on the canvas to move it.";
  };
  const behind = h("input", { id: "behind", value: "", placeholder: one.scene.background, "aria-label": "New background" });
  const other = h("button.second", { type: "submit", id: "rebackground" }, "New background");
  const photo = iconButton("photo", "Your own photo as the new background", () =>
    bringPicture(({ name }) => regrow(behind.value.trim(), name)));
  const formed = h("form.behind", { onsubmit: (event) => {
    event.preventDefault();
    if (behind.value.trim()) regrow(behind.value);
    else behind.focus();
  } }, h("div.pair", {}, behind, photo), other);
  hears("moved run", update);
  update();
  return h("section.group", { "aria-label": "Change" }, h("h3", {}, "Change"), says, h("div.pair", {}, again, back), formed);
}
