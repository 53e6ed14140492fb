"""Take from a figure's script what it does not need: comments, white space, functions that another figure calls.

This is no general tool. It relies on how the files here are written: statements end with a semicolon, a division has
spaces around it, and a regular expression does not begin with one.
"""

from __future__ import annotations

import re

__all__ = ["minified", "minified_style"]

WIDTH = 240  # a line of the page, where it can be broken
LITERAL = re.compile(r'"(?:\\.|[^"\\\n])*"|/(?![\s/*])(?:\\.|\[[^\]]*\]|[^/\\\n])+/[gimsuy]*|`')


FUNCTION = re.compile(r"(?ms)^export function (\w+)\(.*?^\}\n")  # at the margin, as its end is


def minified(code: str) -> str:
    """The same script with fewer characters; what stands in quotes is left alone."""
    code = re.sub(r"^ *//.*$|(?<=[;{,(]) +// .*$| */\*.*?\*/ *", "", code, flags=re.M)
    code = re.sub(r"^export (?=function|const|class)", "", _used(code), flags=re.M)
    pieces, at = [], 0
    while found := LITERAL.search(code, at):
        end = _after_template(code, found.start()) if found[0] == "`" else found.end()
        pieces += [_squeezed(code[at : found.start()]), code[found.start() : end]]
        at = end
    return _joined("".join([*pieces, _squeezed(code[at:])]).strip())


def minified_style(style: str, code: str) -> str:
    """The same style sheet without comments, white space, and rules for classes that the script does not name."""
    style = re.sub(r"(?s)/\*.*?\*/", "", style).strip()
    style = re.sub(r"\s*([{};:,>])\s*|\s+", lambda found: found[1] or " ", style)

    def kept(rule: re.Match) -> str:
        chosen = [
            selector
            for selector in rule[1].split(",")
            if all(re.search(rf"\b{name}\b", code) for name in re.findall(r"\.([a-z]+)", selector))
        ]
        return f"{','.join(chosen)}{rule[2]}" if chosen else ""

    return re.sub(r"([^{}]+)(\{[^{}]*\})", kept, style)


def _used(code: str) -> str:
    """Without the functions that nobody calls."""
    for function in FUNCTION.finditer(code):
        rest = code.replace(function[0], "")
        if not re.search(rf"\b{function[1]}\b", rest):
            return _used(rest)
    return code


def _after_template(code: str, start: int) -> int:
    """Where the template literal that begins at ``start`` is over. Templates can hold templates."""
    at = start + 1
    while code[at] != "`":
        if code.startswith("${", at):
            depth, at = 1, at + 2
            while depth:
                if code[at] == "`":
                    at = _after_template(code, at)
                elif code[at] == '"':
                    at = LITERAL.match(code, at).end()
                else:
                    depth += {"{": 1, "}": -1}.get(code[at], 0)
                    at += 1
        else:
            at += 2 if code[at] == "\\" else 1
    return at + 1


def _squeezed(code: str) -> str:
    """No indentation, and no blanks around what needs none. (One stays in a + +b.)"""
    code = re.sub(r" *([{}()\[\];,:?=<>*&|!]) *", r"\1", re.sub(r"\n\s*", "\n", code))
    return re.sub(
        r"(?<!\+) *\+ *(?!\+)|(?<!-) *- *(?!-)|(?<=[\w)\]]) / ", lambda found: found[0].strip(" "), code
    )


def _joined(code: str) -> str:
    """Fewer, longer lines. (Those of a template with several lines stay apart.)"""
    lines = [""]
    inside = False  # a template
    for line in code.split("\n"):
        goes_on = lines[-1].endswith(tuple(";{,([=?>&|:")) or line.startswith(tuple("})]?:.&|"))
        if not inside and goes_on and len(lines[-1]) + len(line) <= WIDTH:
            lines[-1] += line
        else:
            lines.append(line)
        inside ^= line.replace("\\`", "").count("`") % 2 == 1
    return "\n".join(lines).strip()
