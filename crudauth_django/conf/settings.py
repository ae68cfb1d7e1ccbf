"""Every ``CRUDAUTH_*`` setting, with its type and its default.

Read them with :func:`get_settings`. No value is copied at import, so
``override_settings`` works everywhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache, partial
from typing import Any, TypeVar

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from crudauth_django.conf import readers
from crudauth_django.conf.types import Backend, Lockout, Rate, Retry

T = TypeVar("T")

PREFIX = "CRUDAUTH_"


def _option(default: Any, parse: Callable[[Any], Any]) -> Any:
    """Declare a setting: its default, as a project writes it, and its reader."""
    return field(metadata={"default": default, "parse": parse})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The parsed settings; each is named ``CRUDAUTH_`` and its name in capitals."""

    #: The delivery channels: dotted paths, or dicts with ``BACKEND`` and
    #: ``OPTIONS``. Every channel for the recovery factor is used.
    channels: tuple[Backend, ...] = _option((), readers.read_backends)
    #: The target of the links in messages: a base URL, or a dict with a full URL
    #: for each of the kinds ``verify_recovery``, ``reset_password`` and
    #: ``change_recovery``. Below a base URL, these have the paths ``verify``,
    #: ``reset`` and ``change``. A link ends with ``?token=…``, or has the token in
    #: place of ``{token}`` in the URL. ``""``: messages have no link.
    frontend_url: Mapping[str, str] = _option("", readers.read_frontend)
    #: The class that carries messages out of the request.
    dispatcher: Backend = _option(
        "crudauth_django.dispatch.ThreadDispatcher", readers.read_backend
    )
    #: The class that counts failures and requests. The default uses a table of
    #: the database: it is exact with any number of processes and needs no other
    #: service. To save the database these writes, use
    #: ``crudauth_django.counters.CacheCounters`` with Redis, Valkey or Memcached.
    #: Its ``OPTIONS`` are ``{"alias": "…"}``, the cache's name in ``CACHES``
    #: (default ``"default"``). Django's other caches do not count exactly across
    #: processes.
    counters: Backend = _option(
        "crudauth_django.counters.DatabaseCounters", readers.read_backend
    )
    #: How long a verification token is valid.
    verify_max_age: timedelta = _option(timedelta(hours=24), readers.read_seconds)
    #: How long a password reset token is valid.
    reset_max_age: timedelta = _option(timedelta(hours=1), readers.read_seconds)
    #: How long a token to confirm a new recovery value is valid.
    change_max_age: timedelta = _option(timedelta(hours=24), readers.read_seconds)
    #: Refuse the login of an account with an unverified recovery value, with the
    #: same response as for a wrong password. Superusers and accounts without a
    #: recovery value may log in: no registration makes such an account. ``None``:
    #: on if the recovery factor is the only identifier, otherwise off. There, a
    #: login after a registration would reveal whether the value was free.
    login_requires_verified: bool | None = _option(None, readers.read_optional_flag)
    #: Redeem a link that verifies a value only for the owner of its account: with the
    #: account's session, its password, or a device that has signed in to it. Off, this
    #: is the rule only while another account holds or claims the value.
    verify_requires_password: bool = _option(False, readers.read_flag)
    #: A dict with any of these keys, durations as ``timedelta``. ``ATTEMPTS``:
    #: the failures that lock an identifier in one network, and silently an account
    #: over all networks (default 5). ``NETWORK_ATTEMPTS``: the failures that lock
    #: one network (50). ``WINDOW``: how long a failure counts (15 minutes).
    #: ``BASE``: the length of the first lock; each further lock is twice as long
    #: (60 seconds). ``MAX``: the longest lock (1 hour). ``MEMORY``: how long the
    #: number of locks is remembered (24 hours). ``LONG_ATTEMPTS``: the failures
    #: without a success of the owner that lock an account until ``LONG_WINDOW``
    #: ends, silently (100 in 30 days). ``None`` switches the lockout off.
    lockout: Lockout | None = _option({}, readers.read_lockout)
    #: How long a device is known after a login. Its cookie has a budget of its own
    #: for guesses, so that the failures of other clients do not lock it out.
    device_max_age: timedelta = _option(timedelta(days=365), readers.read_seconds)
    #: Rates (``count/period``) of ``register``, ``verify_request``,
    #: ``reset_request``, ``change_request`` (per network; ``"30/h"`` each), ``login``
    #: (per network; ``"300/h"``) and ``change_password`` (per user; ``"10/h"``).
    #: Requests that are refused for their form, such as a weak password, are counted
    #: apart, up to ten times the rate. A name that you leave out keeps its default.
    #: Of a list, every rate applies. ``None`` means no limit.
    throttles: Mapping[str, tuple[Rate, ...]] = _option({}, readers.read_throttles)
    #: The limit of messages to one recovery value, all kinds together but the
    #: notices of ``CRUDAUTH_NOTICE_BUDGET``. Each attempt at a message counts.
    #: Registrations can use half of it.
    target_budget: tuple[Rate, ...] = _option(["5/15m", "10/d"], readers.read_rates)
    #: The limit of notices to one recovery value that say what has happened:
    #: ``recovery_changed`` and ``password_changed``. Each kind has its own. Only a
    #: password or a token causes such a notice, so no other request uses this
    #: budget. A notice over the limit waits.
    notice_budget: tuple[Rate, ...] = _option(["5/15m", "20/d"], readers.read_rates)
    #: When and how often a failed message is tried again. A dict with any of these
    #: keys. ``TRIES``: the attempts at one message, at most (default 10). ``BASE``:
    #: the second attempt waits between this and twice this, and each further wait
    #: is four times as long (``timedelta``, 5 seconds). ``MAX``: the longest wait,
    #: unless a provider asks for a longer one (``timedelta``, 4 hours). ``LEASE``:
    #: the time of a durable queue's worker for one attempt, all channels together;
    #: afterwards another worker may try (``timedelta``, 5 minutes).
    retry: Retry = _option({}, partial(readers.read_options, Retry))
    #: The number of proxies in front of the application that append to
    #: ``X-Forwarded-For``.
    trusted_proxies: int = _option(0, readers.read_whole)
    #: Whether a server logs the results of the system checks at the first request
    #: of each process. Commands that run the checks, such as ``runserver``, have
    #: shown them already.
    check_at_start: bool = _option(True, readers.read_flag)
    #: Whether ``/register`` creates accounts.
    registration_open: bool = _option(True, readers.read_flag)
    #: The serializer of ``/register``.
    register_serializer: str = _option(
        "crudauth_django.api.serializers.RegisterSerializer", readers.read_path
    )
    #: The serializer of the account in ``/me`` and, without a recovery factor, in
    #: the response to ``/register``.
    account_serializer: str = _option(
        "crudauth_django.api.serializers.AccountSerializer", readers.read_path
    )
    #: Fields of your own user model that ``/register`` may write.
    register_extra_fields: tuple[str, ...] = _option((), readers.read_names)
    #: A callable, or its dotted path. It gets the cleaned registration as keyword
    #: arguments and returns a dict of fields that the server sets.
    new_user_fields: Callable[..., Mapping[str, Any]] | None = _option(
        None, readers.read_function
    )


