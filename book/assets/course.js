// What scrolls sideways on a small screen can be reached, and scrolled, with the keyboard.
function reachByKeyboard() {
  for (const box of document.querySelectorAll(
    "mjx-container[display='true'], .bd-article table, .bd-article pre, .bd-article div.math"
  )) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  }
}
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

// A fold is called what it shows: "Show the solution", not "Toggle hidden content".
window.addEventListener("DOMContentLoaded", () => {
  for (const summary of document.querySelectorAll("details.hide > summary[aria-label]")) summary.removeAttribute("aria-label");
});

// On a phone a table of claims is a list of cards without a head: each cell then says what it is (course.css).
window.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.claims")) {
    const heads = [...table.querySelectorAll("th")].map((head) => head.textContent);
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.cells].forEach((cell, i) => (cell.dataset.label = heads[i]));
  }
});

// A link to something that is folded opens the fold.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold = target?.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
  if (target?.closest("details")) target.scrollIntoView();
}
window.addEventListener("DOMContentLoaded", unfold);
window.addEventListener("hashchange", unfold);
