// Light or dark: as the system is, until somebody chooses.

import { icon } from "./dom.js";

const KEPT = "taue-studio-theme";

export function theme(root, button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (localStorage.getItem(KEPT) ?? (system.matches ? "dark" : "light")) === "dark";
  const show = () => {
    const name = dark() ? "dark" : "light";
    root.dataset.theme = name;
    document.documentElement.style.colorScheme = name;
    document.body.style.background = "";
    button.setAttribute("aria-label", dark() ? "Light colours" : "Dark colours");
  };
  button.replaceChildren(icon("theme"));
  button.onclick = () => {
    localStorage.setItem(KEPT, dark() ? "light" : "dark");
    show();
  };
  system.addEventListener("change", show);
  show();
}
