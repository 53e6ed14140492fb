// Exercises with choices are answered in the page. What was chosen stays in this browser, and can be forgotten.
const KEY = "tms-answers";
const kept = { get() {
  try { return JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { return {}; }
}, set(answers) {
  try { localStorage.setItem(KEY, JSON.stringify(answers)); } catch { /* it is kept while the page is open */ }
} };
const answers = kept.get();

function show(form) {
  const { exercise, right, said } = form.dataset;
  const chosen = answers[exercise];
  const words = JSON.parse(said)[chosen];
  form.hidden = false;
  form.classList.toggle("right", chosen === right);
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", button.value === chosen);
  form.querySelector("[role=status]").textContent = words ? `${chosen === right ? "Right." : "Not yet."} ${words}` : "";
}

addEventListener("DOMContentLoaded", () => {
  const forms = [...document.querySelectorAll(".answers")];
  if (!forms.length) return;
  const progress = Object.assign(document.createElement("p"), { className: "progress-said" });
  const forget = Object.assign(document.createElement("button"), { type: "button", textContent: "Forget my answers" });
  const count = document.createElement("span");
  progress.append(count, " ", forget);
  function tell() {
    const solved = forms.filter(({ dataset }) => answers[dataset.exercise] === dataset.right).length;
    const all = forms.length;
    count.textContent = all === 1 ? "One exercise of this chapter can be answered in the page; the others in the notebook."
      : `${all} exercises of this chapter can be answered in the page: ${solved} of ${all} right so far. The others are for the notebook.`;
    forget.hidden = !forms.some(({ dataset }) => dataset.exercise in answers);
  }
  const heading = [...document.querySelectorAll("section > h2")].find((title) => title.textContent.startsWith("Exercises"));
  heading?.after(progress);
  for (const form of forms) {
    show(form);
    form.addEventListener("click", ({ target }) => {
      if (target.tagName !== "BUTTON") return;
      answers[form.dataset.exercise] = target.value;
      kept.set(answers);
      show(form);
      tell();
    });
  }
  forget.addEventListener("click", () => {
    for (const form of forms) {
      delete answers[form.dataset.exercise];
      show(form);
    }
    kept.set(answers);
    tell();
  });
  tell();
});
