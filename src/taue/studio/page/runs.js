// Runs: begun, followed, cancelled; and the bar at the foot of the scene that does so.

import { call, queued, Refused } from "./api.js";
import { h, speak, tell } from "./dom.js";
import { laid, share, words } from "./running.js";
import { toForm } from "./scene.js";
import { changed, current, on, state } from "./state.js";

export function go(root) {
  const button = h("button.main", { type: "button", id: "generate", onclick: generate }, "Generate");
  const stop = h("button.quiet", { type: "button", id: "cancel", onclick: cancel }, "Cancel");
  const bar = h("progress", { max: 1, value: 0, "aria-label": "The run" });
  const text = h("p", { role: "status" });
  const wrong = h("p.wrong", { role: "alert", hidden: true });
  const now = h("div.now", { hidden: true }, h("div", {}, text, bar), stop);
  root.append(wrong, button, now);
  on("run", () => {
    const { run } = state;
    button.hidden = Boolean(run);
    now.hidden = !run;
    if (!run) return;
    const told = words(run);
    if (text.textContent !== told) text.textContent = told;
    bar.value = share(run);
    stop.disabled = run.stopping;
  });
  on("wrong", () => {
    wrong.hidden = !state.wrong;
    wrong.textContent = state.wrong ?? "";
  });
}

function generate() {
  const { scene } = state;
  const forms = Array.from({ length: scene.count }, (_, index) => toForm(scene, scene.seed + index));
  return runs("generate", forms.map((form) => [form, state.session]));
}

export function regrow(background = "", photo = "") {
  const one = current();
  const moves = Object.entries(state.boxes).map(([number, box]) => ({ subject: Number(number), box }));
  return runs("regrow", [[one.id, state.session, moves, background, photo]]);
}

async function runs(name, requests) {
  if (state.run) return;
  const before = state.mode;
  const abort = new AbortController();
  state.run = { abort, state: "", stages: [], left: -1, rank: 0, previews: new Map(), stopping: false, index: 0, total: requests.length };
  state.wrong = "";
  state.mode = "run";
  const made = [];
  changed("run", "wrong", "mode");
  try {
    for (const [index, data] of requests.entries()) {
      Object.assign(state.run, { index, rank: 0, state: "", stages: [], left: -1, previews: new Map() });
      const last = await queued(name, data, hear, abort.signal);
      if (!last?.result) break;
      made.push(last.result);
      state.results.unshift(last.result);
      changed("results");
    }
    tell(made.length ? "" : "Cancelled, nothing was kept.");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    state.wrong = error.message;
  } finally {
    state.run = null;
    if (made.length) {
      state.batch = made.map((one) => one.id);
      state.before = "";
      state.current = made[0].id;
      speak(`${made.length} made`);
    }
    state.mode = made.length > 1 ? "choose" : made.length ? "result" : before === "run" ? "layout" : before;
    changed("run", "wrong", "current", "batch", "mode");
    document.getElementById("generate")?.focus({ preventScroll: true });
  }
}

function hear(news) {
  const { run } = state;
  if (!run) return;
  if (news.rank !== undefined) run.rank = news.rank;
  if (news.state) {
    const { state: name, stages, left, previews } = news.state;
    Object.assign(run, { state: name, rank: -1, left });
    if (stages.length) run.stages = stages;
    const scene = previews.some((one) => !one.subject);
    if (previews.length && scene !== run.previews.has(0)) run.previews.clear();
    for (const one of previews) run.previews.set(one.subject, laid(run.previews.get(one.subject), one));
  }
  changed("run");
}

async function cancel() {
  const { run } = state;
  if (!run || run.stopping) return;
  run.stopping = true;
  changed("run");
  if (run.rank >= 0) run.abort.abort();
  else await call("cancel", state.session).catch(() => run.abort.abort());
}
