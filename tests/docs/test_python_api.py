"""The public names of the package, its page, and the imports that the docs show."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "crudauth_django"
PAGE = (ROOT / "docs" / "python-api.md").read_text()
#: Examples in the docs, and code that stands for an application.
EXAMPLES = [
    ROOT / "README.md",
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "example_project").rglob("*.py"),
]
IMPORT = re.compile(
    r"^ *from (crudauth_django[\w.]*) import (\([^)]*\)|[^\n]*)$", re.MULTILINE
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def public_names() -> dict[str, list[str]]:
    """Map each module that has ``__all__`` to its public names."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if (
                isinstance(node, ast.Assign)
                and ast.unparse(node.targets[0]) == "__all__"
            ):
                found[module_name(path)] = ast.literal_eval(node.value)
    return found


PUBLIC = public_names()


def imported_names() -> list[tuple[str, str, str]]:
    """List file, module and name of every import that the examples show."""
    return [
        (str(path.relative_to(ROOT)), module, name.partition(" as ")[0].strip())
        for path in EXAMPLES
        for module, names in IMPORT.findall(path.read_text())
        for name in re.sub(r"#[^\n]*", "", names).strip("()").split(",")
        if name.strip()
    ]


def test_python_api_page_lists_every_public_module():
    listed = re.findall(r"^\.\. automodule:: ([\w.]+)$", PAGE, re.MULTILINE)

    assert sorted(listed) == sorted(PUBLIC)


# The plugin runs in mypy's process: the typed project tests it there.
@pytest.mark.parametrize(
    "module", sorted(PUBLIC.keys() - {"crudauth_django.mypy_plugin"})
)
def test_public_names_exist_and_have_docstrings(module: str):
    names = {
        name: getattr(importlib.import_module(module), name) for name in PUBLIC[module]
    }

    undocumented = [
        name
        for name, value in names.items()
        if callable(value) and not (value.__doc__ or "").strip()
    ]
    assert undocumented == []


def test_examples_import_public_names_only():
    private = [
        found
        for found in imported_names()
        if found[2] not in PUBLIC.get(found[1], [])
        # A module itself, such as ``from crudauth_django import signals``.
        and f"{found[1]}.{found[2]}" not in PUBLIC
    ]

    assert private == []
