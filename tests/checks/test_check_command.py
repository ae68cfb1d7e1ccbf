"""The output of ``manage.py check`` for a mistake in the settings."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.support import parts

IMMEDIATE = (
    "django.tasks.backends.immediate.ImmediateBackend"
    if find_spec("django.tasks")
    else "django_tasks.backends.immediate.ImmediateBackend"
)


def tasks(backend: str) -> dict[str, object]:
    """Settings of a dispatcher whose queue is not among the backend's."""
    return {
        "TASKS": {"default": {"BACKEND": backend, "QUEUES": ["elsewhere"]}},
        "CRUDAUTH_DISPATCHER": "crudauth_django.dispatch.TaskDispatcher",
    }


@pytest.mark.parametrize(
    ("settings", "check_id", "cause"),
    [
        ({"AUTH_USER_MODEL": "auth.User"}, "E001", "auth.User"),
        ({"CRUDAUTH_VERIFY_MAX_AGE": 5}, "E021", "CRUDAUTH_VERIFY_MAX_AGE"),
        ({"CRUDAUTH_CHANNELS": "not a list"}, "E021", "CRUDAUTH_CHANNELS"),
        ({"CRUDAUTH_CHANELS": []}, "E020", "CRUDAUTH_CHANELS"),
        (tasks("no.such.Backend"), "E014", "no.such.Backend"),
        (tasks(IMMEDIATE), "E014", "Queue 'default'"),
    ],
)
def test_a_mistake_is_named_by_its_id(settings, check_id, cause):
    env = parts.environment(database=":memory:", settings=settings)

    with pytest.raises(RuntimeError) as failed:
        parts.manage("check", env=env)

    assert f"(crudauth.{check_id})" in str(failed.value)
    assert cause in str(failed.value)
    assert "Traceback" not in str(failed.value)
