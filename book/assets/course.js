// The theme complains of a first visit, and shows it light before it turns dark: say what it would find.
const root = document.documentElement;
const place = () => { // what the address names on this page
  try { return document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return null; }
};
root.dataset.mode ||= "auto";
root.dataset.theme ||= matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

// Formulas are set a few at a time, those in sight first: the page answers while the rest is under way.
let moved = false; // by the reader
for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(kind, () => (moved = true), { once: true, passive: true });
async function setFormulas() {
  const centre = place()?.getBoundingClientRect().top || 0;
  const away = (formula) => Math.abs(formula.getBoundingClientRect().top - centre);
  const places = [...document.querySelectorAll("span.math, div.math")].map((formula) => [away(formula), formula]);
  const formulas = places.sort(([a], [b]) => a - b).map(([, formula]) => formula);
  for (let few = 4; formulas.length; ) {
    const start = performance.now();
    await MathJax.typesetPromise(formulas.splice(0, few));
    few = Math.max(1, Math.min(24, Math.round((few * 25) / (performance.now() - start)))); // about 25 ms
    await new Promise((rest) => setTimeout(rest));
  }
  if (!moved && location.hash) unfold(true); // heights above have changed
}
if (window.MathJax) window.MathJax.startup = { pageReady: setFormulas };

// What scrolls sideways on a small screen can be reached, and scrolled, with the keyboard.
function reachByKeyboard() {
  for (const box of document.querySelectorAll(
    "mjx-container[display='true'], mjx-container.wide, .bd-article table, .bd-article pre, .bd-article div.math"
  )) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  }
  for (const formula of document.querySelectorAll(".bd-article mjx-container:not([display])")) {
    const room = formula.closest("p, li, td, dd, summary, h2, h3")?.clientWidth;
    if (room && formula.getBoundingClientRect().width > room) formula.classList.add("wide");
  }
}
window.addEventListener("resize", reachByKeyboard);
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  reachByKeyboard();
});

// On paper nothing can be unfolded: what a prediction holds back is shown.
const held = () => document.querySelectorAll("details.held:not([open])");
window.addEventListener("beforeprint", () => held().forEach((fold) => {
  fold.open = true;
  window.addEventListener("afterprint", () => (fold.open = false), { once: true });
}));

// On a phone a table of sentences is a list of cards without a head: each cell then says what it is (course.css).
window.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll(".bd-article table")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
    const words = [...table.querySelectorAll("tbody td")].some((cell) => cell.textContent.length > 50);
    if (!table.matches(".claims") && !(heads.length > 1 && words)) continue;
    table.classList.add("cards");
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.cells].forEach((cell, i) => (cell.dataset.label = heads.length > 2 ? heads[i] : ""));
  }
});

// A link to something that is folded opens the fold.
function unfold(always) {
  const target = place();
  for (let fold = target?.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
  if (always === true || target?.closest("details")) target?.scrollIntoView();
}
window.addEventListener("DOMContentLoaded", unfold);
window.addEventListener("hashchange", unfold);

// A picture opens in full size, to be moved about with a finger. (Without this script, its link does.)
addEventListener("click", (event) => {
  const picture = event.target.closest?.("a.picture")?.querySelector("img");
  if (!picture || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const full = document.createElement("dialog");
  full.className = "picture";
  full.setAttribute("aria-label", "Picture in full size");
  const large = Object.assign(document.createElement("img"), { src: picture.src, alt: picture.alt });
  large.style.width = `max(${picture.naturalWidth}px, 94vw)`;
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
  full.append(close, large);
  document.body.append(full);
  full.addEventListener("click", () => full.close());
  full.addEventListener("close", () => full.remove());
  full.showModal();
});
