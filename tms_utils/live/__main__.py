"""Write a live figure as an HTML fragment: ``python -m tms_utils.live playground > playground.html``."""

from __future__ import annotations

import sys

from tms_utils import live


def main(arguments: list[str]) -> int:
    """Print the HTML of the figure named on the command line."""
    if len(arguments) != 1 or arguments[0] not in live.__all__:
        print(f"usage: python -m tms_utils.live {{{','.join(live.__all__)}}}", file=sys.stderr)
        return 2
    sys.stdout.write(getattr(live, arguments[0])()._repr_html_())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
