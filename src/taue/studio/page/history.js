// What this session made, the newest first. It is there again after a reload.

import { call, file } from "./api.js";
import { h, iconButton, tell } from "./dom.js";
import { fromForm } from "./scene.js";
import { changed, on, state } from "./state.js";

export function history(root) {
  const draw = () => {
    root.hidden = !state.results.length;
    root.replaceChildren(h("h2.hidden", {}, "History"), h("ol.past", { "aria-label": "History, the newest first" }, state.results.map(entry)));
  };
  on("results current", draw);
  draw();
}

function entry(one) {
  const label = `${one.kind === "regrow" ? "Regrown" : "Made"} with seed ${one.scene.seed}: ${one.scene.subjects.map((s) => s.prompt).join(", ")}, ${one.scene.background}`;
  return h("li", {},
    h("button.tile", {
      type: "button", title: label, "aria-label": label, "aria-pressed": String(one.id === state.current),
      onclick: () => {
        state.current = one.id;
        state.before = "";
        state.mode = "result";
        changed("current", "mode");
      },
    }, h("img", { src: file(one, one.composite), alt: "", loading: "lazy" })),
    h("span.over", {},
      iconButton("use", `Take the scene of seed ${one.scene.seed} up again`, () => {
        state.scene = fromForm(one.scene);
        state.selected = 0;
        state.mode = "layout";
        changed("scene", "subjects", "boxes", "form", "mode");
      }),
      iconButton("bin", `Remove the result of seed ${one.scene.seed}`, () => remove(one))));
}

async function remove(one) {
  try {
    await call("remove", one.id, state.session);
  } catch (error) {
    tell(error.message, "bad");
    return;
  }
  state.results = state.results.filter((other) => other.id !== one.id);
  state.batch = state.batch.filter((id) => id !== one.id);
  if (state.current === one.id) {
    state.current = state.results[0]?.id ?? "";
    if (!state.current) state.mode = "layout";
  }
  changed("results", "current", "mode");
}
