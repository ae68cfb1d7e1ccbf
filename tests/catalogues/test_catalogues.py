"""Every message is translated, and the catalogues are complete."""

import ast
import gettext
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

import crudauth_django

PACKAGE = Path(crudauth_django.__file__).parent
LOCALES = ("ar", "de", "es", "fr", "hi", "pt", "pt_BR", "zh_Hans")
CALLS = {
    "_": 0,
    "gettext": 0,
    "gettext_lazy": 0,
    "gettext_noop": 0,
    "ngettext": 0,
    "ngettext_lazy": 0,
    "pgettext": 1,
    "pgettext_lazy": 1,
    "npgettext": 1,
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


@dataclass
class Entry:
    msgid: str
    plural: str
    texts: list[str]
    flags: str


def quoted(lines: str) -> str:
    return "".join(ast.literal_eval(line) for line in lines.strip().splitlines())


def read_po(locale: str) -> list[Entry]:
    source = (PACKAGE / "locale" / locale / "LC_MESSAGES/django.po").read_text("utf-8")
    strings = r'((?:"(?:[^"\\]|\\.)*"\n?)+)'
    found = []
    for block in source.split("\n\n")[1:]:
        msgid = re.search(rf"^msgid {strings}", block, re.MULTILINE)
        plural = re.search(rf"^msgid_plural {strings}", block, re.MULTILINE)
        texts = re.findall(rf"^msgstr(?:\[\d\])? {strings}", block, re.MULTILINE)
        found.append(
            Entry(
                msgid=quoted(msgid[1]),
                plural=quoted(plural[1]) if plural else "",
                texts=[quoted(text) for text in texts],
                flags=" ".join(re.findall(r"^#,.*", block, re.MULTILINE)),
            )
        )
    return found


def messages_in(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "")
        if name in CALLS and len(node.args) > CALLS[name]:
            found.add(ast.literal_eval(node.args[CALLS[name]]))
    return found


def calls_of(template: Path) -> str:
    """Return a template's messages as Python: one call on each line."""
    source = templatize(template.read_text("utf-8"), origin=str(template))
    calls = re.findall(
        r"n?p?gettext\((?:u?'(?:[^'\\]|\\.)*'|[\s,]|\w+)*\)|_\([^)]*\)", source
    )
    return "\n".join(calls)


def every_message() -> set[str]:
    found = set()
    for module in PACKAGE.rglob("*.py"):
        found |= messages_in(module.read_text("utf-8"))
    for template in (PACKAGE / "templates").rglob("*.*"):
        found |= messages_in(calls_of(template))
    return found


def test_messages_are_found_in_modules_and_templates():
    """If this finds nothing, the next test could not fail."""
    found = every_message()

    assert "Incorrect login or password." in found
    assert "%(count)d hour" in found
    assert (
        "Verify your account: %(target)s (%(account)s, %(expires_in)s). "
        "Not you? Ignore this." in found
    )
    assert "Your password has changed" in found
    assert "ltr" in found


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_is_translated(locale):
    translated = {entry.msgid for entry in read_po(locale) if all(entry.texts)}

    assert sorted(every_message() - translated) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_translations_are_neither_empty_nor_fuzzy(locale):
    entries = read_po(locale)

    assert entries
    assert [e.msgid for e in entries if not all(e.texts) or "fuzzy" in e.flags] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_translation_has_placeholders_of_the_message(locale):
    for entry in read_po(locale):
        expected = set(PLACEHOLDER.findall(entry.plural or entry.msgid))
        found = [set(PLACEHOLDER.findall(text)) for text in entry.texts]

        if entry.plural:  # "one hour" may do without a figure
            assert all(placeholders <= expected for placeholders in found), entry
            assert found[-1] == expected, entry
        else:
            assert found == [expected], entry


@pytest.mark.parametrize("locale", LOCALES)
def test_compiled_catalogue_equals_the_source(locale):
    compiled = PACKAGE / "locale" / locale / "LC_MESSAGES/django.mo"
    with compiled.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)

    for entry in read_po(locale):
        if entry.plural:
            found = {
                catalogue.ngettext(entry.msgid, entry.plural, n) for n in range(200)
            }
            assert found <= set(entry.texts), entry
            assert found, entry
        elif entry.msgid not in {"en", "ltr"}:
            assert catalogue.gettext(entry.msgid) == entry.texts[0]


@pytest.mark.parametrize("locale", LOCALES)
def test_catalogue_names_the_language(locale):
    (own,) = [entry for entry in read_po(locale) if entry.msgid == "en"]

    assert own.texts == [locale.replace("_", "-")]
