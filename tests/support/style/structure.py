"""Measure files, functions and the imports between the modules of a package."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tests.support.style.source import Source, place_of

PRIVATE_NAME = re.compile(r"_(?!_)")

#: The modules of the package that each module imports.
Graph = Mapping[str, set[str]]


def line_counts(sources: Iterable[Source]) -> dict[str, int]:
    """Return the number of lines of each file; blank lines count."""
    return {source.path: len(source.text.splitlines()) for source in sources}


def function_lengths(sources: Iterable[Source]) -> dict[str, int]:
    """Return the number of lines of each function, from ``def`` to its last line.

    Every function is named by its place, also methods and nested functions.
    """
    return {
        place_of(source, function): (function.end_lineno or 0) - function.lineno + 1
        for source in sources
        for function in source.functions()
    }


def used_once(sources: Iterable[Source]) -> list[str]:
    """Return the private functions with one reference in their own file.

    A reference is a name or an attribute. Decorated functions are left out,
    because a decorator may register them.
    """
    places = []
    for source in sources:
        references = count_references(source)
        places += [
            place_of(source, function)
            for function in source.functions()
            if PRIVATE_NAME.match(function.name)
            and not function.decorator_list
            and references[function.name] == 1
        ]
    return places


def count_references(source: Source) -> Counter[str]:
    """Count how often each name and each attribute is read or written."""
    return Counter(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )


def import_graph(sources: Sequence[Source]) -> dict[str, set[str]]:
    """Return the imports between the given modules.

    Imports at the top, inside functions and for type checkers count alike. An
    import of a name counts as an import of its module.
    """
    modules = {source.module for source in sources}
    return {
        source.module: modules.intersection(imported_names(source, modules))
        - {source.module}
        for source in sources
    }


def imported_names(source: Source, modules: set[str]) -> Iterator[str]:
    """Yield the dotted names that a file imports; imports are absolute."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in modules else node.module


def root_graph(graph: Graph) -> dict[str, set[str]]:
    """Join the modules of each folder at the root of the package."""
    joined: defaultdict[str, set[str]] = defaultdict(set)
    for module, imported in graph.items():
        joined[root_name(module)] |= {root_name(other) for other in imported}
    return {name: others - {name} for name, others in joined.items()}


def root_name(module: str) -> str:
    """Return a module's name down to the first folder inside its package."""
    return ".".join(module.split(".")[:2])


def circles(graph: Graph) -> list[list[str]]:
    """Return the groups of modules that import each other, also in several steps."""
    reached = {module: reachable(module, graph) for module in graph}
    groups = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in graph
    }
    return sorted(sorted(group) for group in groups if group)


def reachable(start: str, graph: Graph) -> set[str]:
    """Return the modules on all import paths from a module."""
    found: set[str] = set()
    border = {start}
    while border:
        border = {imported for module in border for imported in graph[module]} - found
        found |= border
    return found