def setting_names() -> dict[str, str]:
    """Return the attribute of :class:`Settings` for each ``CRUDAUTH_*`` name."""
    return {PREFIX + option.name.upper(): option.name for option in fields(Settings)}


def parse_setting(name: str) -> Any:
    """Parse one setting; raise ``ImproperlyConfigured`` with its name."""
    option = next(o for o in fields(Settings) if PREFIX + o.name.upper() == name)
    value = getattr(django_settings, name, option.metadata["default"])
    try:
        return option.metadata["parse"](value)
    except (ValueError, TypeError, ImportError) as error:
        raise ImproperlyConfigured(f"{name} {error}") from error


def cached_setting(*prefixes: str) -> Callable[[Callable[[], T]], Callable[[], T]]:
    """Cache a function's result until a setting with such a prefix is overridden."""

    def decorate(function: Callable[[], T]) -> Callable[[], T]:
        cached = cache(function)

        def clear(*, setting: str, **_kwargs: object) -> None:
            if setting.startswith(prefixes):
                cached.cache_clear()

        setting_changed.connect(clear, weak=False)
        return cached

    return decorate


@cached_setting(PREFIX)
def get_settings() -> Settings:
    """Return the parsed settings, or raise ``ImproperlyConfigured``."""
    parsed = {option: parse_setting(name) for name, option in setting_names().items()}
    return Settings(**parsed)
