"""The checks of the dispatcher."""

from __future__ import annotations

import pytest

from crudauth_django.checks.backends import (
    check_dispatcher,
    check_dispatcher_for_production,
)
from tests.support.checks import ids

OWN = f"{__name__}."


class NoDispatcher:
    pass


@pytest.mark.parametrize(
    ("dispatcher", "expected"),
    [
        ("crudauth_django.dispatch.ThreadDispatcher", []),
        ("crudauth_django.dispatch.TaskDispatcher", []),
        (None, []),
        ("no.such.Dispatcher", ["E014"]),
        (
            {
                "BACKEND": "crudauth_django.dispatch.ThreadDispatcher",
                "OPTIONS": {"threads": 1},
            },
            ["E014"],
        ),
        (OWN + "NoDispatcher", ["E015"]),
    ],
)
def test_broken_dispatcher_is_an_error(settings, dispatcher, expected):
    settings.CRUDAUTH_DISPATCHER = dispatcher

    assert ids(check_dispatcher) == expected


@pytest.mark.parametrize(
    ("dispatcher", "expected"),
    [
        ("crudauth_django.dispatch.ThreadDispatcher", []),
        ("crudauth_django.dispatch.InlineDispatcher", ["E016"]),
        ("crudauth_django.dispatch.TaskDispatcher", ["W004"]),
        ("no.such.Dispatcher", []),
        (None, []),
    ],
)
def test_unsuitable_dispatcher_in_production_is_reported(
    settings, dispatcher, expected
):
    settings.CRUDAUTH_DISPATCHER = dispatcher

    assert ids(check_dispatcher_for_production) == expected
