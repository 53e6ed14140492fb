// Makes a page of the site one for paper; scripts/pdf.py runs it in the page before it prints.
async ({ answers, site, folder }) => {
  await window.MathJax?.startup?.promise;
  const article = document.querySelector("article.bd-article");
  const all = (what) => [...article.querySelectorAll(what)];

  all("a.headerlink, button, .answers, .tag_check").forEach((part) => part.remove()); // on paper nothing can be checked
  all("a.picture").forEach((link) => link.replaceWith(...link.childNodes));
  all("img").forEach((picture) => (picture.loading = "eager"));
  await Promise.all(all("img").map((picture) => picture.decode().catch(() => {})));

  // Links lead to the published book, those within the page to their place on paper.
  for (const link of all("a[href]")) {
    const to = link.getAttribute("href");
    if (!to.startsWith("#")) link.href = new URL(to, site + folder);
  }

  // What is folded: an exercise's hints and answers go to the chapter's end, code that only draws stays in the notebook.
  const kept = { Hints: new Map(), Answers: new Map() };
  for (const fold of all("details")) {
    const summary = fold.querySelector("summary");
    const words = summary.textContent.trim();
    const heading = fold.closest("section").querySelector("h1, h2, h3").textContent;
    const solution = fold.closest(".tag_solution");
    if (fold.matches(".held") || !(heading.startsWith("Exercise") || fold.matches(".hide"))) {
      if (fold.matches(".held")) summary.remove();
      else summary.outerHTML = `<p><strong>${words}</strong></p>`;
      fold.replaceWith(...fold.childNodes);
    } else if (fold.matches(".hide") && !solution) {
      fold.remove();
    } else {
      summary.remove();
      const there = solution || words.startsWith("Answer") ? kept.Answers : kept.Hints;
      const parts = [...fold.childNodes];
      there.set(heading, [...(there.get(heading) ?? []), ...parts]);
      fold.replaceWith();
    }
  }
  if (!answers) kept.Answers.clear();
  for (const [title, exercises] of Object.entries(kept)) {
    if (!exercises.size) continue;
    const section = document.createElement("section");
    section.className = `at-the-end of-${title.toLowerCase()}`;
    section.append(Object.assign(document.createElement("h2"), { textContent: title }));
    for (const [heading, parts] of exercises)
      section.append(Object.assign(document.createElement("h3"), { textContent: heading }), ...parts);
    article.append(section);
  }
  // A cell with nothing left leaves no frame.
  all(".cell").forEach((cell) => cell.textContent.trim() || cell.querySelector("img, svg") || cell.remove());
  // A heading stays with what follows, and so does a paragraph that is no more than one emphasised phrase.
  const phrases = all("p").filter((line) => line.childNodes.length === 1 && line.firstElementChild?.matches("em, strong"));
  phrases.forEach((line) => line.classList.add("with-next"));
  for (const heading of all("h2, h3, h4")) {
    const kept = [heading];
    while (kept.at(-1).nextElementSibling && kept.length < 3 && (kept.length === 1 || kept.at(-1).matches(".with-next")))
      kept.push(kept.at(-1).nextElementSibling);
    if (kept.some((part) => part.matches("section, table, div, ul, ol"))) kept.splice(1);
    const box = Object.assign(document.createElement("div"), { className: "keep" });
    heading.before(box);
    box.append(...kept);
  }
}
