"""Prints a page of the documentation as a shell script: `python tests/walk.py docs/packages.md | bash -euo pipefail`.

A block whose first line names a file (three backquotes, a language, the file) is written there; blocks of `sh` are run, in the order of the page.
"""

import shlex
import sys
from pathlib import Path

END = "end of the block"


def blocks(text: str) -> list[tuple[list[str], list[str]]]:
    """The words behind the backquotes and the lines of each block."""
    found, open_block = [], False
    for line in text.splitlines():
        if line.startswith("```") and not open_block:
            found.append((line.removeprefix("```").split(), []))
            open_block = True
        elif line == "```":
            open_block = False
        elif open_block:
            found[-1][1].append(line)
    return found


def main() -> None:
    """Writes the script to standard output."""
    for words, lines in blocks(Path(sys.argv[1]).read_text()):
        if len(words) == 2:
            name = shlex.quote(words[1])
            print(f"mkdir -p $(dirname {name})\ncat >{name} <<'{END}'", *lines, END, sep="\n")
        elif words == ["sh"]:
            print(*(f"echo {shlex.quote('$ ' + line)}\n{line}" for line in lines), sep="\n")


if __name__ == "__main__":
    main()
