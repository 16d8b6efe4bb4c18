// Boxes on the canvas, by mouse, touch and keys: arrows move the one in focus, Shift with arrows
// sizes it, Delete takes it away. Used for the layout, and for what was made.

import { h, speak } from "./dom.js";
import { between, clamp, moved, percents, resized, scaled, SMALLEST } from "./geometry.js";

const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const STEP = 0.01;
const LARGE = 0.05;

// `given`: boxes() -> [{ number, label, hue, box }], chosen() -> number, set(number, box, done),
// choose(number), draw(box) or null, remove(number) or null, shape: whether boxes keep theirs.
export function boxes(root, given) {
  const field = h("div.boxes");
  root.append(field);
  const edges = given.shape ? ["nw", "ne", "se", "sw"] : EDGES;

  const draw = () => {
    const focused = document.activeElement?.dataset?.box;
    const found = given.boxes();
    const there = new Map([...field.children].map((made) => [Number(made.dataset.box), made]));
    for (const one of found) {
      const made = there.get(one.number) ?? fresh(one.number);
      there.delete(one.number);
      const [x, y, w, b] = one.box;
      made.style.cssText = `--hue: ${one.hue}; left: ${x * 100}%; top: ${y * 100}%; width: ${w * 100}%; height: ${b * 100}%`;
      made.classList.toggle("chosen", one.number === given.chosen());
      made.querySelector(".tag").textContent = one.label;
      const [left, top, width, height] = percents(one.box);
      const how = given.shape ? "Arrows move it, Shift with arrows scales it." : "Arrows move it, Shift with arrows sizes it, Delete removes it.";
      made.setAttribute("aria-label", `Box of ${one.label}: left ${left}, top ${top}, width ${width}, height ${height} percent. ${how}`);
    }
    for (const gone of there.values()) gone.remove();
    if (focused) field.querySelector(`[data-box="${focused}"]`)?.focus({ preventScroll: true });
  };

  const fresh = (number) => {
    const made = h(
      "div.box",
      {
        tabindex: 0,
        role: "group",
        "data-box": number,
        onfocus: () => given.choose(number),
        onkeydown: (event) => keys(event, number),
        onpointerdown: (event) => grab(event, number, event.target.dataset.edge ?? ""),
      },
      h("span.tag", { "aria-hidden": "true" }),
      edges.map((edge) => h(`span.edge.${edge}`, { "data-edge": edge, "aria-hidden": "true" })),
    );
    field.append(made);
    return made;
  };

  const boxOf = (number) => given.boxes().find((one) => one.number === number)?.box;

  const keys = (event, number) => {
    const step = event.ctrlKey || event.metaKey ? LARGE : STEP;
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (way) {
      event.preventDefault();
      const box = boxOf(number);
      const shaped = given.shape ? scaled : resized;
      const news = event.shiftKey ? shaped(box, "se", ...way) : moved(box, ...way);
      given.set(number, news, true);
      const [left, top, width, height] = percents(news);
      speak(event.shiftKey ? `${width} by ${height} percent` : `left ${left}, top ${top} percent`);
    } else if ((event.key === "Delete" || event.key === "Backspace") && given.remove) {
      event.preventDefault();
      given.remove(number);
    }
  };

  const where = (event) => {
    const { left, top, width, height } = field.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  };

  const follow = (event, step, end) => {
    const goes = (now) => now.pointerId === event.pointerId && step(now);
    const stop = (now) => {
      if (now.pointerId !== event.pointerId) return;
      document.removeEventListener("pointermove", goes);
      document.removeEventListener("pointerup", stop);
      document.removeEventListener("pointercancel", stop);
      end(now);
    };
    document.addEventListener("pointermove", goes);
    document.addEventListener("pointerup", stop);
    document.addEventListener("pointercancel", stop);
  };

  const grab = (event, number, edge) => {
    if (event.button) return;
    event.stopPropagation();
    given.choose(number);
    const [x, y] = where(event);
    const begun = boxOf(number);
    let news = begun;
    follow(
      event,
      (now) => {
        const [nx, ny] = where(now);
        const shaped = given.shape ? scaled : resized;
        news = edge ? shaped(begun, edge, nx - x, ny - y) : moved(begun, nx - x, ny - y);
        given.set(number, news, false);
      },
      () => given.set(number, news, true),
    );
  };

  field.addEventListener("pointerdown", (event) => {
    if (event.button || !given.draw || event.target !== field) return;
    event.preventDefault();
    const begun = where(event);
    const shown = h("div.box.new");
    field.append(shown);
    let box = null;
    follow(
      event,
      (now) => {
        box = between(begun, where(now));
        const [x, y, w, b] = box;
        shown.style.cssText = `left: ${x * 100}%; top: ${y * 100}%; width: ${w * 100}%; height: ${b * 100}%`;
      },
      () => {
        shown.remove();
        if (!box || box[2] < SMALLEST || box[3] < SMALLEST) return;
        given.draw(box.map((value) => clamp(value, 0, 1)));
      },
    );
  });

  draw();
  return draw;
}
