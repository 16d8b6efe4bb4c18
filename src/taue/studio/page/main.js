// The page begins here, once gradio has laid its component out.

import { call, place, taken } from "./api.js";
import { tell } from "./dom.js";
import { drop } from "./drop.js";
import { form } from "./form.js";
import { history } from "./history.js";
import { layers } from "./layers.js";
import { go } from "./runs.js";
import { fresh } from "./scene.js";
import { stage } from "./stage.js";
import { changed, recall, state } from "./state.js";
import { theme } from "./theme.js";

let begun = false;

export async function start(element) {
  if (begun) return;
  begun = true;
  const root = element.querySelector(".studio");
  const part = (id) => root.querySelector(`#${id}`);
  theme(root, part("theme"));
  try {
    state.offered = await taken(await fetch(place("offered")));
    const kept = recall();
    state.scene = usable(kept.scene) ? kept.scene : fresh();
    state.session = kept.session || (await call("new_session"));
    state.results = await call("history", state.session).catch(() => []);
    state.current = state.results[0]?.id ?? "";
  } catch (error) {
    tell(error.message, "bad");
    return;
  }
  form(part("scene"));
  go(part("go"));
  stage(part("stage"), part("tools"));
  history(part("history"));
  layers(part("layers"));
  drop(root);
  changed("session");
  root.dataset.ready = "true";
}

// A scene that an older page kept may be of another shape.
function usable(scene) {
  return Array.isArray(scene?.subjects) && scene.subjects.every((one) => one.rest) && scene.rest && state.offered.models.includes(scene.model);
}
