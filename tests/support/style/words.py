"""Measure the words of docstrings, comments, pages and names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.support.style.source import Passage, Source, place_of

INDEFINITE = {"whoever", "whatever", "nobody", "somebody", "anybody", "everybody"}
TEST_NAME_PRONOUNS = INDEFINITE | {"who", "whom", "whose", "what", "its", "ones"}
SHORTEST_SENTENCE = 3

WORD = re.compile(r"\w+")
PRONOUN = re.compile(rf"\b({'|'.join(sorted(INDEFINITE))})\b", re.IGNORECASE)
RELATIVE_WORD = re.compile(
    r"\b(that|which|who|whose|whom|where|what|whatever)\b", re.IGNORECASE
)
LITERAL = re.compile(r"``.+?``|`[^`]+`", re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n\s*\n")
DIRECTIVE = re.compile(
    r"#\s*(ruff:\s*)?noqa(:\s*[A-Z]+\d+(,?\s*[A-Z]+\d+)*)?"
    r"|#\s*type:\s*ignore\s*(\[[^\]]*\])?"
)

WORD_IN_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: The first group counts with every ending, the second one as a plural, too.
BANNED_WORD = re.compile(
    r"(question|answer|spell|prove|unprove|keep)\w*"
    r"|(win|take|ask|tell|say|door|mend|stranger)s?"
    r"|(util|helper|misc|common|obj|ctx)s?",
    re.IGNORECASE,
)
BANNED_AFFIX = re.compile(r"_*(handle|process|do)_|\w*_impl$", re.IGNORECASE)
#: Parameters and methods that Django calls by these names.
DJANGOS_NAMES = {"obj", "objs", "_do_update"}
#: The syntax that defines a name, and its attribute with the name.
DEFINITIONS: dict[type[ast.AST], str] = {
    ast.ClassDef: "name",
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.arg: "arg",
    ast.Name: "id",
    ast.Attribute: "attr",
    ast.alias: "asname",
    ast.ExceptHandler: "name",
    ast.MatchAs: "name",
}


def code_prose(sources: Iterable[Source]) -> list[Passage]:
    """Return the docstrings and the comments, without directives for tools."""
    prose = []
    for source in sources:
        prose += source.docstrings()
        for comment in source.comments():
            text = DIRECTIVE.sub("", comment.text)
            prose.append(Passage(path=comment.path, line=comment.line, text=text))
    return prose


def count_words(passages: Iterable[Passage]) -> int:
    """Return the number of words."""
    return sum(len(WORD.findall(passage.text)) for passage in passages)


def pronouns(passages: Iterable[Passage]) -> list[str]:
    """Return the places of indefinite pronouns."""
    return [place for passage in passages for place in passage.matches(PRONOUN)]


def sentences(passages: Iterable[Passage]) -> list[Passage]:
    """Split into sentences of three or more words; a literal is one word.

    A sentence ends with ``.``, ``!``, ``?`` or ``;`` and a space, or with a
    blank line. Its place is that of the whole passage.
    """
    return [
        Passage(path=passage.path, line=passage.line, text=" ".join(part.split()))
        for passage in passages
        for part in SENTENCE_END.split(LITERAL.sub("(literal)", passage.text))
        if len(WORD.findall(part)) >= SHORTEST_SENTENCE
    ]


def count_relative_words(sentence: Passage) -> int:
    """Return the number of relative words in a sentence."""
    return len(RELATIVE_WORD.findall(sentence.text))


def bare_directives(sources: Iterable[Source]) -> list[str]:
    """Return the places of ``noqa`` and ``type: ignore`` without a reason.

    The reason stands on the same line: ``# noqa: S311 (jitter only)``,
    ``# type: ignore[misc]  # unknown to the stubs``.
    """
    return [
        f"{comment.path}:{comment.line} {comment.text}"
        for source in sources
        for comment in source.comments()
        if DIRECTIVE.search(comment.text)
        and not WORD.search(DIRECTIVE.sub("", comment.text))
    ]


def banned_names(sources: Iterable[Source]) -> list[str]:
    """Return the places of names with a banned word."""
    return [
        f"{source.path}:{line} {name}"
        for source in sources
        for line, name in defined_names(source)
        if is_banned(name)
    ]


def is_banned(name: str) -> bool:
    """Return whether a name has a banned word, prefix or suffix."""
    words = WORD_IN_NAME.findall(name)
    return bool(BANNED_AFFIX.match(name)) or any(map(BANNED_WORD.fullmatch, words))


def defined_names(source: Source) -> Iterator[tuple[int, str]]:
    """Yield line and name of the module and of each definition in it."""
    yield 1, source.module.rpartition(".")[2]
    for node in ast.walk(source.tree):
        is_stored = isinstance(getattr(node, "ctx", ast.Store()), ast.Store)
        if type(node) in DEFINITIONS and is_stored:
            name = getattr(node, DEFINITIONS[type(node)])
            called = isinstance(node, ast.arg | ast.FunctionDef)
            if name and not (called and name in DJANGOS_NAMES):
                yield getattr(node, "lineno", 1), name


def names_of_tests(sources: Iterable[Source]) -> dict[str, str]:
    """Return the name of each test function by its place."""
    return {
        place_of(source, function): function.name
        for source in sources
        for function in source.functions()
        if function.name.startswith("test_")
    }


def has_pronoun(name: str) -> bool:
    """Return whether one of the words of a test's name is a pronoun."""
    return not TEST_NAME_PRONOUNS.isdisjoint(name.split("_"))
