// Labelled controls that work by keyboard and touch. Each has a `node` and a `value`; those that a reader may
// set also a `text`, which is their value in the page's address. Text that makes no sense changes nothing.
import { el } from "./elements.js";

// A slider over listed values; `say` puts one into words, `speak` into words that can be read aloud.
export function slider({ label, values, value, say = String, speak = say, change }) {
  const input = el("input", { type: "range", "aria-label": label, min: 0, max: values.length - 1, step: 1 });
  const output = el("b", { "aria-hidden": "true" });
  const control = {
    node: el("label", { class: "slider" }, el("span", {}, label), output, input),
    input,
    get values() {
      return values;
    },
    set values(wanted) {
      values = wanted;
      input.max = values.length - 1;
    },
    get value() {
      return values[+input.value];
    },
    set value(wanted) {
      input.value = values.indexOf(wanted);
      show();
    },
    get text() {
      return String(control.value);
    },
    set text(wanted) {
      const found = values.findIndex((v) => wanted.trim() !== "" && (String(v) === wanted || v === Number(wanted)));
      if (found >= 0) control.value = values[found];
    },
  };
  function show() {
    output.textContent = say(control.value);
    input.setAttribute("aria-valuetext", speak(control.value));
    input.style.setProperty("--part", `${(100 * input.value) / (values.length - 1 || 1)}%`);
  }
  input.addEventListener("input", () => {
    show();
    change(control.value);
  });
  control.value = value;
  return control;
}

// What sliders of sparsity and of importance say.
export const saySparsity = (S) => `${S} (density ${+(1 - S).toFixed(3)})`;
export const sayDecay = (q) => (q === 1 ? "all equal" : `${q}\u2071`);
export const speakDecay = (q) => (q === 1 ? "all equal" : `${q} to the power of i`);

export const button = (label, click, attributes = {}) =>
  el("button", { type: "button", onclick: click, ...attributes }, label);

// A row of buttons of which one is chosen (radio buttons, so arrow keys move the choice).
export function choice({ label, options, value, change }) {
  const name = `tms-${Math.random().toString(36).slice(2)}`; // radios are grouped by name
  const inputs = options.map(([key]) =>
    el("input", { type: "radio", name, value: key, checked: key === value, onchange: () => change(key) }));
  const control = {
    node: el("fieldset", { class: "choice" }, el("legend", {}, label),
      ...options.map(([, text], k) => el("label", {}, inputs[k], el("span", {}, text)))),
    get value() {
      return options[inputs.findIndex((input) => input.checked)][0];
    },
    get text() {
      return String(control.value);
    },
    set text(wanted) {
      for (const input of inputs) if (input.value === wanted) input.checked = true;
    },
  };
  return control;
}

export function checkbox({ label, checked = false, change = () => {} }) {
  const input = el("input", { type: "checkbox", checked, onchange: () => change(input.checked) });
  return {
    node: el("label", { class: "check" }, input, el("span", {}, label)),
    get value() {
      return input.checked;
    },
    get text() {
      return input.checked ? "1" : "0";
    },
    set text(wanted) {
      if (wanted === "0" || wanted === "1") input.checked = wanted === "1";
    },
  };
}

export function number({ label, value, min = 0, max = 9999, change }) {
  const input = el("input", { type: "number", value, min, max, step: 1, onchange: () => {
    control.value = Math.min(max, Math.max(min, Math.round(+input.value || 0)));
    change(control.value);
  } });
  const control = {
    node: el("label", { class: "number" }, el("span", {}, label), input),
    get value() {
      return +input.value;
    },
    set value(v) {
      input.value = v;
    },
    get text() {
      return String(input.value);
    },
    set text(wanted) {
      if (/^\d{1,9}$/.test(wanted) && +wanted >= min && +wanted <= max) input.value = +wanted;
    },
  };
  return control;
}

// What a newcomer need not see at first. In the address it is more=1.
export function fold(label, ...children) {
  const node = el("details", { class: "more" }, el("summary", {}, label), ...children);
  return {
    node,
    get text() {
      return node.open ? "1" : "0";
    },
    set text(wanted) {
      if (wanted === "0" || wanted === "1") node.open = wanted === "1";
    },
  };
}

// A button that copies a text; where the clipboard is out of reach, the text is shown, marked, to be copied by hand.
// Code (`always`) is shown in any case.
export function copier(label, text, { always = false } = {}) {
  const shown = el("textarea", { readonly: true, hidden: true, spellcheck: "false", "aria-label": label.replace("Copy", "Copied") });
  const told = el("span", { class: "note", "aria-live": "polite" });
  const press = button(label, async () => {
    shown.value = text();
    shown.rows = Math.min(16, shown.value.split("\n").length);
    shown.hidden = !always;
    try {
      await navigator.clipboard.writeText(shown.value);
      told.textContent = "Copied.";
    } catch {
      shown.hidden = false;
      shown.select();
      told.textContent = "Marked below: copy it with Ctrl+C.";
    }
  });
  return { node: el("div", { class: "copier" }, press, told, shown) };
}

// A line of text, always up to date, with a twin out of sight that screen readers speak: at once
// when `now`, else at most every two seconds. (Who has not touched the figure hears nothing: see ui.js.)
export function announcer() {
  const seen = el("p", { class: "status", "aria-hidden": "true" });
  const spoken = el("p", { class: "spoken", role: "status", "aria-live": "off" });
  let last = -Infinity;
  return { node: el("div", {}, seen, spoken), say(text, now = false) {
    seen.textContent = text;
    if (text === spoken.textContent || (!now && performance.now() - last < 2000)) return;
    last = performance.now();
    spoken.textContent = text;
  } };
}
