// One row for each subject: its colour, prompt and name. Rows are ordered by drag, or by
// Alt with an arrow key on the grip; later ones stand nearer.

import { h, icon, iconButton, speak } from "./dom.js";
import { ownPicture } from "./drop.js";
import { defaultBox } from "./geometry.js";
import { called, changed, hue, on, state, subject } from "./state.js";

export function rows(root) {
  const list = h("ol.rows", { "aria-label": "Subjects, later ones nearer" });
  const add = h("button.quiet.wide", { type: "button", id: "add", onclick: () => addSubject() }, icon("plus"), "Add a subject");
  root.append(list, add);

  const draw = () => {
    const { subjects } = state.scene;
    list.replaceChildren(...subjects.map((one, index) => row(one, index)));
    add.disabled = subjects.length >= state.offered.subjects;
    mark();
  };
  const mark = () => {
    [...list.children].forEach((made, index) => made.classList.toggle("chosen", index === state.selected));
  };
  const offs = [on("subjects", draw), on("selected", mark)];
  draw();
  return () => offs.forEach((off) => off());
}

export function addSubject(box = null) {
  const { subjects } = state.scene;
  if (subjects.length >= state.offered.subjects) return;
  const number = subjects.length + 1;
  subjects.push(subject({ box: box ?? defaultBox(number, number) }));
  state.selected = number - 1;
  changed("subjects", "scene", "boxes");
  document.querySelector(".row.chosen input")?.focus();
}

export function removeSubject(index) {
  const [gone] = state.scene.subjects.splice(index, 1);
  state.selected = Math.min(state.selected, state.scene.subjects.length - 1);
  speak(`${called(gone, index + 1)} removed`);
  changed("subjects", "scene", "boxes");
}

function row(one, index) {
  const number = index + 1;
  const made = h("li.row", { style: `--hue: ${hue(number)}`, "data-key": one.key });
  const told = () => changed("scene", "boxes");
  const grip = h(
    "button.grip",
    {
      type: "button",
      "aria-label": `Order of subject ${number}: Alt with arrow up or down`,
      title: "Drag to order",
      onpointerdown: (event) => drag(event, made, index),
      onkeydown: (event) => {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!step || !event.altKey) return;
        event.preventDefault();
        place(index, index + step);
        document.querySelectorAll(".row .grip")[index + step]?.focus();
      },
    },
    icon("grip"),
  );
  made.append(
    grip,
    h("span.swatch", { "aria-hidden": "true" }, String(number)),
    h("input.prompt", {
      value: one.prompt,
      placeholder: "What it shows: a red apple",
      "aria-label": `Prompt of subject ${number}`,
      onfocus: () => select(index),
      oninput: (event) => {
        one.prompt = event.target.value;
        told();
      },
    }),
    iconButton("cross", `Remove subject ${number}`, () => removeSubject(index)),
    picture(one, number),
    h("input.name", {
      value: one.name,
      placeholder: "Name of its layer",
      "aria-label": `Name of subject ${number}`,
      onfocus: () => select(index),
      oninput: (event) => {
        one.name = event.target.value;
        told();
      },
    }),
  );
  return made;
}

// A cut-out of the user's own, in place of what is drawn.
function picture(one, number) {
  const set = (name) => {
    one.image = name;
    changed("subjects", "scene", "boxes");
  };
  return ownPicture(one.image, `Your own cut-out for subject ${number}`, `Let subject ${number} be drawn, without your picture`, set);
}

export function select(index) {
  if (state.selected === index) return;
  state.selected = index;
  changed("selected");
}

function place(from, to) {
  const { subjects } = state.scene;
  if (to < 0 || to >= subjects.length) return;
  subjects.splice(to, 0, ...subjects.splice(from, 1));
  state.selected = to;
  speak(`${called(subjects[to], to + 1)} is number ${to + 1} of ${subjects.length}`);
  changed("subjects", "scene", "boxes");
}

function drag(event, made, from) {
  if (event.button) return;
  const list = made.parentElement;
  const others = [...list.children];
  const middles = others.map((one) => {
    const { top, height } = one.getBoundingClientRect();
    return top + height / 2;
  });
  let to = from;
  made.classList.add("lifted");
  event.target.setPointerCapture?.(event.pointerId);
  const follow = (now) => {
    made.style.translate = `0 ${now.clientY - event.clientY}px`;
    const height = made.offsetHeight + 8;
    to = others.filter((_, index) => index !== from && middles[index] < now.clientY).length;
    others.forEach((one, index) => {
      if (index === from) return;
      const shift = index > from && index <= to ? -height : index < from && index >= to ? height : 0;
      one.style.translate = `0 ${shift}px`;
    });
  };
  const end = () => {
    document.removeEventListener("pointermove", follow);
    others.forEach((one) => (one.style.translate = ""));
    made.classList.remove("lifted");
    if (to !== from) place(from, to);
  };
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", end, { once: true });
  document.addEventListener("pointercancel", end, { once: true });
}
