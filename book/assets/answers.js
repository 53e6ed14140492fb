// Exercises with choices or with a number are answered in the page. What was answered stays in this browser, and can be forgotten.
const KEY = "tms-answers";
const kept = { get() {
  try { return JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { return {}; }
}, set(answers) {
  try { localStorage.setItem(KEY, JSON.stringify(answers)); } catch { /* it is kept while the page is open */ }
} };
const answers = kept.get();

// "0.38", "0,38", "3/8" or "2e-3" as a number; NaN if it is none.
function asNumber(text) {
  const parts = text.trim().replace(/^(-?\d*),(\d+)$/, "$1.$2").replace("\u2212", "-").split("/");
  const [over, under = 1] = parts.map((part) => (part.trim() ? Number(part) : NaN));
  return parts.length > 2 ? NaN : over / under;
}

// As in tms_utils/checks/exercise.py (a test holds the two together): whether it is right, and what to say.
function judge({ right, slips, praise, range: [low, high], tolerance, otherwise }, text) {
  const value = asNumber(text);
  const digits = (x, n = 6) => String(Number(x.toPrecision(n)));
  const near = (x) => Math.abs(value - x) <= tolerance;
  if (!Number.isFinite(value)) return [false, `Expected a number; got '${text.slice(0, 60)}'.`];
  if (value < (low ?? -Infinity) || value > (high ?? Infinity))
    return [false, `Expected a number from ${low === null ? "-inf" : digits(low)} to ${high === null ? "inf" : digits(high)}; got ${digits(value)}.`];
  if (near(right)) return [true, praise];
  return [false, slips.find(([slip]) => near(slip))?.[1] ?? otherwise.replace(/\{value:(?:\.(\d))?g\}/g, (_, n) => digits(value, n))];
}

// Whether what was answered is right, and the words for it.
function verdict({ dataset: { exercise, number, right, said } }) {
  const answer = answers[exercise];
  if (answer === undefined) return [false, ""];
  return number ? judge(JSON.parse(number), answer) : [answer === right, JSON.parse(said)[answer] ?? ""];
}

function show(form) {
  const [right, words] = verdict(form);
  const answer = answers[form.dataset.exercise];
  form.hidden = false;
  form.classList.toggle("right", right);
  for (const button of form.querySelectorAll("button[value]")) button.setAttribute("aria-pressed", button.value === answer);
  for (const field of form.querySelectorAll("input")) field.value = answer ?? "";
  form.querySelector("[role=status]").textContent = right ? `Right. ${words}` : words.replace(/^(?!Not |$)/, "Not yet. ");
}

addEventListener("DOMContentLoaded", () => {
  const forms = [...document.querySelectorAll(".answers")];
  if (!forms.length) return;
  const progress = Object.assign(document.createElement("p"), { className: "progress-said" });
  const forget = Object.assign(document.createElement("button"), { type: "button", textContent: "Forget my answers" });
  const count = document.createElement("span");
  progress.append(count, " ", forget);
  function tell() {
    const solved = forms.filter((form) => verdict(form)[0]).length;
    const all = forms.length;
    count.textContent = all === 1 ? "One exercise of this chapter can be answered in the page; the others in the notebook."
      : `${all} exercises of this chapter can be answered in the page: ${solved} of ${all} right so far. The others are for the notebook.`;
    forget.hidden = !forms.some(({ dataset }) => dataset.exercise in answers);
  }
  const heading = [...document.querySelectorAll("section > h2")].find((title) => title.textContent.startsWith("Exercises"));
  heading?.after(progress);
  for (const form of forms) {
    show(form);
    function answer(given) {
      answers[form.dataset.exercise] = given;
      kept.set(answers);
      show(form);
      tell();
    }
    form.addEventListener("click", ({ target }) => target.matches("button[value]") && answer(target.value));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = form.querySelector("input")?.value;
      if (given?.trim()) answer(given);
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
