// What the live figures share on the page: running only while seen, themes, and claiming their slots.
import { el } from "./elements.js";
export * from "./controls.js";
export * from "./elements.js";

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

// The theme's button "Back to top" would cover a figure's controls on a small screen.
const PAGE = "@media (max-width: 960px) { html:has([data-tms-seen]) #pst-back-to-top { visibility: hidden; } }";

// A screen reader hears of a figure only if its reader has used it, and while it is on screen.
function speakIfUsed(slot, app) {
  let used = false;
  const hear = () => {
    const live = used && slot.hasAttribute("data-tms-seen") ? "polite" : "off";
    for (const line of app.querySelectorAll("[role=status]")) line.setAttribute("aria-live", live);
  };
  slot.tmsUsed = () => {
    used = true;
    hear();
  };
  for (const event of ["focusin", "pointerdown"]) app.addEventListener(event, slot.tmsUsed, { once: true });
  new IntersectionObserver((entries) => {
    slot.toggleAttribute("data-tms-seen", entries[entries.length - 1].isIntersecting);
    hear();
  }).observe(slot);
}

// Start a figure in every slot of this class that nobody has claimed. The figure is drawn in a
// shadow root, so its style and the page's leave each other alone; the still picture inside the
// slot is shown again in print.
export function mount(name, style, start) {
  const kind = name.replace(/^tms-live-|-\w+$/g, "").replaceAll("-", " ");
  for (const slot of document.getElementsByClassName(name)) {
    if (slot.tmsClaimed) continue;
    slot.tmsClaimed = true;
    const app = el("div", { class: "app", role: "group", "aria-label": `Live figure: ${kind}` });
    const root = slot.attachShadow({ mode: "open" });
    root.append(el("style", {}, style), app, el("slot"));
    slot.append(el("style", {}, PAGE));
    // Keys pressed in a figure are not the page's shortcuts.
    root.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    });
    // The book's dark theme puts HTML outputs on a pale ground; a figure brings its own.
    const output = slot.closest(".cell_output .text_html");
    if (output) output.style.cssText += "background: none; padding: 0";
    app.classList.toggle("dark", isDark());
    const redraw = start(app, JSON.parse(slot.dataset.config || "{}"), slot); // draws the first picture
    followTheme(app, redraw);
    speakIfUsed(slot, app);
  }
}
