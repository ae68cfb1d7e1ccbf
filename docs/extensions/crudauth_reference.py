"""Directives for the reference pages, which are read from the code.

``crudauth-settings`` lists every setting, ``crudauth-checks`` every system
check and ``crudauth-signals`` every signal.
"""

from __future__ import annotations

from typing import ClassVar

from crudauth_source import Entry, read_checks, read_settings, read_signals
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Listing(SphinxDirective):
    """Lists the entries of ``read``: each name with an anchor, a note and a text."""

    read: ClassVar = staticmethod(list)
    note = ""

    def run(self) -> list[nodes.Node]:
        return [self.section(entry) for entry in self.read()]

    def section(self, entry: Entry) -> nodes.Node:
        """Return the section of one entry."""
        anchor = entry.name.lower().replace(".", "-").replace("_", "-")
        section = nodes.section(ids=[anchor], names=[anchor])
        section += nodes.title("", "", nodes.literal("", entry.name))
        if entry.note:
            note = nodes.paragraph("", f"{self.note}: ")
            note += nodes.literal("", entry.note)
            section += note
        section += self.paragraph(entry.text)
        if entry.hint:
            section += self.paragraph(f"*Hint:* {entry.hint}")
        return section

    def paragraph(self, text: str) -> nodes.Node:
        """Return a text with its inline markup; double backticks are code."""
        inline, messages = self.parse_inline(text.replace("``", "`"))
        return nodes.paragraph("", "", *inline, *messages)


class SettingsListing(Listing):
    """Every setting and its default."""

    read = staticmethod(read_settings)
    note = "Default"


class ChecksListing(Listing):
    """Every system check and its hint."""

    read = staticmethod(read_checks)
    note = "Level"


class SignalsListing(Listing):
    """Every signal."""

    read = staticmethod(read_signals)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("crudauth-settings", SettingsListing)
    app.add_directive("crudauth-checks", ChecksListing)
    app.add_directive("crudauth-signals", SignalsListing)
    return {"parallel_read_safe": True}
