"""What a chapter's cells have printed and drawn."""

import re
from collections.abc import Iterator

import nbformat
from chapter import Chapter
from nbformat import NotebookNode

from linting import rule

MACHINE_PATHS = re.compile(r"(?<![\w/])(/(work|tmp|root|home|Users|opt|usr|private)/|[A-Z]:\\)")
AS_CODE = re.compile(r"['\"<\[{]|\w+\(")  # Python's view of an object; torch.Size([2, 5]) may stay
MEGABYTES = 2


def text_of(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text
    return output.get("data", {}).get("text/plain", "")


@rule
def ran_from_top_to_bottom(chapter: Chapter) -> Iterator[str]:
    counts = [cell.execution_count for cell in chapter.code]
    if counts != list(range(1, len(counts) + 1)):
        yield "was not run from its first cell to its last, so its outputs may be old; type `make notebooks`"
    for cell in chapter.cells:
        if "execution" in cell.metadata:
            yield f"stores when cell {cell.id} ran; `make notebooks` drops it"


@rule
def shows_no_errors_and_no_noise(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.code:
        for output in cell.outputs:
            text = text_of(output)
            if output.output_type == "error":
                yield f"raises {output.ename} in cell {cell.id}: {output.evalue}; mend the cell"
            elif output.get("name") == "stderr":
                yield f"writes to stderr in cell {cell.id}; silence the warning's cause: {text[:80]!r}"
            if "it/s]" in text or "Warning:" in text:
                yield f"shows a progress bar or a warning in cell {cell.id}; switch it off: {text[:80]!r}"
            if match := MACHINE_PATHS.search(text):
                yield (
                    f"prints a path of somebody's machine in cell {cell.id}; leave it out: {text[match.start() :][:60]!r}"
                )
            if (
                output.output_type == "execute_result"
                and AS_CODE.match(text)
                and "text/html" not in output.data
            ):
                yield f"shows an object as code in cell {cell.id}; print what a reader needs, or end with `_ = `: {text[:60]!r}"
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                yield f"shows a widget in cell {cell.id}, which is dead on the site; show a picture beside it"


@rule
def ends_no_cell_with_a_semicolon(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.code:
        if cell.source.rstrip().endswith(";"):
            yield f"ends cell {cell.id} with `;`, so that its output cannot be compared; end it with plt.show()"


@rule
def describes_each_figure(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.code:
        pictures = [o for o in cell.outputs if any(key.startswith("image/") for key in o.get("data", {}))]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if pictures and (len(alt) < 20 or re.search(r"\.(png|svg|jpe?g)$", alt)):
            yield (
                f"draws a figure in cell {cell.id} for those who see it only; say in that cell's metadata what it "
                'shows: "mystnb": {"image": {"alt": "..."}} (at least 20 characters)'
            )
        if pictures and "plt.show()" not in cell.source:
            yield f"draws a figure in cell {cell.id}, which must then end with plt.show()"
    if re.search(r"!\[\s*\]\(", chapter.markdown):
        yield "has a picture without a description; write ![what it shows](address)"
    if re.search(r"!\[[^\]]*\]\(https?:", chapter.markdown):
        yield "loads a picture from the network, but the book reads offline; draw it in a code cell"


@rule
def is_light(chapter: Chapter) -> Iterator[str]:
    size = len(nbformat.writes(chapter.notebook).encode()) / 1e6
    if size > MEGABYTES:
        yield f"weighs {size:.1f} MB; at most {MEGABYTES} are allowed, so draw fewer or smaller figures"


@rule
def names_nothing_internal(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.cells:
        if match := MACHINE_PATHS.search(cell.source):
            yield f"names a path of somebody's machine in cell {cell.id}: {cell.source[match.start() :][:60]!r}"
