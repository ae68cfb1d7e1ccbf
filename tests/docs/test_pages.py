"""The documentation does what it says: recipes run, references are complete."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.dispatch import Signal
from django.test import override_settings

from crudauth_django import signals
from crudauth_django.conf import settings
from crudauth_django.urls import urlpatterns
from tests.support.parts import ROOT

DOCS = ROOT / "docs"
PACKAGE = ROOT / "crudauth_django"
#: Pages without a project to run. The first has tests of its own.
OTHERS = {"change-factor", "index"}
RECIPES = sorted(
    path.stem for path in (DOCS / "recipes").glob("*.md") if path.stem not in OTHERS
)
BLOCK = re.compile(
    r"```\{code-block\} (?:python|html)\n:caption: (\S+)\n(.*?)```", re.DOTALL
)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """What reads the reference pages from the code."""
    path = DOCS / "extensions" / "crudauth_source.py"
    spec = importlib.util.spec_from_file_location("crudauth_source", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["crudauth_source"] = module
    spec.loader.exec_module(module)
    return module


def assemble(folder: Path, *pages: str) -> None:
    """Start a project, and write the pages' code blocks where they say."""
    call_command("startproject", "config", str(folder))
    (folder / "accounts").mkdir()
    call_command("startapp", "accounts", str(folder / "accounts"))
    (folder / "accounts" / "tests.py").unlink()
    ini = "[pytest]\nDJANGO_SETTINGS_MODULE = config.settings\nfilterwarnings = error\n"
    (folder / "pytest.ini").write_text(ini)
    for page in pages:
        for name, code in BLOCK.findall((DOCS / page).read_text()):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            existing = target.read_text() if name == "config/settings.py" else ""
            target.write_text(existing + code)


#: Makes the migrations, runs every check, and then the page's own tests.
SCRIPT = """
import sys

import django
import pytest
from django.core.management import call_command

django.setup()
call_command("check", fail_level="INFO")
call_command("makemigrations", "accounts", verbosity=0)
sys.exit(pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider"]))
"""


#: Runs the page's tests with Django's own runner, where pytest can't be imported.
UNITTEST_SCRIPT = """
import sys

sys.modules["pytest"] = None

import django
from django.core.management import call_command

django.setup()
call_command("makemigrations", "accounts", verbosity=0)
call_command("test")
"""


