// What the page knows, and who is told when it changes. The scene and the session survive a reload.

const KEPT = "taue-studio";
export const HUES = [152, 28, 262, 342, 205, 78, 310, 0];

const hearers = new Map();

export const state = {
  offered: null,
  session: "",
  scene: null,
  selected: 0,
  mode: "layout",
  checks: true,
  results: [],
  current: "",
  before: "",
  layers: {}, // of the current result: by file, { visible, opacity }
  solo: "",
  boxes: {}, // of its subjects that were moved: by number, [x, y, w, h]
  run: null,
  batch: [],
};

// Answers with what ends it.
export function on(names, hear) {
  for (const name of names.split(" ")) hearers.set(name, [...(hearers.get(name) ?? []), hear]);
  return () => {
    for (const [name, all] of hearers) hearers.set(name, all.filter((one) => one !== hear));
  };
}

export function changed(...names) {
  const heard = new Set(names.flatMap((name) => hearers.get(name) ?? []));
  for (const hear of heard) hear();
  if (names.some((name) => name === "scene" || name === "session")) keep();
}

let waiting = 0;
function keep() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    const { session, scene } = state;
    try {
      localStorage.setItem(KEPT, JSON.stringify({ session, scene }));
    } catch {
      // Private windows may have no room; the page works without.
    }
  }, 150);
}

export function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

let counted = 0;
export function subject(given = {}) {
  counted += 1;
  return { key: `s${Date.now().toString(36)}${counted}`, prompt: "", name: "", box: null, image: "", rest: {}, ...given };
}

export const hue = (number) => HUES[(number - 1) % HUES.length];
export const current = () => state.results.find((one) => one.id === state.current) ?? null;
export const called = (one, number) => one.name || one.prompt || `subject ${number}`;
