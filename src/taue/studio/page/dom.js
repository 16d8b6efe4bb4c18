// Elements from plain calls: h("button", { class: "quiet", onclick }, "Text").

export function h(name, given = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key === "value") made.value = value;
    else if (key === "style") made.style.cssText = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const ICONS = {
  eye: "M2 12s3.500-7 10-7 10 7 10 7-3.500 7-10 7S2 12 2 12Zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  closed: "M3 3l18 18M10 5.200A11 11 0 0 1 12 5c6.500 0 10 7 10 7a17 17 0 0 1-3.300 4.200M6.600 6.600C3.700 8.500 2 12 2 12s3.500 7 10 7a10 10 0 0 0 5-1.300",
  solo: "M12 12m-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0M12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
  plus: "M12 5v14M5 12h14",
  cross: "M6 6l12 12M18 6L6 18",
  dice: "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2ZM8 8h.010M16 16h.010M12 12h.010M16 8h.010M8 16h.010",
  grip: "M9 6h.010M15 6h.010M9 12h.010M15 12h.010M9 18h.010M15 18h.010",
  open: "M3 7a2 2 0 0 1 2-2h4l2 2h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Z",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9Z",
  checks: "M3 3h18v18H3ZM3 12h18M12 3v18",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  photo: "M4 5h16v14H4ZM4 16l5-5 4 4 2-2 5 5M15 9h.010",
  use: "M4 12a8 8 0 1 0 3-6.200M4 4v5h5",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, given = {}) {
  return h("button.quiet.icon", { type: "button", "aria-label": label, title: label, onclick, ...given }, icon(name));
}

export function labelled(label, control, says = "") {
  control.id ||= `c${Math.random().toString(36).slice(2, 9)}`;
  const note = says ? h("small", { id: `${control.id}-says` }, says) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div.field", {}, h("label", { for: control.id }, label), control, note);
}

export function speak(text) {
  document.getElementById("spoken").textContent = text;
}

export function tell(text, kind = "") {
  const told = document.getElementById("told");
  told.textContent = text;
  told.dataset.kind = kind;
}
