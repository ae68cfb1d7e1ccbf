"""Read Python files and Markdown pages, with the place of each text."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

Function = ast.FunctionDef | ast.AsyncFunctionDef

#: Files without prose or names of our own: Django and Sphinx write them.
GENERATED = {"migrations", "_build"}
CODE_FENCE = re.compile(r"`{3,}|~{3,}")
TABLE_HEADING_OR_HTML = ("|", "#", "<")


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A text and its place: a docstring, a comment, a sentence, a line of a page."""

    path: str
    line: int
    text: str

    def matches(self, pattern: re.Pattern[str]) -> list[str]:
        """Return path, line and text of each match."""
        found = []
        for match in pattern.finditer(self.text):
            line = self.line + self.text.count("\n", 0, match.start())
            found.append(f"{self.path}:{line} {match[0]}")
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A parsed Python file; ``path`` is relative to the root of the repository."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """Return the dotted name that an import uses."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def functions(self) -> list[Function]:
        """Return every function, also methods and nested functions."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def docstrings(self) -> list[Passage]:
        """Return the docstrings of the module, its classes and its functions."""
        return [
            Passage(path=self.path, line=node.body[0].lineno, text=docstring)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Module | ast.ClassDef | Function)
            if (docstring := ast.get_docstring(node))
        ]

    def comments(self) -> list[Passage]:
        """Return the comments, each with its ``#``."""
        return [
            Passage(path=self.path, line=token.start[0], text=token.string)
            for token in tokenize.generate_tokens(io.StringIO(self.text).readline)
            if token.type == tokenize.COMMENT
        ]


def parse(path: str, text: str) -> Source:
    """Parse the text of a Python file."""
    return Source(path=path, text=text, tree=ast.parse(text))


def place_of(source: Source, function: Function) -> str:
    """Return path, line and name of a function."""
    return f"{source.path}:{function.lineno} {function.name}"


def read_sources(folder: Path, *, root: Path) -> list[Source]:
    """Parse every Python file below a folder, without migrations."""
    return [
        parse(path, text)
        for path, text in read_texts(folder, "*.py", root=root).items()
    ]


def read_pages(folder: Path, *, root: Path) -> list[Passage]:
    """Return the lines of prose of every Markdown page below a folder."""
    pages = read_texts(folder, "*.md", root=root)
    return [line for path, text in pages.items() for line in prose_lines(path, text)]


def read_texts(folder: Path, pattern: str, *, root: Path) -> dict[str, str]:
    """Return the texts of the matching files by their paths below ``root``."""
    paths = [path.relative_to(root) for path in sorted(folder.rglob(pattern))]
    return {
        path.as_posix(): (root / path).read_text(encoding="utf-8")
        for path in paths
        if GENERATED.isdisjoint(path.parts)
    }


def prose_lines(path: str, page: str) -> list[Passage]:
    """Return the lines of a page outside of code blocks, tables and headings."""
    lines = []
    fence = ""
    for number, line in enumerate(map(str.strip, page.splitlines()), start=1):
        if fence:
            fence = "" if line.startswith(fence) else fence
        elif opening := CODE_FENCE.match(line):
            fence = opening[0]
        elif not line.startswith(TABLE_HEADING_OR_HTML):
            lines.append(Passage(path=path, line=number, text=line))
    return lines
