// What the live figures share on the page: claiming slots, themes, running only while seen, and
// labelled controls that work by keyboard and touch.
import { palette } from "./palette.js"; // the course's colours, sent by figure.py

export const colour = (i) => palette[i % palette.length];

// ---- elements -------------------------------------------------------------------------------

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}
export const el = (tag, attributes = {}, ...children) =>
  make(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Replace what an element holds.
export const fill = (node, ...children) => node.replaceChildren(...children.flat());

// A picture that scales with its box. The description is what a screen reader says.
export function picture(width, height, description) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": description });
}

export const minus = (text) => String(text).replace("-", "\u2212");
export const grouped = (k) => String(Math.round(k)).replace(/\B(?=(\d{3})+$)/g, ",");
export const digits = (x) => (x === 0 ? "0" : minus(x < 1e-4 ? x.toExponential(1) : x.toPrecision(3)));

// An arrow from (x0, y0) to (x1, y1) with its head at the tip.
export function arrow(x0, y0, x1, y1, paint, { width = 2.5, head = 9 } = {}) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  const size = Math.min(head, length);
  const ux = (x1 - x0) / (length || 1);
  const uy = (y1 - y0) / (length || 1);
  const bx = x1 - size * ux;
  const by = y1 - size * uy;
  const point = (x, y) => `${x.toFixed(1)},${y.toFixed(1)}`;
  const wing = 0.42 * size;
  return svg(
    "g",
    {},
    svg("line", { x1: x0.toFixed(1), y1: y0.toFixed(1), x2: bx.toFixed(1), y2: by.toFixed(1),
      stroke: paint, "stroke-width": width, "stroke-linecap": "round" }),
    svg("polygon", { fill: paint, points: [point(x1, y1), point(bx - wing * uy, by + wing * ux),
      point(bx + wing * uy, by - wing * ux)].join(" ") }),
  );
}

// ---- controls -------------------------------------------------------------------------------

// A slider over listed values; `say` puts one into words. Read .value, an element of `values`.
export function slider({ label, values, value, say, change }) {
  const input = el("input", { type: "range", "aria-label": label, min: 0, max: values.length - 1, step: 1 });
  const output = el("b", { "aria-hidden": "true" });
  const control = {
    node: el("label", { class: "slider" }, el("span", {}, label), output, input),
    get value() {
      return values[+input.value];
    },
    set value(wanted) {
      input.value = values.indexOf(wanted);
      show();
    },
  };
  function show() {
    output.textContent = say(control.value);
    input.setAttribute("aria-valuetext", say(control.value));
    input.style.setProperty("--part", `${(100 * input.value) / (values.length - 1)}%`);
  }
  input.addEventListener("input", () => {
    show();
    change(control.value);
  });
  control.value = value;
  return control;
}

export const button = (label, click, attributes = {}) =>
  el("button", { type: "button", onclick: click, ...attributes }, label);

// A row of buttons of which one is chosen (radio buttons, so arrow keys move the choice).
export function choice({ label, options, value, change }) {
  const name = `tms-${Math.random().toString(36).slice(2)}`; // radios are grouped by name
  const control = { value };
  control.node = el(
    "fieldset",
    { class: "choice" },
    el("legend", {}, label),
    ...options.map(([key, text]) =>
      el("label", {},
        el("input", { type: "radio", name, value: key, checked: key === value, onchange: () => {
          control.value = key;
          change(key);
        } }),
        el("span", {}, text)),
    ),
  );
  return control;
}

export function checkbox({ label, checked = false, change = () => {} }) {
  const input = el("input", { type: "checkbox", checked, onchange: () => change(input.checked) });
  return { node: el("label", { class: "check" }, input, el("span", {}, label)), get value() {
    return input.checked;
  } };
}

