"""Read settings, signals and checks from the source, without importing it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "crudauth_django"
SHOWN_LEVELS = {"Error": "error", "Warning": "warning", "Info": "info"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One documented name."""

    name: str
    text: str
    #: A default or a level, shown beside the name.
    note: str = ""
    #: The advice of a check.
    hint: str = ""


def comment_above(lines: list[str], number: int) -> str:
    """Return the ``#:`` comment above a line; the first line is 1."""
    found = []
    for line in reversed(lines[: number - 1]):
        if not line.strip().startswith("#:"):
            break
        found.append(line.strip().removeprefix("#:").strip())
    return " ".join(reversed(found))


def read_module(path: Path) -> tuple[ast.Module, list[str]]:
    """Parse a module; return its tree and its lines."""
    source = path.read_text()
    return ast.parse(source), source.splitlines()


def read_settings() -> list[Entry]:
    """Return every ``CRUDAUTH_*`` setting in the order of the code."""
    tree, lines = read_module(PACKAGE / "conf" / "settings.py")
    keys = read_keys()
    options = next(
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    return [
        Entry(
            name="CRUDAUTH_" + node.target.id.upper(),
            text=comment_above(lines, node.lineno),
            note=keys.get(
                ast.unparse(node.annotation), ast.unparse(node.value.args[0])
            ),
        )
        for node in options.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Call)
    ]


def read_keys() -> dict[str, str]:
    """Return the default keys of a dict setting, by the annotation of the setting."""
    types, _lines = read_module(PACKAGE / "conf" / "types.py")
    keys = {}
    for node in types.body:
        if isinstance(node, ast.ClassDef):
            defaults = {
                each.target.id.upper(): ast.unparse(each.value)
                for each in node.body
                if isinstance(each, ast.AnnAssign) and each.value is not None
            }
            shown = ", ".join(f'"{name}": {value}' for name, value in defaults.items())
            keys[node.name] = keys[f"{node.name} | None"] = f"{{{shown}}}"
    readers, _lines = read_module(PACKAGE / "conf" / "readers.py")
    throttles = next(
        node.value
        for node in readers.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "THROTTLES"
    )
    keys["Mapping[str, tuple[Rate, ...]]"] = ast.unparse(throttles).replace("'", '"')
    return keys


def read_signals() -> list[Entry]:
    """Return every signal in the order of the code."""
    tree, lines = read_module(PACKAGE / "signals.py")
    return [
        Entry(name=node.targets[0].id, text=comment_above(lines, node.lineno))
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Call)
    ]


def read_checks() -> list[Entry]:
    """Return every system check, in the order of the ids."""
    calls = (
        node
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(read_module(path)[0])
        if isinstance(node, ast.Call)
    )
    entries = [entry for call in calls if (entry := _check(call))]
    return sorted(entries, key=lambda entry: entry.name)


def _check(call: ast.Call) -> Entry | None:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    if "id" not in named or not isinstance(named["id"], ast.Constant):
        return None
    if not str(named["id"].value).startswith("crudauth."):
        return None
    level = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return Entry(
        name=str(named["id"].value),
        text=read_text(call.args[0]),
        note=SHOWN_LEVELS.get(level, ""),
        hint=read_text(named["hint"]) if "hint" in named else "",
    )


def read_text(node: ast.expr) -> str:
    """Return a text of the code, with an ellipsis for each value in it."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(read_text(part) for part in parts)
        case ast.BinOp(left=left, right=right):
            return read_text(left) + read_text(right)
        case _:
            return "…"