def run_project(folder: Path, script: str = SCRIPT) -> str:
    """Run the project in a process of its own; returns what it printed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "COV"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={
            **env,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_runs_as_printed(recipe: str, tmp_path: Path):
    assemble(tmp_path, f"recipes/{recipe}.md")

    assert " passed" in run_project(tmp_path)


@pytest.mark.slow
def test_quickstart_and_testing_pages_run_as_printed(tmp_path: Path):
    assemble(tmp_path, "quickstart.md", "testing.md")

    assert "1 passed" in run_project(tmp_path)


@pytest.mark.slow
def test_testing_page_runs_without_pytest(tmp_path: Path):
    assemble(tmp_path, "quickstart.md", "testing.md")
    for name in ("conftest.py", "test_signing_up.py"):
        (tmp_path / name).unlink()

    assert "Ran 1 test" in run_project(tmp_path, UNITTEST_SCRIPT)


@pytest.mark.slow
def test_registration_page_runs_as_printed(tmp_path: Path):
    assemble(tmp_path, "quickstart.md", "registration.md")

    assert "4 passed" in run_project(tmp_path)


@pytest.mark.slow
def test_views_and_admin_pages_run_as_printed(tmp_path: Path):
    assemble(tmp_path, "quickstart.md", "admin.md", "views.md")

    assert "3 passed" in run_project(tmp_path)


@pytest.mark.slow
def test_replace_endpoint_page_runs_as_printed(tmp_path: Path):
    assemble(tmp_path, "quickstart.md", "replace-endpoint.md")

    assert "4 passed" in run_project(tmp_path)


@pytest.mark.slow
def test_dispatchers_page_runs_as_printed(tmp_path: Path):
    assemble(tmp_path, "quickstart.md", "dispatchers.md")

    assert "4 passed" in run_project(tmp_path)


@pytest.mark.slow
def test_counter_stores_page_runs_as_printed(
    tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REDIS_URL", valkey_url)
    assemble(tmp_path, "quickstart.md", "counter-stores.md")

    assert "8 passed" in run_project(tmp_path)


def test_architecture_page_lists_the_layers_of_the_contract():
    page = (DOCS / "architecture.md").read_text()
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    contracts = {c["id"]: c for c in tools["importlinter"]["contracts"]}
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", page.split("\n## ")[1], re.M)

    listed = [re.findall(r"\w+", row) for row in rows]

    assert listed == [row.split(" | ") for row in contracts["layers"]["layers"]]


def test_architecture_page_names_existing_functions():
    page = (DOCS / "architecture.md").read_text()
    names = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", page)
    own = [name for name in names if (PACKAGE / name.partition(".")[0]).exists()]

    assert own
    for name in own:
        pkgutil.resolve_name(f"crudauth_django.{name}")


@pytest.mark.parametrize(
    "page", ["README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md"]
)
def test_relative_links_outside_of_the_docs_resolve(page: str):
    links = re.findall(r"\]\((?!https:)([^)#]+)", (ROOT / page).read_text())

    missing = [to for to in links if not (ROOT / page).parent.joinpath(to).exists()]

    assert links
    assert missing == []


def test_recipes_are_all_listed():
    listed = (DOCS / "recipes" / "index.md").read_text()

    assert [name for name in RECIPES if f"[]({name}.md)" not in listed] == []


def test_settings_are_all_documented(reference: ModuleType):
    entries = {entry.name: entry for entry in reference.read_settings()}

    assert set(entries) == set(settings.setting_names())
    assert [name for name, entry in entries.items() if not entry.text] == []


def test_dict_settings_show_every_default(reference: ModuleType):
    notes = {entry.name: entry.note for entry in reference.read_settings()}

    for name in ("CRUDAUTH_LOCKOUT", "CRUDAUTH_RETRY", "CRUDAUTH_THROTTLES"):
        shown = eval(notes[name], {"timedelta": timedelta})  # noqa: S307 (the page's own text)
        with override_settings(**{name: shown}):
            assert settings.parse_setting(name) == default_of(name)
        assert shown


def default_of(name: str) -> object:
    with override_settings():
        if hasattr(django_settings, name):
            delattr(django_settings, name)
        return settings.parse_setting(name)


def test_examples_of_settings_are_valid():
    page = (DOCS / "settings.md").read_text().partition("\n## Examples\n")[2]
    (block,) = re.findall(r"```python\n(.*?)```", page.partition("\n## ")[0], re.S)
    written: dict[str, object] = {}
    exec(block, written)  # noqa: S102 (the page's own example)
    names = [name for name in written if name.startswith("CRUDAUTH_")]

    for name in names:
        with override_settings(**{name: written[name]}):
            settings.parse_setting(name)

    assert len(names) > len(settings.setting_names()) / 2


def test_checks_are_documented_with_cause_and_hint(
    reference: ModuleType,
):
    source = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    entries = reference.read_checks()

    assert {entry.name for entry in entries} == set(
        re.findall(r"crudauth\.[EWI]\d{3}", source)
    )
    assert [e.name for e in entries if not (e.text and e.note and e.hint)] == []


def test_check_ids_are_unique(reference: ModuleType):
    names = [entry.name for entry in reference.read_checks()]

    assert sorted(set(names)) == names


def test_signals_are_all_documented(reference: ModuleType):
    entries = {entry.name: entry.text for entry in reference.read_signals()}
    sent = {name for name, kind in vars(signals).items() if isinstance(kind, Signal)}

    assert set(entries) == sent
    assert all(entries.values())


def test_endpoints_are_documented_with_their_names():
    page = (DOCS / "api.md").read_text()
    rows = set(re.findall(r"^\| `[A-Z]+ /(\S+)` \| `crudauth:(\S+)` \|", page, re.M))

    mounted = {(str(url.pattern).strip("^$"), url.name) for url in urlpatterns}

    assert rows == mounted


def test_error_codes_are_all_documented():
    page = (DOCS / "api.md").read_text()
    source = "\n".join(p.read_text() for p in (PACKAGE / "api").rglob("*.py"))
    codes = re.findall(r'default_code = "(\w+)"|code="(\w+)"', source)

    named = {code for pair in codes for code in pair if code}

    assert [code for code in sorted(named) if f"`{code}`" not in page] == []


def test_tests_named_by_security_page_exist():
    page = (DOCS / "security.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", page)

    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (ROOT / "tests" / file).read_text()
    ]

    assert named
    assert missing == []
