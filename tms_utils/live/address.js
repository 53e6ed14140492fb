// A figure's settings in the page's address, in one form that a reader can read, type and share:
//
//   #playground?S=0.95&seed=4711                 a figure by its kind, and the controls that are not as at first
//   #playground-2?S=0.8                          the second of that kind on the page
//   #playground?S=0.95;squeeze?on=0,2            several figures: the page opens at the first
//   #playground?hide=presets,more                parts that an instructor leaves out; embed=1 shows the figure alone
//
// A link in the text has the same form, and moves the figure. It is a fragment and no query, so that a link costs
// no load and does no harm in a notebook; it is no section's name, since those hold no "?". Who then goes to a
// section loses it from the address: the entry's state in the browser's history still has it, for reload and back.
import { button, copier } from "./controls.js";
import { el } from "./elements.js";

// "a?S=1;b?k=2" -> [["a", "S=1"], ["b", "k=2"]]; nothing if it is a section's name.
export function parseAddress(hash) {
  const parts = hash.replace(/^#/, "").split(";").map((part) => part.match(/^([a-z]+(?:-[a-z0-9]+)*)(?:\?(.*))?$/));
  return parts.every(Boolean) ? parts.map(([, name, query]) => [name, query ?? ""]) : [];
}

// The settings' text, where it differs from the first one: "S=0.95&seed=3". Commas stay readable.
export const queryOf = (texts, first) =>
  new URLSearchParams(Object.entries(texts).filter(([key, text]) => text !== first[key])).toString().replaceAll("%2C", ",");

// What the page calls a figure: its kind, and from the second on a number.
function nameInPage(slot) {
  const [, kind] = slot.className.match(/tms-live-([a-z-]+)-\w+/);
  const same = [...document.querySelectorAll(`[class^="tms-live-${kind}-"]`)];
  const at = same.indexOf(slot);
  return at > 0 ? `${kind}-${at + 1}` : kind;
}

// The address is the reader's only on a page of its own: not in a frame, and not in JupyterLab.
function mayWrite() {
  try {
    return window.top === window && !document.body.dataset.jpThemeLight && /^(https?|file):$/.test(location.protocol);
  } catch {
    return false;
  }
}

// The theme takes what stands behind a link's # for a selector, which these are not, unless the link is "disabled".
for (const link of document.links) if (link.hash.includes("?")) link.classList.add("disabled");

// How a reader likes to look: what a link or a preset does not name of these stays as it is.
const LOOKS = ["more", "speed", "compare"];

// Keep the controls (name -> control) and the address in step. `apply(asked)` draws the figure anew after the address,
// a link or a preset has moved them; the reader has asked for it, unless the page opened so. `parts` (name -> node) can be hidden, and so can the controls.
export function addressed(slot, app, controls, { parts = {}, apply }) {
  const name = nameInPage(slot);
  const texts = () => Object.fromEntries(Object.entries(controls).map(([key, control]) => [key, control.text]));
  const first = texts();
  const kept = {}; // hide, embed: no control shows them
  let written = "";
  let wait = 0;

  const query = () => queryOf({ ...texts(), ...kept }, first);
  const own = (hash) => parseAddress(hash).find(([other]) => other === name)?.[1];

  // Set the controls as a query says; what it does not name, or names badly, is as at first. (One that only says how to
  // look at the figure leaves its settings, and gives true.)
  function obey(said, { sticky = true, asked = true } = {}) {
    const values = new URLSearchParams(said);
    const looks = said !== "" && [...values.keys()].every((key) => LOOKS.includes(key)); // the settings stay
    for (const [key, control] of Object.entries(controls)) {
      if (!looks && !LOOKS.includes(key)) control.text = first[key];
      if (values.has(key)) control.text = values.get(key);
    }
    if (sticky && values.has("hide")) kept.hide = values.get("hide");
    if (sticky && values.get("embed") === "1") kept.embed = "1";
    const hidden = (kept.hide ?? "").split(",");
    for (const [key, node] of [...Object.entries(parts), ...Object.entries(controls).map(([k, { node }]) => [k, node])])
      if (node) node.hidden = hidden.includes(key);
    app.classList.toggle("embed", kept.embed === "1");
    mark();
    if (sticky) written = query(); // the address says so already
    if (!looks) apply(asked || queryOf(texts(), first) !== "");
    return looks;
  }

  // The whole address with this figure's settings first, and the other figures' behind.
  function hash() {
    const others = parseAddress(location.hash).filter(([other, said]) => other !== name && said !== "");
    return `#${[[name, query()], ...others].map(([one, said]) => (said ? `${one}?${said}` : one)).join(";")}`;
  }

  // Say in the address what the reader has moved: without an entry for "back", and not at every step of a drag.
  function note() {
    mark();
    clearTimeout(wait);
    wait = setTimeout(() => {
      if (query() === written || !mayWrite()) return;
      written = query();
      rewrite(hash());
    }, 300);
  }
  function rewrite(address) {
    try {
      history.replaceState({ ...history.state, [`tms-${name}`]: query() }, "", address);
    } catch { /* a sandbox: then the address stays as it is */ }
  }
  for (const event of ["input", "change", "click", "keyup", "pointerup", "pointerleave", "toggle"])
    app.addEventListener(event, note, event === "toggle"); // "toggle" does not bubble

  addEventListener("hashchange", () => {
    const said = own(location.hash);
    if (said === undefined) {
      if (query() && mayWrite()) rewrite(location.href); // a section: its entry remembers the figure
      return;
    }
    if (said !== query() && obey(said) && mayWrite()) rewrite(hash());
    slot.tmsUsed?.();
    if (parseAddress(location.hash)[0][0] === name) goTo(slot);
  });

  // ---- presets and links ----------------------------------------------------------------------
  const presets = [];
  function mark() {
    const now = texts();
    for (const [node, said] of presets) {
      const values = new URLSearchParams(said);
      const there = Object.keys(first).every((key) => LOOKS.includes(key) || now[key] === (values.get(key) ?? first[key]));
      node.setAttribute("aria-pressed", there);
    }
  }
  return {
    obey,
    // Buttons that do what a link does: [["one in twenty", "S=0.95"], ...]
    presets(list) {
      for (const [label, said] of list) presets.push([button(label, () => obey(said, { sticky: false }), { class: "preset" }), said]);
      mark();
      return parts.presets = el("div", { class: "row presets", role: "group", "aria-label": "Settings to try" }, ...presets.map(([node]) => node));
    },
    link: () => (mayWrite() ? parts.link = copier("Copy link", () => location.href.split("#")[0] + hash()).node : ""),
    // At the start: what the address says, or else what the history's entry remembers.
    begin() {
      let remembered;
      try {
        remembered = history.state?.[`tms-${name}`];
      } catch { /* a sandbox */ }
      const said = own(location.hash) ?? remembered;
      if (said) obey(said, { asked: false });
      const opened = performance.getEntriesByType("navigation")[0]?.type ?? "navigate";
      if (opened === "navigate" && parseAddress(location.hash)[0]?.[0] === name) settle(slot);
    },
  };
}

// Bring a figure on screen, if it is not: folds around it are opened.
function goTo(slot) {
  for (let fold = slot.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
  const { top, bottom } = slot.getBoundingClientRect();
  if (top < 60 || bottom > innerHeight) slot.scrollIntoView({ block: "start" });
}

// The same while a page still grows (pictures, formulas), until the reader scrolls.
async function settle(slot) {
  let scrolled = false;
  const events = ["wheel", "touchstart", "pointerdown", "keydown"];
  for (const event of events) addEventListener(event, () => (scrolled = true), { once: true, passive: true });
  goTo(slot);
  if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded, { once: true }));
  await window.MathJax?.startup?.promise;
  if (!scrolled) goTo(slot);
}
