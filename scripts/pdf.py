"""Print the built book into two PDFs, in the order of the contents, with headless Chromium.

    python scripts/pdf.py            # the whole book
    python scripts/pdf.py 05 how     # only the pages whose names hold one of these words

One edition has the answers of each chapter on pages of their own at the chapter's end, not below the questions: on
paper nothing can be folded, and whoever turns a page does so on purpose. The other has none, to be handed out. Hints
come at the end in both. What a prediction holds back on the screen stays at its place, since the text goes on from it.
"""

import io
import shutil
import sys
from pathlib import Path

import chapter
import repository
from chapter import ROOT
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter, Transformation

SITE = ROOT / "_build" / "html"
BUILD = ROOT / "_build"
NAME = "toy-models-of-superposition"
EDITIONS = {NAME: True, f"{NAME}-without-answers": False}  # file name -> with answers?
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MARGIN = {"top": "17mm", "bottom": "20mm", "left": "17mm", "right": "17mm"}
SCALE = 0.82  # of the screen's type: 88 columns of code fit on a line

PREPARE = (Path(__file__).parent / "print.js").read_text(encoding="utf-8")
FOR_TEACHERS = {"book/instructors"}  # it tells what each exercise leaves behind
NUMBERS = """<!doctype html><meta charset="utf-8"><style>
  @page {{ size: A4; margin: 0 }} body {{ margin: 0; font: 9pt system-ui, sans-serif; color: #48566b }}
  div {{ height: 297mm; position: relative; break-after: page; box-sizing: border-box }}
  div:last-child {{ break-after: auto }}
  span {{ position: absolute; bottom: 9mm; left: 17mm; right: 17mm; display: flex; justify-content: space-between }}
</style>{pages}"""
TITLE = """<!doctype html><meta charset="utf-8"><title>Contents</title><style>
  body {{ font: 11pt/1.5 system-ui, sans-serif; color: #1c2430 }} h1 {{ font-size: 26pt; margin: 30mm 0 4mm }}
  h2 {{ font-size: 13pt; margin: 7mm 0 1mm }} p {{ margin: 0 0 3mm; max-width: 140mm }}
  li {{ list-style: none; display: flex; justify-content: space-between; gap: 5mm }} ul {{ padding: 0; margin: 0 }}
</style><h1>Toy Models of Superposition</h1>
<p>A course on {edition}. Printed from {site}, where chapters can be run and figures move.
Code under the MIT licence, text and figures under CC BY 4.0.</p>{contents}"""


def print_page(tab: Page, page: str, answers: bool) -> tuple[str, PdfReader]:
    """Print one page of the site; return its title and its sheets."""
    tab.goto((SITE / f"{page}.html").as_uri())
    tab.emulate_media(media="print")
    folder = f"{page.rpartition('/')[0]}/"
    tab.evaluate(PREPARE, {"answers": answers, "site": repository.site(), "folder": folder})
    tab.evaluate("document.fonts.ready.then(() => true)")
    return tab.title().split(" — ")[0], paper(tab)


def paper(tab: Page, **options: object) -> PdfReader:
    """What the tab shows, on A4."""
    options = {
        "margin": MARGIN,
        "scale": SCALE,
        "print_background": True,
        "outline": True,
        "tagged": True,
    } | options
    return PdfReader(io.BytesIO(tab.pdf(format="A4", **options)))


def contents(parts: dict[str, list[tuple[str, int]]]) -> str:
    """The list of pages, each with the number of its first sheet."""
    rows = []
    for caption, pages in parts.items():
        items = "".join(f"<li><span>{title}</span><span>{number}</span></li>" for title, number in pages)
        rows.append(f"<h2>{caption}</h2><ul>{items}</ul>")
    return "".join(rows)


def numbered(tab: Page, titles: list[str], first: int) -> PdfReader:
    """Sheets with nothing but a title and a page's number at their foot."""
    lines = "".join(
        f"<div><span><b style='font-weight:400'>{title}</b><i style='font-style:normal'>{number}</i></span></div>"
        for number, title in enumerate(titles, first)
    )
    tab.set_content(NUMBERS.format(pages=lines))
    return paper(tab, margin=None, scale=1, outline=False, tagged=False, print_background=False)


def edition(tab: Page, wanted: dict[str, list[str]], answers: bool) -> PdfWriter:
    """The book as one document: contents, then the pages, all numbered."""
    book, titles = PdfWriter(), []
    parts: dict[str, list[tuple[str, int]]] = {}
    printed = []
    for caption, pages in wanted.items():
        for page in pages if answers else [page for page in pages if page not in FOR_TEACHERS]:
            title, sheets = print_page(tab, page, answers)
            parts.setdefault(caption, []).append((title, len(titles) + 1))
            titles += [title] * len(sheets.pages)
            printed.append((title, sheets))
            print(f"  {title}: {len(sheets.pages)} pages", flush=True)
    words = "superposition, with answers" if answers else "superposition, without answers"
    tab.set_content(TITLE.format(edition=words, site=repository.site(), contents=contents(parts)))
    front = paper(tab, scale=1, outline=False)
    book.append(front, outline_item="Contents")
    for title, sheets in printed:
        book.append(sheets, outline_item=title)
    for sheet, number in zip(book.pages[len(front.pages) :], numbered(tab, titles, 1).pages, strict=True):
        sheet.merge_transformed_page(number, Transformation(), over=True)
    book.add_metadata({"/Title": "Toy Models of Superposition: the course"})
    book.set_page_label(0, len(front.pages) - 1, style="/r")
    book.set_page_label(len(front.pages), len(book.pages) - 1, style="/D", start=1)
    return book


def main(words: list[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        print("Printing the book needs Chromium or Chrome, and found neither.", file=sys.stderr)
        return 1
    parts = {"": [chapter.pages()[0]], **chapter.parts()}
    wanted = {
        caption: [page for page in pages if not words or any(word in page for word in words)]
        for caption, pages in parts.items()
    }
    wanted = {caption: pages for caption, pages in wanted.items() if pages}
    if not wanted:
        print(f"No page's name holds {' or '.join(words)}.", file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, answers in EDITIONS.items():
            tab = browser.new_page(color_scheme="light", reduced_motion="reduce")
            book = edition(tab, wanted, answers)
            tab.close()
            book.write(BUILD / f"{name}.pdf")
            print(f"{len(book.pages)} pages: {BUILD / name}.pdf", flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
