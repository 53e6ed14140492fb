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
