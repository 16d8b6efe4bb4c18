// Scene files: dropped in, opened, saved.

import { place, taken } from "./api.js";
import { h, tell } from "./dom.js";
import { fromForm, toForm } from "./scene.js";
import { changed, state } from "./state.js";

export function drop(root) {
  let depth = 0;
  const files = (event) => event.dataTransfer?.types.includes("Files");
  const over = (event) => files(event) && event.preventDefault();
  const mark = (event, step) => {
    if (!files(event)) return;
    depth = Math.max(0, depth + step);
    root.classList.toggle("dropping", depth > 0);
  };
  root.addEventListener("dragenter", (event) => mark(event, 1));
  root.addEventListener("dragleave", (event) => mark(event, -1));
  root.addEventListener("dragover", over);
  root.addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    depth = 0;
    root.classList.remove("dropping");
    read(event.dataTransfer.files[0]);
  });
}

export function openScene() {
  const input = h("input", { type: "file", accept: ".toml,.json,.png", onchange: () => input.files[0] && read(input.files[0]) });
  input.click();
}

async function read(file) {
  try {
    if (file.size > state.offered.upload) throw new Error(`${file.name} is too large for a scene file.`);
    const answer = await fetch(place(`scene?name=${encodeURIComponent(file.name)}`), { method: "POST", body: file });
    const { scene, error } = await taken(answer);
    if (error) throw new Error(error);
    state.scene = fromForm(scene);
    state.selected = 0;
    state.mode = "layout";
    tell(`${file.name} is open.`);
    changed("scene", "subjects", "boxes", "form", "size", "mode");
  } catch (error) {
    tell(error.message, "bad");
  }
}

export async function saveScene() {
  try {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(toForm(state.scene));
    const { text, error } = await taken(await fetch(place("toml"), { method: "POST", headers, body }));
    if (error) throw new Error(error);
    save(new Blob([text], { type: "application/toml" }), "scene.toml");
  } catch (error) {
    tell(error.message, "bad");
  }
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  saveUrl(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function saveUrl(url, name = "") {
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}
