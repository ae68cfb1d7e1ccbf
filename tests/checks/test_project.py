"""The checks of the project's own settings, and the command as a whole."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest
from django.core import checks

from crudauth_django.checks import project
from tests.support import parts
from tests.support.checks import ids
from tests.support.hashers import default_hashers
from tests.support.temporary import declared

IMMEDIATE = (
    "django.tasks.backends.immediate.ImmediateBackend"
    if find_spec("django.tasks")
    else "django_tasks.backends.immediate.ImmediateBackend"
)


def test_project_of_the_tests_passes():
    assert checks.run_checks(tags=["crudauth"]) == []


def test_argon2_not_installed_is_e022(monkeypatch):
    monkeypatch.setattr(project, "find_spec", lambda _name: None)
    assert ids(project.check_hasher) == []

    with default_hashers():
        assert ids(project.check_hasher) == ["E022"]


def test_missing_middleware_is_e023(settings):
    assert ids(project.check_middleware) == []

    settings.MIDDLEWARE = settings.MIDDLEWARE[:1]

    assert ids(project.check_middleware) == ["E023", "E023"]


@pytest.mark.parametrize(
    ("check", "setting"),
    [
        (project.check_middleware, "MIDDLEWARE"),
        (project.check_backend, "AUTHENTICATION_BACKENDS"),
    ],
)
def test_bad_path_that_django_reports_is_not_repeated(settings, check, setting):
    setattr(settings, setting, ["no.such.thing"])

    assert ids(check) == []


@pytest.mark.parametrize(
    ("engine", "expected"),
    [("db", ["E040"]), ("cached_db", ["E040"]), ("cache", []), ("signed_cookies", [])],
)
def test_sessions_without_table_are_e040(settings, engine, expected):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    assert ids(project.check_sessions) == []

    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "django.contrib.sessions"
    ]

    assert ids(project.check_sessions) == expected


def test_guarded_views_without_factor_are_e041():
    assert ids(project.check_guarded_views) == []

    with declared(RECOVERY_FACTOR=None):
        messages = list(project.check_guarded_views())

    assert {m.id for m in messages} == {"crudauth.E041"}
    views = re.findall(r"The view (\S+)", "".join(m.msg for m in messages))
    assert [view.rpartition(".")[2] for view in views] == [
        "gated_api",
        "gated_page",
        "gated_async_page",
    ]


def test_guarded_views_of_foreign_model_are_left_to_e001(settings):
    settings.AUTH_USER_MODEL = "auth.User"

    assert ids(project.check_guarded_views) == []


def test_backend_without_lockout_is_w010(settings):
    assert ids(project.check_backend) == []

    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    (message,) = project.check_backend()
    assert message.id == "crudauth.W010"
    assert "admin" in message.msg
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "django.contrib.admin"
    ]
    (message,) = project.check_backend()
    assert "admin" not in message.msg


def test_malformed_setting_stops_no_other_check(settings):
    settings.CRUDAUTH_LOCKOUT = 5
    settings.CRUDAUTH_CHANNELS = ["no.such.Channel"]
    with declared(LOGIN_IDENTIFIERS=("username", "email"), RECOVERY_FACTOR="email"):
        messages = checks.run_checks(tags=["crudauth"], include_deployment_checks=True)

    found = [m.id.removeprefix("crudauth.") for m in messages]
    assert sorted(found) == ["E010", "E016", "E021", "W001", "W031"]


def tasks(backend: str) -> dict[str, object]:
    """Return settings of a dispatcher with a queue that the backend lacks."""
    return {
        "TASKS": {"default": {"BACKEND": backend, "QUEUES": ["elsewhere"]}},
        "CRUDAUTH_DISPATCHER": "crudauth_django.dispatch.TaskDispatcher",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "check_id", "cause"),
    [
        ({"AUTH_USER_MODEL": "auth.User"}, "E001", '= "phone.User"'),
        ({"CRUDAUTH_VERIFY_MAX_AGE": 5}, "E021", "CRUDAUTH_VERIFY_MAX_AGE"),
        ({"CRUDAUTH_CHANNELS": "not a list"}, "E021", "CRUDAUTH_CHANNELS"),
        ({"CRUDAUTH_CHANELS": []}, "E020", "CRUDAUTH_CHANELS"),
        (tasks("no.such.Backend"), "E014", "no.such.Backend"),
        (tasks(IMMEDIATE), "E014", "Queue 'default'"),
    ],
)
def test_command_names_id_and_cause_of_a_mistake(settings, check_id, cause):
    env = parts.environment(database=":memory:", settings=settings)

    with pytest.raises(RuntimeError) as failed:
        parts.manage("check", env=env)

    assert f"(crudauth.{check_id})" in str(failed.value)
    assert cause in str(failed.value)
    assert "Traceback" not in str(failed.value)
