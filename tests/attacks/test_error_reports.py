"""Reports of unexpected errors show no password, token or number.

Django mails the frames of a failed request, and error trackers store the ``repr`` of
their local variables. Sources: CWE-209 (error message with sensitive information),
CWE-532 (sensitive information in a log), OWASP Logging Cheat Sheet (data to exclude).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from types import TracebackType
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.signals import got_request_exception
from django.db.models.signals import post_save
from django.urls import include, path
from django.views.debug import ExceptionReporter

from crudauth_django.api.serializers.recovery import VerifyConfirmSerializer
from crudauth_django.api.views import RecoveryViewSet, endpoint
from crudauth_django.urls import build_urlpatterns
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

NUMBER = "+12125552368"
NEW_NUMBER = "+12125559999"
#: The digits that both forms of a number share.
DIGITS = ("5552368", "5559999")


class HookError(Exception):
    """An error of the project."""


def fail(**registration):
    raise HookError


class FailingValidator:
    def validate(self, password, user=None):
        raise HookError

    def get_help_text(self):
        return ""


class FailingHasher(MD5PasswordHasher):
    """Breaks when a password is compared."""

    def verify(self, password, encoded):
        raise HookError


class FailingSerializer(VerifyConfirmSerializer):
    def validate(self, attrs):
        raise HookError


class FailingRecoveryViewSet(RecoveryViewSet):
    @endpoint(
        url_path="email/verify-confirm",
        url_name="verify-confirm",
        serializer_class=FailingSerializer,
    )
    @wraps(RecoveryViewSet.verify_confirm)
    def verify_confirm(self, request, *args, **kwargs):
        return super().verify_confirm(request, *args, **kwargs)


urlpatterns = [
    path(
        "",
        include(
            (build_urlpatterns(recovery_viewset=FailingRecoveryViewSet), "crudauth")
        ),
    )
]


@pytest.fixture
def failing_hasher(ada, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.FailingHasher"]


def locals_of(traceback: TracebackType | None) -> Iterator[str]:
    """Show the variables of each frame, as error trackers do."""
    while traceback is not None:
        frame = traceback.tb_frame
        for name, value in frame.f_locals.items():
            yield f"{frame.f_code.co_qualname} {name} = {value!r}"
        traceback = traceback.tb_next


def reports_of(call: Callable[[], object]) -> dict[str, str]:
    """Make a request whose hook fails; return every report of the error."""
    reports = {}

    def record(request, **_kwargs):
        kind, error, traceback = sys.exc_info()
        reporter = ExceptionReporter(request, kind, error, traceback)
        reports["HTML"] = reporter.get_traceback_html()
        reports["text"] = reporter.get_traceback_text()
        reports["variables"] = "\n".join(locals_of(traceback))

    got_request_exception.connect(record)
    try:
        with pytest.raises(HookError):
            call()
    finally:
        got_request_exception.disconnect(record)
    return reports


def lines_with(secrets: Iterable[str], reports: dict[str, str]) -> list[str]:
    return [
        f"{name}: {line.strip()}"
        for name, report in reports.items()
        for line in report.splitlines()
        if any(secret in line for secret in (*secrets, *DIGITS))
    ]


def registration() -> dict[str, str]:
    return {"username": "grace", "phone": "+1 212 555-2368", "password": PASSWORD}


def test_error_while_registering_shows_no_secret(api, settings):
    settings.CRUDAUTH_NEW_USER_FIELDS = fail

    reports = reports_of(lambda: api.post("/register", registration()))

    assert "registration" in reports["variables"]
    assert lines_with([PASSWORD], reports) == []


def test_error_of_validator_shows_no_secret(api, settings):
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.FailingValidator"}]

    reports = reports_of(lambda: api.post("/register", registration()))

    assert lines_with([PASSWORD], reports) == []


def test_error_of_receiver_while_registering_shows_no_secret(api):
    post_save.connect(fail, sender=user_model())
    try:
        reports = reports_of(lambda: api.post("/register", registration()))
    finally:
        post_save.disconnect(fail, sender=user_model())

    assert lines_with([PASSWORD], reports) == []


@pytest.mark.usefixtures("failing_hasher")
def test_error_while_logging_in_shows_no_secret(api):
    reports = reports_of(api.log_in)

    assert lines_with([PASSWORD], reports) == []


@pytest.mark.usefixtures("failing_hasher")
def test_error_while_logging_in_by_form_shows_no_secret(api):
    form = urlencode({"username": "ada", "password": "secret"})
    content_type = "application/x-www-form-urlencoded"

    reports = reports_of(lambda: api.post("/login", form, content_type=content_type))

    assert lines_with(["'secret'"], reports) == []


def test_error_while_resetting_shows_no_secret(api, ada, outbox, settings):
    api.post("/password/reset-request", {"phone": NUMBER})
    (intent,) = outbox
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.FailingValidator"}]

    reports = reports_of(lambda: api.reset_password(intent.token))

    assert lines_with([NEW_PASSWORD, intent.token], reports) == []


@pytest.mark.urls(__name__)
def test_error_while_verifying_shows_no_secret(api):
    reports = reports_of(lambda: api.verify("forged-token"))

    assert lines_with(["forged-token"], reports) == []


def test_error_while_changing_number_shows_no_secret(api, ada, settings):
    api.log_in()
    settings.PASSWORD_HASHERS = [f"{__name__}.FailingHasher"]
    body = {"new_phone": NEW_NUMBER, "password": PASSWORD}

    reports = reports_of(lambda: api.post("/email/change-request", body))

    assert lines_with([PASSWORD], reports) == []


def test_user_is_shown_by_primary_key(ada):
    assert repr(ada) == f"<User: #{ada.pk}>"
    assert repr(user_model()(phone=NUMBER)) == "<User: #None>"
