// The scene as the page edits it, and as the server takes it.

import { state, subject } from "./state.js";

const OWN = ["subjects", "background", "background_image", "scene", "seed", "canvas", "model", "version"];
const SUBJECTS_OWN = ["prompt", "name", "box", "image"];

export function fresh() {
  const { models } = state.offered;
  return {
    subjects: [subject({ prompt: "a red apple", box: [0.3, 0.35, 0.4, 0.45] })],
    background: "a beach at sunset",
    photo: "",
    scene: "",
    seed: 7,
    count: 1,
    width: 0,
    height: 0,
    model: models[0],
    rest: {},
  };
}

// A scene file's fields; what the page has no control for is kept.
export function fromForm(form) {
  const { models } = state.offered;
  return {
    subjects: form.subjects.map((one) =>
      subject({
        prompt: one.prompt,
        name: one.name ?? "",
        box: one.box ?? null,
        image: one.image ?? "",
        rest: without(one, SUBJECTS_OWN),
      }),
    ),
    background: form.background ?? "",
    photo: form.background_image ?? "",
    scene: form.scene ?? "",
    seed: form.seed ?? 7,
    count: 1,
    width: form.canvas?.width ?? 0,
    height: form.canvas?.height ?? 0,
    model: form.model && models.includes(form.model) ? form.model : models[0],
    rest: without(form, OWN),
  };
}

export function toForm(scene, seed = scene.seed) {
  const form = {
    ...structuredClone(scene.rest),
    subjects: scene.subjects.map((one) => ({
      ...one.rest,
      prompt: one.prompt,
      ...(one.name.trim() ? { name: one.name } : {}),
      ...(one.box ? { box: one.box.map(round) } : {}),
      ...(one.image ? { image: one.image } : {}),
    })),
    background: scene.background,
    seed: Number(seed),
    model: scene.model,
  };
  if (scene.photo) form.background_image = scene.photo;
  if (scene.scene.trim()) form.scene = scene.scene;
  if (scene.width && scene.height) form.canvas = { width: scene.width, height: scene.height };
  return form;
}

export function at(form, path) {
  return path.split(".").reduce((value, name) => value?.[name], form);
}

// A value set, or left to the method if it is empty; a table that is empty goes, and so does one
// that is nothing without its picture.
export function put(form, path, value) {
  const names = path.split(".");
  const last = names.pop();
  const place = names.reduce((inner, name) => (inner[name] ??= {}), form);
  if (value === "") delete place[last];
  else place[last] = value;
  for (const name of names) if (!Object.keys(form[name]).length || (last === "image" && !value)) delete form[name];
}

const round = (value) => Math.round(value * 1e5) / 1e5;

function without(given, names) {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)));
}