export function number({ label, value, min = 0, max = 9999, change }) {
  const input = el("input", { type: "number", value, min, max, step: 1, onchange: () => {
    control.value = Math.min(max, Math.max(min, Math.round(+input.value || 0)));
    change(control.value);
  } });
  const control = { node: el("label", { class: "number" }, el("span", {}, label), input),
    get value() {
      return +input.value;
    },
    set value(v) {
      input.value = v;
    },
  };
  return control;
}

// A line of text, always up to date, with a twin out of sight that screen readers speak: at once
// when `now`, else at most every two seconds.
export function announcer() {
  const seen = el("p", { class: "status", "aria-hidden": "true" });
  const spoken = el("p", { class: "spoken", role: "status", "aria-live": "polite" });
  let last = -Infinity;
  return { node: el("div", {}, seen, spoken), say(text, now = false) {
    seen.textContent = text;
    if (text === spoken.textContent || (!now && performance.now() - last < 2000)) return;
    last = performance.now();
    spoken.textContent = text;
  } };
}

// ---- running --------------------------------------------------------------------------------

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Call frame() once per animation frame while playing *and* on screen *and* in a visible tab.
// It stops when frame() returns false. `seen` is called the first time the figure comes on screen.
export function animation(host, frame, { seen = () => {} } = {}) {
  let onScreen = false;
  let first = true;
  let request = 0;
  const player = {
    playing: false,
    play() {
      player.playing = true;
      wake();
    },
    pause() {
      player.playing = false;
    },
  };
  function tick() {
    request = 0;
    if (!player.playing || !onScreen || document.hidden) return;
    if (frame() === false) player.playing = false;
    wake();
  }
  function wake() {
    if (!request && player.playing && onScreen && !document.hidden) request = requestAnimationFrame(tick);
  }
  new IntersectionObserver((entries) => {
    onScreen = entries[entries.length - 1].isIntersecting;
    if (onScreen && first) {
      first = false;
      seen();
    }
    wake();
  }).observe(host);
  document.addEventListener("visibilitychange", wake);
  return player;
}

// Do work() again and again for about `ms` milliseconds, until it returns false.
export function forMilliseconds(ms, work) {
  const end = performance.now() + ms;
  while (performance.now() < end) if (work() === false) return false;
  return true;
}

// ---- themes and slots -----------------------------------------------------------------------

// Is the page dark? The book's theme, JupyterLab and Colab say so; else the reader's system does.
function isDark() {
  const html = document.documentElement;
  const said = html.dataset.theme ?? html.getAttribute("theme");
  if (said === "dark" || said === "light") return said === "dark";
  const lab = document.body.dataset.jpThemeLight;
  if (lab) return lab === "false";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function followTheme(app, redraw) {
  const follow = () => {
    const dark = isDark();
    if (app.classList.contains("dark") !== dark) {
      app.classList.toggle("dark", dark);
      redraw();
    }
  };
  const observer = new MutationObserver(follow);
  observer.observe(document.documentElement, { attributes: true });
  observer.observe(document.body, { attributes: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
}

// Start a figure in every slot of this class that nobody has claimed. The figure is drawn in a
// shadow root, so its style and the page's leave each other alone; the still picture inside the
// slot is shown again in print.
export function mount(name, style, start) {
  for (const slot of document.getElementsByClassName(name)) {
    if (slot.tmsClaimed) continue;
    slot.tmsClaimed = true;
    const app = el("div", { class: "app" });
    const root = slot.attachShadow({ mode: "open" });
    root.append(el("style", {}, style), app, el("slot"));
    // Keys pressed in a figure are not the page's shortcuts.
    root.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    });
    // The book's dark theme puts HTML outputs on a pale ground; a figure brings its own.
    const output = slot.closest(".cell_output .text_html");
    if (output) output.style.cssText += "background: none; padding: 0";
    app.classList.toggle("dark", isDark());
    const redraw = start(app, JSON.parse(slot.dataset.config || "{}")); // draws the first picture
    followTheme(app, redraw);
  }
}
