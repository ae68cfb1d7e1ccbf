"""Projects with one mistake each, in the order of docs/misconfigurations.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.core import checks
from django.db import models
from django.test import override_settings
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.checks.at_start import check_asgi
from tests.support.mail import backend_settings
from tests.support.temporary import declared

OWN = f"{__name__}."
UNSET = object()
HOUR = timedelta(hours=1)
CACHE = "django.core.cache.backends."
IN_CACHE = "crudauth_django.counters.CacheCounters"
TASKS = "crudauth_django.dispatch.TaskDispatcher"


class SmsChannel(DeliveryChannel):
    """The channel of a project without mistakes."""

    def deliver(self, intent: DeliveryIntent) -> None:
        return


class Unrelated:
    """A class of another kind."""


#: A project without mistakes.
RIGHT: dict[str, Any] = {
    "CRUDAUTH_CHANNELS": [f"{OWN}SmsChannel"],
    "CRUDAUTH_DISPATCHER": "crudauth_django.dispatch.ThreadDispatcher",
    "CRUDAUTH_TRUSTED_PROXIES": 0,
    "ROOT_URLCONF": "crudauth_django.urls",
    "LANGUAGES": [("en", "English")],
}


def without(name: str, entry: str) -> dict[str, list[str]]:
    """Return a list of Django's settings without an entry."""
    return {name: [each for each in getattr(settings, name) if each != entry]}


def phone(**options: Any) -> PhoneNumberField:
    return PhoneNumberField(**{"unique": True, "null": True, "blank": True} | options)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A mistake: settings, attributes of the user model, or both."""

    title: str
    settings: dict[str, Any] = field(default_factory=dict)
    user: dict[str, Any] | None = None
    #: Found by ``check --deploy`` only, or at the start of a server only.
    deploy: bool = False
    asgi: bool = False

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the mistake, in a project that has no other one."""
        chosen = {**RIGHT, **self.settings}
        unset = [name for name, value in chosen.items() if value is UNSET]
        for name in unset:
            del chosen[name]
        with ExitStack() as stack:
            stack.enter_context(override_settings(**chosen))
            for name in unset:
                delattr(settings, name)
            if self.user is not None:
                own = {"LOGIN_IDENTIFIERS": ("username",), **self.user}
                stack.enter_context(declared(**own))
            yield

    def messages(self) -> list[checks.CheckMessage]:
        """Return the different messages that the mistake gives."""
        with self.made():
            if self.asgi:
                return list(check_asgi())
            found = checks.run_checks(
                tags=["crudauth"], include_deployment_checks=self.deploy
            )
        return list({message.msg: message for message in found}.values())


def mistake(title: str, /, **changes: Any) -> Mistake:
    """Return a mistake in settings."""
    deploy = changes.pop("deploy", False)
    return Mistake(title=title, settings=changes, deploy=deploy)


def model(title: str, /, *, deploy: bool = False, **attrs: Any) -> Mistake:
    """Return a mistake in the user model."""
    return Mistake(title=title, user=attrs, deploy=deploy)


