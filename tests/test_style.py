"""The limits on how the code, the tests and the docs read.

The first half measures this repository: a failed test lists the places to
change. The second half tests the measuring functions on small samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median

import pytest

from tests.support.style.source import (
    Passage,
    Source,
    parse,
    prose_lines,
    read_pages,
    read_sources,
)
from tests.support.style.structure import (
    circles,
    function_lengths,
    import_graph,
    line_counts,
    root_graph,
    used_once,
)
from tests.support.style.words import (
    banned_names,
    bare_directives,
    code_prose,
    count_relative_words,
    count_words,
    has_pronoun,
    is_banned,
    names_of_tests,
    pronouns,
    sentences,
)

ROOT = Path(__file__).resolve().parents[1]

MOST_PRONOUNS = 1.0
MOST_RELATIVE_WORDS = 0.3
MOST_LINES = 259
SHORTEST_MEDIAN, LONGEST_MEDIAN = 4, 12
LONGEST_FUNCTION = 50
MOST_USED_ONCE = 10.0
MOST_IMPORTS = 7
LONGEST_TEST_NAME = 60


def listed(places: Iterable[str]) -> str:
    """Return the places of a failure, one on each line."""
    return "\n" + "\n".join(places)


def pronoun_rate(passages: list[Passage]) -> float:
    """Return the number of indefinite pronouns per 1,000 words."""
    return round(1000 * len(pronouns(passages)) / count_words(passages), 1)


@pytest.fixture(scope="module")
def package() -> list[Source]:
    """Every module of the package."""
    return read_sources(ROOT / "crudauth_django", root=ROOT)


@pytest.fixture(scope="module")
def tests() -> list[Source]:
    """Every module of the tests."""
    return read_sources(ROOT / "tests", root=ROOT)


# The limits


def test_code_has_few_indefinite_pronouns(package):
    prose = code_prose(package)

    rate = pronoun_rate(prose)

    assert rate <= MOST_PRONOUNS, listed(pronouns(prose))


def test_docs_have_few_indefinite_pronouns():
    prose = read_pages(ROOT / "docs", root=ROOT)

    rate = pronoun_rate(prose)

    assert rate <= MOST_PRONOUNS, listed(pronouns(prose))


def test_docstrings_have_few_relative_clauses(package):
    found = sentences(text for source in package for text in source.docstrings())
    found.sort(key=count_relative_words, reverse=True)

    rate = round(sum(map(count_relative_words, found)) / len(found), 2)

    assert rate <= MOST_RELATIVE_WORDS, listed(
        f"{sentence.path}:{sentence.line} {sentence.text}"
        for sentence in found
        if count_relative_words(sentence)
    )


def test_files_are_short(package):
    counts = line_counts(package)

    long = [f"{path}: {count}" for path, count in counts.items() if count > MOST_LINES]

    assert not long, listed(long)


def test_functions_have_a_readable_median_length(package):
    lengths = function_lengths(package)

    middle = median(lengths.values())

    assert SHORTEST_MEDIAN <= middle <= LONGEST_MEDIAN, listed(
        f"{place}: {length}"
        for place, length in lengths.items()
        if not SHORTEST_MEDIAN <= length <= LONGEST_MEDIAN
    )


def test_no_function_is_long(package):
    lengths = function_lengths(package)

    long = [f"{place}: {n}" for place, n in lengths.items() if n > LONGEST_FUNCTION]

    assert not long, listed(long)


def test_few_private_functions_are_used_once(package):
    once = used_once(package)

    share = round(100 * len(once) / len(function_lengths(package)), 1)

    assert share <= MOST_USED_ONCE, listed(once)


def test_modules_have_few_imports_from_the_package(package):
    graph = import_graph(package)

    many = [
        f"{module}: {len(imported)} ({', '.join(sorted(imported))})"
        for module, imported in graph.items()
        if len(imported) > MOST_IMPORTS
    ]

    assert not many, listed(many)


def test_modules_import_in_no_circle(package):
    found = circles(import_graph(package))

    assert not found, listed(map(", ".join, found))


def test_folders_import_in_no_circle(package):
    found = circles(root_graph(import_graph(package)))

    assert not found, listed(map(", ".join, found))


def test_names_have_no_banned_word(package):
    found = banned_names(package)

    assert not found, listed(found)


def test_test_names_are_short(tests):
    names = names_of_tests(tests)

    long = [place for place, name in names.items() if len(name) > LONGEST_TEST_NAME]

    assert not long, listed(long)


def test_test_names_have_no_pronoun(tests):
    names = names_of_tests(tests)

    vague = [place for place, name in names.items() if has_pronoun(name)]

    assert not vague, listed(vague)


def test_directives_have_a_reason(package, tests):
    example = read_sources(ROOT / "example_project", root=ROOT)
    docs = read_sources(ROOT / "docs", root=ROOT)

    # The typed project marks lines that type checkers must refuse.
    own = [source for source in tests if not source.path.startswith("tests/typed")]
    found = bare_directives([*package, *own, *example, *docs])

    assert not found, listed(found)


# The measuring functions


def passage(text: str) -> Passage:
    """Return a text at the top of a file."""
    return Passage(path="a.py", line=1, text=text)


def test_module_is_named_by_path():
    names = [parse(path, "").module for path in ("p/a.py", "p/b/__init__.py")]

    assert names == ["p.a", "p.b"]


def test_sources_are_read_without_migrations(tmp_path):
    for name in ("p/a.py", "p/migrations/0001_initial.py", "p/page.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")

    found = read_sources(tmp_path / "p", root=tmp_path)

    assert [source.path for source in found] == ["p/a.py"]


def test_pages_are_read_without_build_output(tmp_path):
    (tmp_path / "docs/_build").mkdir(parents=True)
    (tmp_path / "docs/index.md").write_text("one line")
    (tmp_path / "docs/_build/index.md").write_text("another line")

    found = read_pages(tmp_path / "docs", root=tmp_path)

    assert found == [Passage(path="docs/index.md", line=1, text="one line")]


def test_page_prose_leaves_out_code_tables_and_headings():
    page = (
        "# Title\n\none\n```python\ntwo\n```\n~~~~\n~~~\nthree\n~~~~\n| four |\n- five"
    )

    found = [(line.line, line.text) for line in prose_lines("a.md", page) if line.text]

    assert found == [(3, "one"), (12, "- five")]


def test_pronouns_are_found_with_their_line():
    found = pronouns([passage("One.\n\nWhoever asks.\nNobody's answer."), passage("")])

    assert found == ["a.py:3 Whoever", "a.py:4 Nobody"]


def test_pronoun_rate_is_per_thousand_words():
    assert pronoun_rate([passage("word " * 1999), passage("nobody")]) == 0.5


def test_code_prose_is_docstrings_and_comments():
    source = parse(
        "a.py",
        '"""Module."""\n'
        "class A:\n"
        '    """Class."""\n'
        "    def f(self):\n"
        '        """Function."""\n'
        '        return "no # comment"  # noqa: F401 (reason)\n',
    )

    found = [(text.line, text.text) for text in code_prose([source])]

    assert found == [(1, "Module."), (3, "Class."), (5, "Function."), (6, " (reason)")]


def test_sentences_end_with_a_mark_or_a_blank_line():
    text = (
        "First one\n\nstands here; the ``a. b``\nsecond. No. Is it the third? Yes it is"
    )

    found = [sentence.text for sentence in sentences([passage(text)])]

    assert found == [
        "the (literal) second.",
        "Is it the third?",
        "Yes it is",
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A value that fits, which is whose.", 3),
        ("Whom it reaches, where, and What.", 3),
        ("Thatched whichever somewhere.", 0),
    ],
)
def test_relative_words_are_counted_as_whole_words(text, count):
    assert count_relative_words(passage(text)) == count


def test_blank_lines_are_counted():
    assert line_counts([parse("a.py", "a = 1\n\n\nb = 2\n")]) == {"a.py": 4}


def test_functions_are_measured_without_decorators():
    text = "@cache\ndef f():\n    async def g():\n        pass\n    return g\n"

    found = function_lengths([parse("a.py", text)])

    assert found == {"a.py:2 f": 4, "a.py:3 g": 2}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def _f(): ...\n_f()", ["a.py:1 _f"]),
        (
            "class A:\n    def _f(self): ...\n    g = lambda self: self._f()",
            ["a.py:2 _f"],
        ),
        ("def _f(): ...\n_f()\n_f()", []),
        ("def _f(): ...", []),
        ("def f(): ...\nf()", []),
        ("def __f__(): ...\n__f__()", []),
        ("@cache\ndef _f(): ...\n_f()", []),
    ],
    ids=["name", "method", "twice", "never", "public", "dunder", "decorated"],
)
def test_private_functions_used_once_are_found(text, names):
    assert used_once([parse("a.py", text)]) == names


@pytest.mark.parametrize(
    "line",
    [
        "import p.b",
        "from p import b",
        "from p.b import name",
        "def f():\n    from p import b",
        "if TYPE_CHECKING:\n    from p.b import name",
    ],
)
def test_imports_are_found_in_every_form(line):
    sources = [parse("p/a.py", line), parse("p/b.py", "import os\nimport p.b")]

    assert import_graph(sources) == {"p.a": {"p.b"}, "p.b": set()}


def test_import_from_a_folder_counts_as_init_module():
    sources = [parse("p/a.py", "from p.b import c"), parse("p/b/__init__.py", "")]

    assert import_graph(sources)["p.a"] == {"p.b"}


def test_circles_are_found_over_several_steps():
    graph = {"p.a": {"p.b"}, "p.b": {"p.c"}, "p.c": {"p.a"}, "p.d": {"p.a"}}

    assert circles(graph) == [["p.a", "p.b", "p.c"]]
    assert circles({"p.a": {"p.b"}, "p.b": set()}) == []


def test_circle_of_folders_is_found_without_a_circle_of_modules():
    graph = {"p.a.x": {"p.b.x", "p.a.y"}, "p.a.y": set(), "p.b.x": {"p.a.y"}}

    assert circles(graph) == []
    assert circles(root_graph(graph)) == [["p.a", "p.b"]]


@pytest.mark.parametrize(
    "name",
    [
        "question",
        "OpenQuestions",
        "_answered",
        "spelling",
        "unproven",
        "take_back",
        "HTTPHelper",
        "string_utils",
        "COMMON",
        "obj",
        "handle_code",
        "_process_row",
        "do_nothing",
        "send_impl",
    ],
)
def test_names_with_a_banned_word_are_banned(name):
    assert is_banned(name)


@pytest.mark.parametrize(
    "name",
    ["handle", "processed", "window", "task", "essay", "commonly", "object", "undo_it"],
)
def test_names_that_contain_other_words_are_allowed(name):
    assert not is_banned(name)


@pytest.mark.parametrize(
    "line",
    [
        "class Question: ...",
        "def answer(): ...",
        "async def answer(): ...",
        "def f(*, question): ...",
        "question = 1",
        "for question in x: ...",
        "self.question = 1",
        "import x as question",
        "with x as question: ...",
        "try: ...\nexcept OSError as question: ...",
        "match x:\n    case question: ...",
    ],
)
def test_banned_names_are_found_where_they_are_defined(line):
    (place,) = banned_names([parse("a.py", line)])

    assert place.startswith("a.py:")


def test_banned_names_of_modules_are_found():
    assert banned_names([parse("p/utils.py", "")]) == ["p/utils.py:1 utils"]


def test_names_of_other_packages_are_not_banned():
    text = "from os import answer\nanswer(question=1)\ndef f(self, obj): ..."

    assert banned_names([parse("a.py", text)]) == []


@pytest.mark.parametrize(
    "comment",
    ["# noqa", "# noqa: F401,S101", "# ruff: noqa: F401", "# type: ignore[misc, a-b]"],
)
def test_directives_without_a_reason_are_found(comment):
    found = bare_directives([parse("a.py", f"\na = 1  {comment}")])

    assert found == [f"a.py:2 {comment}"]


@pytest.mark.parametrize(
    "line",
    [
        "a = 1  # noqa: S311 (jitter only)",
        "a = 1  # type: ignore[misc]  # unknown to the stubs",
        "a = 1  # noqa: F401  # type: ignore  # both are Django's",
        'a = "# noqa"',
        "a = 1  # a comment",
    ],
)
def test_directives_with_a_reason_are_allowed(line):
    assert bare_directives([parse("a.py", line)]) == []


def test_tests_are_found_in_modules_and_classes():
    text = "def test_a(): ...\nclass A:\n    async def test_b(self): ...\ndef c(): ..."

    found = names_of_tests([parse("a.py", text)])

    assert found == {"a.py:1 test_a": "test_a", "a.py:3 test_b": "test_b"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_who_wins", True),
        ("test_nothing_gets_its_token", True),
        ("test_somebody", True),
        ("test_whole_bits_of_whatsapp", False),
    ],
)
def test_pronouns_are_found_as_whole_words_of_a_name(name, expected):
    assert has_pronoun(name) is expected
