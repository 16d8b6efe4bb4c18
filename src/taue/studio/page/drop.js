// Scene files: dropped in, opened, saved.

import { own, place, taken } from "./api.js";
import { h, iconButton, tell } from "./dom.js";
import { fromForm, toForm } from "./scene.js";
import { changed, state, subject } from "./state.js";

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

function chosen(accept, take) {
  const input = h("input", { type: "file", accept, onchange: () => input.files[0] && take(input.files[0]) });
  input.click();
}

export function openScene() {
  chosen(".toml,.json,.png", read);
}

// A picture of the user's own: a photo, or a cut-out. `use` is given its name.
export function bringPicture(use) {
  chosen("image/*", async (file) => {
    try {
      use(await handedIn(file));
    } catch (error) {
      tell(error.message, "bad");
    }
  });
}

// A button that takes a picture of the user's own, or shows the one that is there and lets it go.
export function ownPicture(name, choose, leave, set) {
  if (!name) return iconButton("photo", choose, () => bringPicture(({ name: news }) => set(news)));
  return h("button.own", {
    type: "button", title: "Your own picture; click to leave it out", "aria-label": leave, onclick: () => set(""),
  }, h("img", { src: own(name), alt: "" }));
}

async function handedIn(file) {
  if (file.size > state.offered.photo) throw new Error(`${file.name} is too large; reduce it.`);
  tell(`Handing in ${file.name}`);
  const brought = await taken(await fetch(place(`pictures/${state.session}`), { method: "POST", body: file }));
  if (brought.error) throw new Error(brought.error);
  tell("");
  return brought;
}

// Dropped pictures that carry no scene: cut-outs become subjects, photos the background.
async function usePicture(file) {
  const { name, cut_out } = await handedIn(file);
  if (cut_out) state.scene.subjects.push(subject({ image: name }));
  else state.scene.photo = name;
  state.selected = state.scene.subjects.length - 1;
  state.mode = "layout";
  tell(cut_out ? "Say what the new subject shows." : "The photo is the background; say what it shows.");
  changed("scene", "subjects", "boxes", "form", "mode");
}

async function read(file) {
  try {
    if (file.type.startsWith("image/") && file.type !== "image/png") return await usePicture(file);
    if (file.size > state.offered.upload) throw new Error(`${file.name} is too large for a scene file.`);
    const answer = await fetch(place(`scene?name=${encodeURIComponent(file.name)}`), { method: "POST", body: file });
    const { scene, error } = await taken(answer);
    if (error && file.type === "image/png") return await usePicture(file);
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
