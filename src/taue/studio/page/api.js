// The server's endpoints, by gradio's own protocol: the same that Python clients and tools use.

import { state } from "./state.js";

const api = (path) => new URL(`gradio_api/${path}`, document.baseURI).href;
export const place = (path) => new URL(`studio/${path}`, document.baseURI).href;

export class Refused extends Error {}

// An endpoint that answers at once.
export async function call(name, ...data) {
  const answer = await asked(api(`run/${name}`), { data });
  return answer.data[0];
}

// An endpoint that waits in the queue: `hear` is told { rank } while it waits and { state } as it
// runs; what it ends with comes back. `signal` leaves the queue.
export async function queued(name, data, hear, signal) {
  const session_hash = Math.random().toString(36).slice(2);
  const fn_index = numbers()[name];
  const { event_id } = await asked(api("queue/join"), { data, fn_index, session_hash });
  return new Promise((resolve, reject) => {
    const stream = new EventSource(api(`queue/data?session_hash=${session_hash}`));
    const end = (finish, value) => {
      stream.close();
      finish(value);
    };
    signal?.addEventListener("abort", () => end(resolve, null));
    let last = null;
    stream.onerror = () => end(reject, new Refused("The server cannot be reached; try again."));
    stream.onmessage = ({ data: text }) => {
      const message = JSON.parse(text);
      if (message.event_id && message.event_id !== event_id) return;
      if (message.msg === "estimation") hear({ rank: message.rank });
      else if (message.msg === "process_starts") hear({ rank: -1 });
      else if (message.msg === "process_generating") {
        const news = message.output?.data?.[0];
        last = Array.isArray(news) ? patched(last, news) : news;
        if (last) hear({ state: last });
      } else if (message.msg === "process_completed") {
        if (message.success) end(resolve, last);
        else end(reject, new Refused(message.output?.error || "That went wrong; try again."));
      } else if (message.msg === "unexpected_error") end(reject, new Refused(message.message));
    };
  });
}

function numbers() {
  const { dependencies } = window.gradio_config;
  return Object.fromEntries(dependencies.map((one) => [one.api_name, one.id]));
}

async function asked(url, body) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refused("The server cannot be reached; try again.");
  }
  return taken(answer);
}

export async function taken(answer) {
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const reason = told.error ?? told.detail;
  throw new Refused(typeof reason === "string" ? reason : `The server refused (${answer.status}).`);
}

// Streams tell what changed since the message before: [kind, path, value].
export function patched(value, changes) {
  let whole = structuredClone(value);
  for (const [kind, path, news] of changes) {
    if (!path.length) {
      whole = kind === "append" ? whole + news : news;
      continue;
    }
    const inner = path.slice(0, -1).reduce((at, name) => at[name], whole);
    const last = path.at(-1);
    if (kind === "append") inner[last] += news;
    else if (kind === "delete") Array.isArray(inner) ? inner.splice(last, 1) : delete inner[last];
    else if (kind === "add" && Array.isArray(inner)) inner.splice(last, 0, news);
    else inner[last] = news;
  }
  return whole;
}

export const own = (name) => place(`pictures/${state.session}/${name}`);
export const file = (result, name) => place(`files/${result.session}/${result.id}/${name}`);
