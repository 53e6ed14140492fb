"""Print the built book into one PDF, page by page in the order of the contents, with headless Chromium."""

import io
import shutil
import sys

import chapter
from chapter import ROOT
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter

SITE = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "toy-models-of-superposition.pdf"
MARGIN = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
# Open what is folded on the screen, and wait until the mathematics is set.
PREPARE = """async () => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  await window.MathJax?.startup?.promise;
}"""


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("Printing the book needs Chromium or Chrome, and found neither.", file=sys.stderr)
        return 1
    book = PdfWriter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(color_scheme="light")
        for page in chapter.pages():
            tab.goto((SITE / f"{page}.html").as_uri())
            tab.evaluate(PREPARE)
            printed = PdfReader(io.BytesIO(tab.pdf(format="A4", margin=MARGIN, print_background=True)))
            book.append(printed, outline_item=tab.title().split(" — ")[0])
        browser.close()
    book.write(OUT)
    print(f"{len(book.pages)} pages: {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