SETTINGS = [
    mistake("The name of a setting is misspelled", CRUDAUTH_CHANELS=[]),
    mistake(
        "`CRUDAUTH_CHANNELS` is a text",
        CRUDAUTH_CHANNELS="accounts.sms.SmsChannel",
    ),
    mistake(
        "The module of a channel is misspelled",
        CRUDAUTH_CHANNELS=["accounts.smss.SmsChannel"],
    ),
    mistake(
        "The class of a channel is misspelled",
        CRUDAUTH_CHANNELS=["crudauth_django.channels.email.MailChannel"],
    ),
    mistake(
        "A channel does not inherit `DeliveryChannel`",
        CRUDAUTH_CHANNELS=[f"{OWN}Unrelated"],
    ),
    mistake(
        "An option of a channel is misspelled",
        CRUDAUTH_CHANNELS=[
            {"BACKEND": f"{OWN}SmsChannel", "OPTIONS": {"factor": ["phone"]}}
        ],
    ),
    mistake(
        "A channel for email, but accounts recover by phone",
        CRUDAUTH_CHANNELS=["crudauth_django.channels.email.EmailChannel"],
    ),
    mistake("No channel", CRUDAUTH_CHANNELS=[]),
    mistake(
        "The path of the dispatcher is misspelled",
        CRUDAUTH_DISPATCHER="crudauth_django.dispatch.ThreadsDispatcher",
    ),
    mistake(
        "An option of the dispatcher is misspelled",
        CRUDAUTH_DISPATCHER={
            "BACKEND": "crudauth_django.dispatch.ThreadDispatcher",
            "OPTIONS": {"threads": 4},
        },
    ),
    mistake(
        "The dispatcher does not inherit `Dispatcher`",
        CRUDAUTH_DISPATCHER=f"{OWN}Unrelated",
    ),
    mistake(
        "The path of the counter store is misspelled",
        CRUDAUTH_COUNTERS="crudauth_django.counters.RedisCounters",
    ),
    mistake(
        "The counter store does not inherit `CounterStore`",
        CRUDAUTH_COUNTERS=f"{OWN}Unrelated",
    ),
    mistake(
        "The cache of the counters is not in `CACHES`",
        CRUDAUTH_COUNTERS={"BACKEND": IN_CACHE, "OPTIONS": {"alias": "redis"}},
    ),
    mistake(
        "The cache of the counters is made of files",
        CRUDAUTH_COUNTERS=IN_CACHE,
        CACHES={
            "default": {"BACKEND": f"{CACHE}filebased.FileBasedCache", "LOCATION": "/x"}
        },
    ),
    mistake(
        "Each process has its own cache for the counters",
        CRUDAUTH_COUNTERS=IN_CACHE,
        CACHES={"default": {"BACKEND": f"{CACHE}locmem.LocMemCache"}},
    ),
    mistake(
        "`CRUDAUTH_FRONTEND_URL` without `https://`",
        CRUDAUTH_FRONTEND_URL="app.example.com",
    ),
    mistake("A lifetime is a number", CRUDAUTH_VERIFY_MAX_AGE=24),
    mistake("A switch is a text", CRUDAUTH_REGISTRATION_OPEN="yes"),
    mistake("The number of proxies is negative", CRUDAUTH_TRUSTED_PROXIES=-1),
    mistake("`CRUDAUTH_LOCKOUT` is a number", CRUDAUTH_LOCKOUT=5),
    mistake("An option of the lockout is misspelled", CRUDAUTH_LOCKOUT={"ATEMPTS": 5}),
    mistake(
        "The first lock is longer than the longest", CRUDAUTH_LOCKOUT={"BASE": 2 * HOUR}
    ),
    mistake(
        "The first wait is longer than the longest", CRUDAUTH_RETRY={"BASE": 5 * HOUR}
    ),
    mistake("A rate is malformed", CRUDAUTH_TARGET_BUDGET="5 per hour"),
    mistake(
        "The name of a throttle is misspelled", CRUDAUTH_THROTTLES={"reset": "5/h"}
    ),
    mistake(
        "Registration may write a protected field",
        CRUDAUTH_REGISTER_EXTRA_FIELDS=["is_staff"],
    ),
    mistake(
        "Registration may write a field that is not there",
        CRUDAUTH_REGISTER_EXTRA_FIELDS=["nickname"],
    ),
    mistake(
        "The path of a serializer is misspelled",
        CRUDAUTH_REGISTER_SERIALIZER="accounts.serializers.Register",
    ),
    mistake(
        "A serializer setting names another class",
        CRUDAUTH_ACCOUNT_SERIALIZER=f"{OWN}Unrelated",
    ),
    mistake(
        "The path of `CRUDAUTH_NEW_USER_FIELDS` is misspelled",
        CRUDAUTH_NEW_USER_FIELDS="accounts.fields.new",
    ),
]
DJANGO_SETTINGS = [
    mistake("`AUTH_USER_MODEL` is forgotten", AUTH_USER_MODEL="auth.User"),
    mistake(
        "`IdentifierBackend` is not listed",
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
    ),
    mistake(
        "`ModelBackend` stands beside `IdentifierBackend`",
        AUTHENTICATION_BACKENDS=[
            "crudauth_django.backends.IdentifierBackend",
            "django.contrib.auth.backends.ModelBackend",
        ],
    ),
    mistake(
        "The middleware of sessions is missing",
        **without("MIDDLEWARE", "django.contrib.sessions.middleware.SessionMiddleware"),
    ),
    mistake(
        "The middleware of CSRF is missing",
        **without("MIDDLEWARE", "django.middleware.csrf.CsrfViewMiddleware"),
    ),
    mistake(
        "The app of sessions is missing",
        **without("INSTALLED_APPS", "django.contrib.sessions"),
    ),
    mistake(
        "Phone numbers are stored in another format", PHONENUMBER_DB_FORMAT="NATIONAL"
    ),
]
MODEL = [
    model(
        "`LOGIN_IDENTIFIERS` without the comma",
        LOGIN_IDENTIFIERS="username",
        USERNAME_FIELD="id",
        phone=phone(),
        RECOVERY_FACTOR="phone",
    ),
    model(
        "An identifier is misspelled",
        LOGIN_IDENTIFIERS=("user_name",),
        USERNAME_FIELD="id",
        phone=phone(),
        RECOVERY_FACTOR="phone",
    ),
    model(
        "An identifier is not unique",
        LOGIN_IDENTIFIERS=("badge",),
        badge=models.CharField(max_length=9),
        phone=phone(),
        RECOVERY_FACTOR="phone",
    ),
    model("The factor is misspelled", RECOVERY_FACTOR="phone_number", phone=phone()),
    model(
        "The factor is not unique", RECOVERY_FACTOR="phone", phone=phone(unique=False)
    ),
    model(
        "The factor is not nullable",
        RECOVERY_FACTOR="phone",
        phone=phone(null=False, blank=False),
    ),
    model(
        "The model declares `phone_verified`",
        RECOVERY_FACTOR="phone",
        phone=phone(),
        phone_verified=models.CharField(max_length=9),
    ),
    model(
        "The manager does not inherit `AuthUserManager`",
        RECOVERY_FACTOR="phone",
        phone=phone(),
        objects=BaseUserManager(),
    ),
    model(
        "The primary key is too long",
        RECOVERY_FACTOR="phone",
        phone=phone(),
        slug=models.CharField(primary_key=True, max_length=500),
    ),
    Mistake(
        title="Registration writes a second unique address",
        user={
            "RECOVERY_FACTOR": "phone",
            "phone": phone(),
            "email": models.EmailField(unique=True),
        },
        settings={"CRUDAUTH_REGISTER_EXTRA_FIELDS": ["email"]},
    ),
    Mistake(
        title="Registration writes a public name, but may create no account",
        user={
            "LOGIN_IDENTIFIERS": ("email",),
            "RECOVERY_FACTOR": "email",
            "handle": models.CharField(max_length=20, unique=True),
        },
        settings={
            "CRUDAUTH_REGISTER_EXTRA_FIELDS": ["handle"],
            "CRUDAUTH_CHANNELS": ["crudauth_django.channels.locmem.LocMemChannel"],
        },
    ),
    model("Channels, but no factor", RECOVERY_FACTOR=None),
    Mistake(
        title="A view requires a verified account, but there is no factor",
        user={"RECOVERY_FACTOR": None},
        settings={"CRUDAUTH_CHANNELS": [], "ROOT_URLCONF": "tests.checks.guarded"},
    ),
]
PRODUCTION = [
    mistake(
        "A channel for development",
        CRUDAUTH_CHANNELS=["crudauth_django.channels.console.ConsoleChannel"],
        deploy=True,
    ),
    Mistake(
        title="Mail has no time limit",
        user={"RECOVERY_FACTOR": "email"},
        settings={
            "CRUDAUTH_CHANNELS": ["crudauth_django.channels.email.EmailChannel"],
            **backend_settings("django.core.mail.backends.smtp.EmailBackend"),
        },
        deploy=True,
    ),
    mistake(
        "`InlineDispatcher` in production",
        CRUDAUTH_DISPATCHER="crudauth_django.dispatch.InlineDispatcher",
        deploy=True,
    ),
    mistake(
        "`TaskDispatcher` without a worker", CRUDAUTH_DISPATCHER=TASKS, deploy=True
    ),
    mistake(
        "Links with `http://`",
        CRUDAUTH_FRONTEND_URL="http://app.example.com",
        deploy=True,
    ),
    mistake("The lockout is off", CRUDAUTH_LOCKOUT=None, deploy=True),
    mistake(
        "Every throttle is off",
        CRUDAUTH_THROTTLES=dict.fromkeys(
            (
                "register",
                "login",
                "verify_request",
                "reset_request",
                "change_request",
                "change_password",
            )
        ),
        deploy=True,
    ),
    mistake(
        "The number of proxies is not written",
        CRUDAUTH_TRUSTED_PROXIES=UNSET,
        deploy=True,
    ),
    Mistake(
        title="Users log in with an address that is never verified",
        user={
            "LOGIN_IDENTIFIERS": ("username", "email"),
            "RECOVERY_FACTOR": "phone",
            "phone": phone(),
        },
        settings={"CRUDAUTH_LOGIN_REQUIRES_VERIFIED": True},
        deploy=True,
    ),
    model(
        "Users log in with an address before it is verified",
        LOGIN_IDENTIFIERS=("email", "username"),
        RECOVERY_FACTOR="email",
        deploy=True,
    ),
    Mistake(
        title="Registration writes another unique field",
        user={
            "RECOVERY_FACTOR": "phone",
            "phone": phone(),
            "badge": models.CharField(max_length=9, unique=True),
        },
        settings={"CRUDAUTH_REGISTER_EXTRA_FIELDS": ["badge"]},
        deploy=True,
    ),
    Mistake(
        title="The server may write a second unique address",
        user={
            "RECOVERY_FACTOR": "phone",
            "phone": phone(),
            "email": models.EmailField(unique=True),
        },
        settings={"CRUDAUTH_NEW_USER_FIELDS": dict},
        deploy=True,
    ),
    model(
        "Two names accept one text",
        LOGIN_IDENTIFIERS=("username", "badge"),
        RECOVERY_FACTOR="phone",
        phone=phone(),
        badge=models.CharField(max_length=9, unique=True),
        deploy=True,
    ),
    Mistake(title="An ASGI application is not wrapped", asgi=True),
]
#: The mistakes under each heading of the page.
MISTAKES = {
    "Settings of this package": SETTINGS,
    "Settings of Django": DJANGO_SETTINGS,
    "The user model": MODEL,
    "Production": PRODUCTION,
}
