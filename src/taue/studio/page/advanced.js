// What is folded away: a control for each, with a line on what it does.

import { h, labelled } from "./dom.js";
import { ownPicture } from "./drop.js";
import { at, put } from "./scene.js";
import { changed } from "./state.js";

let open = false; // stays so when the form is drawn again

export function advanced(scene, controls, told) {
  const made = h("details.group", { open, ontoggle: () => (open = made.open) }, h("summary", {}, "Advanced"));
  for (const one of controls) {
    const value = at(scene.rest, one.path) ?? one.default;
    const set = (news) => (put(scene.rest, one.path, news), told());
    if (one.path === "init.strength" && !at(scene.rest, "init.image")) continue;
    made.append(KINDS[one.kind](one, value, set));
  }
  return made;
}

const KINDS = {
  choice: (one, value, set) =>
    labelled(one.label, h("select", { onchange: (event) => set(event.target.value) },
      one.choices.map((choice) => h("option", { value: choice, selected: choice === value }, choice || "the model's own"))), one.says),

  text: (one, value, set) => labelled(one.label, h("input", { value, oninput: (event) => set(event.target.value) }), one.says),

  number: (one, value, set) => {
    const shown = h("output", {}, String(value));
    const slider = h("input", { type: "range", min: one.low, max: one.high, step: one.step, value, oninput: (event) => {
      shown.textContent = event.target.value;
      set(Number(event.target.value));
    } });
    const field = labelled(one.label, slider, one.says);
    field.querySelector("label").append(shown);
    return field;
  },

  picture: (one, value, set) =>
    h("div.pair.beside", {},
      h("div.field", {}, h("span.label", {}, one.label), h("small", {}, one.says)),
      ownPicture(value, `${one.label}: choose it`, `${one.label}: leave it out`, (news) => (set(news), changed("form", "mode")))),
};
