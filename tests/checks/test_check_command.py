"""What somebody sees who runs ``manage.py check`` over a mistake."""

from __future__ import annotations

import pytest

from tests.support import parts


@pytest.mark.parametrize(
    ("settings", "check_id"),
    [
        ({"AUTH_USER_MODEL": "auth.User"}, "crudauth.E001"),
        ({"CRUDAUTH_VERIFY_MAX_AGE": 5}, "crudauth.E021"),
        ({"CRUDAUTH_CHANNELS": "not a list"}, "crudauth.E021"),
        ({"CRUDAUTH_CHANELS": []}, "crudauth.E020"),
        (
            {
                "TASKS": {
                    "default": {
                        "BACKEND": "tests.support.temporary.NoTasks",
                        "QUEUES": ["elsewhere"],
                    }
                },
                "CRUDAUTH_DISPATCHER": "crudauth_django.dispatch.TaskDispatcher",
            },
            "crudauth.E014",
        ),
    ],
)
def test_a_mistake_is_named_by_its_id(settings, check_id):
    env = parts.environment(database=":memory:", settings=settings)

    with pytest.raises(RuntimeError) as failed:
        parts.manage("check", env=env)

    assert f"({check_id})" in str(failed.value)
    assert "Traceback" not in str(failed.value)
