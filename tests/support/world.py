"""One small world of two people and one recovery value, for models of behaviour.

The *owner* reads the messages to one value. Another person, the *other*, reads the
messages to two other values and knows the owner's. Each has accounts and a browser.
Every step is an HTTP request, or what an operator does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import time_machine
from django.db import transaction

from crudauth_django.channels import locmem
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import field_of, user_model, user_shape
from tests.support.client import Browser
from tests.support.people import own_identifier

OWNER, OTHER = "owner", "other"
PEOPLE = (OWNER, OTHER)
#: Each person's requests come from a network of their own.
ADDRESSES = {OWNER: "198.51.100.7", OTHER: "203.0.113.9"}
#: Each world begins at this time, and each request takes a second.
BEGIN = 1_800_000_000
#: Headers that a client may compare.
HEADERS = ("Retry-After", "Content-Type", "Cache-Control")


def made_value(column: str, name: str, number: int) -> str:
    """Return a normalized value for a column of any shape."""
    digits = {"owner": 1000, "other": 2000, "contested": 3000, "free": 4000}[name]
    return {
        "username": f"{name}{number}",
        "email": f"{name}{number}@example.com",
        "phone": f"+1212555{digits + number}",
        "employee_id": f"e-{digits + number}",
        "whatsapp_id": f"wa.{name}{number}",
    }[column]


def password_of(person: str, number: int) -> str:
    return f"chosen by the {person}, {number}"


@dataclass(kw_only=True)
class World:
    """The state outside of the database."""

    #: The owner's value: ``"contested"`` or ``"free"``.
    owners: str = "contested"
    browsers: dict[str, Browser] = field(default_factory=dict)
    #: The person whose password opens an account, by primary key, and its number.
    passwords: dict[Any, tuple[str, int]] = field(default_factory=dict)
    #: The messages that were read from the outbox, by recipient.
    inboxes: dict[str, list[Any]] = field(default_factory=dict)
    #: What the other person has seen, in order.
    seen: list[Any] = field(default_factory=list)
    #: The first key that the other person has seen in a message.
    first_key: int | None = None

    def __post_init__(self) -> None:
        locmem.outbox.clear()
        self.browsers = {person: Browser() for person in PEOPLE}
        self._travel = time_machine.travel(BEGIN, tick=False)
        self._clock = self._travel.start()
        self._transaction = transaction.atomic()
        # As in a test case: counters join a transaction that is marked so.
        self._transaction._from_testcase = True
        self._transaction.__enter__()

    def end(self) -> None:
        """Undo every write."""
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)
        self._travel.stop()
        locmem.outbox.clear()

    def value(self, name: str) -> str:
        """Return a recovery value by its name in the rules.

        ``mine`` is the owner's. Both worlds of a pair write ``contested`` the same.
        """
        factor = user_shape().recovery_factor
        if name == "mine":
            return made_value(factor, self.owners, 0)
        if name == "contested":
            return made_value(factor, "contested", 0)
        return made_value(factor, "other", int(name.removeprefix("other")))

    def readable(self, person: str) -> list[Any]:
        """Return every message that this person has ever got."""
        names = ["mine"] if person == OWNER else ["other0", "other1"]
        return [m for n in names for m in self.inboxes.get(self.value(n), [])]

    # --- steps --------------------------------------------------------------------

    def register(self, person: str, number: int, value: str) -> None:
        shape = user_shape()
        body = {name: made_value(name, person, number) for name in shape.columns}
        body[shape.recovery_factor] = self.value(value)
        before = set(self._accounts().values_list("pk", flat=True))
        self._post(
            person, "/register", {**body, "password": password_of(person, number)}
        )
        for user in self._accounts().exclude(pk__in=before):
            self.passwords[user.pk] = (person, number)
            if person == OTHER and value != "contested" and isinstance(user.pk, int):
                # A token shows the key of its account.
                self.first_key = self.first_key or user.pk
                self.seen.append(("key", user.pk - self.first_key))

    def log_in(self, person: str, number: int, identifier: str) -> None:
        body = {
            "username": self._login(person, number, identifier),
            "password": password_of(person, number),
        }
        self._post(person, "/login", body)

    def ask(self, person: str, path: str, value: str) -> None:
        """Request a verification or a reset."""
        self._post(person, path, {user_shape().recovery_factor: self.value(value)})

    def change(self, person: str, number: int, value: str) -> None:
        name = f"new_{user_shape().factor}"
        body = {name: self.value(value), "password": password_of(person, number)}
        self._post(person, "/email/change-request", body)

    def open(self, person: str, index: int, number: int, *, own: bool = False) -> None:
        """Open one of the messages; ``own``: only one for an account of one's own."""
        messages = [m for m in self.readable(person) if m.token]
        if own:
            messages = [m for m in messages if self._names_account_of(m, person)]
        if not messages:
            return
        message = messages[-1 - index % len(messages)]
        path, body = {
            "verify_recovery": ("/email/verify-confirm", {}),
            "change_recovery": ("/email/change-confirm", {}),
            "reset_password": (
                "/password/reset-confirm",
                {"new_password": password_of(person, number)},
            ),
        }[message.kind]
        hashes = dict(self._accounts().values_list("pk", "password"))
        self._post(person, path, {"token": message.token, **body})
        for pk, encoded in self._accounts().values_list("pk", "password"):
            if hashes.get(pk) != encoded and message.kind == "reset_password":
                self.passwords[pk] = (person, number)

    def open_with_password(
        self, person: str, index: int, number: int, *, own: bool = False
    ) -> None:
        """Open a verification, and give one's own password with it."""
        messages = [m for m in self.readable(person) if m.kind == "verify_recovery"]
        if own:
            messages = [m for m in messages if self._names_account_of(m, person)]
        if messages:
            message = messages[-1 - index % len(messages)]
            body = {"token": message.token, "password": password_of(person, number)}
            self._post(person, "/email/verify-confirm", body)

    def change_password(self, person: str, number: int) -> None:
        """Replace the password by itself, so that the epoch rises."""
        password = password_of(person, number)
        body = {"current_password": password, "new_password": password}
        self._post(person, "/change-password", body)

    def look(self, person: str) -> None:
        self._observe(person, self.browsers[person].get("/me", **self._from(person)))

    def close(self, index: int, *, active: bool) -> None:
        """Close or reopen an account, as an operator does."""
        rows = list(self._accounts().order_by("pk"))
        if rows:
            self._accounts().filter(pk=rows[index % len(rows)].pk).update(
                is_active=active
            )

    def adopt(self, number: int, value: str) -> None:
        """Insert an account of the owner from before this package, unverified."""
        shape = user_shape()
        columns = {n: made_value(n, OWNER, 10 + number) for n in shape.columns}
        columns[shape.recovery_factor] = self.value(value)
        own = own_identifier()
        taken = {shape.recovery_factor: columns[shape.recovery_factor]}
        if own not in taken and self._accounts().filter(**{own: columns[own]}):
            return
        is_taken = self._accounts().filter(**taken).exists()
        if is_taken:
            # The operator finds out and gives up. Operators may spend keys or not:
            # here they do in both worlds of a pair.
            columns[shape.recovery_factor] = made_value(shape.recovery_factor, OWNER, 9)
        user = user_model().objects.create_user(
            password=password_of(OWNER, 10 + number), **columns
        )
        if is_taken:
            user.delete()
            return
        self.passwords[user.pk] = (OWNER, 10 + number)

    # --- inside -------------------------------------------------------------------

    def _accounts(self) -> Any:
        return user_model()._base_manager.all()

    def _names_account_of(self, message: Any, person: str) -> bool:
        """Return whether the text names an account of this person."""
        columns = user_shape().columns
        names = {made_value(n, person, k) for n in columns for k in (0, 1, 10, 11)}
        return message.account in names

    def _login(self, person: str, number: int, identifier: str) -> str:
        if identifier in user_shape().identifiers and identifier != user_shape().factor:
            return made_value(identifier, person, number)
        if identifier in user_shape().columns:
            return self.value("mine" if person == OWNER else "contested")
        return self.value(identifier)

    def _from(self, person: str) -> dict[str, str]:
        return {"REMOTE_ADDR": ADDRESSES[person]}

    def _post(self, person: str, path: str, body: dict[str, Any]) -> None:
        browser = self.browsers[person]
        self._observe(person, browser.post(path, body, **self._from(person)))

    def _observe(self, person: str, response: Any) -> None:
        """Sort new messages into inboxes; note what the other person sees."""
        self._clock.shift(1)
        new = list(locmem.outbox)
        locmem.outbox.clear()
        for message in new:
            self.inboxes.setdefault(message.recipient, []).append(message)
        own = {self.value("other0"), self.value("other1")}
        mail = [(m.kind, m.account, bool(m.token)) for m in new if m.recipient in own]
        if person != OTHER:
            if mail:
                self.seen.append(("mail", mail))
            return
        data = dict(response.json())
        for secret in ("id", "csrf_token"):
            data.pop(secret, None)
        headers = {name: response.headers.get(name) for name in HEADERS}
        cookies = sorted(response.cookies)
        self.seen.append((response.status_code, data, headers, cookies, mail))


def holders(value: str) -> list[AbstractAuthUser]:
    """Return the accounts that hold a value."""
    factor = user_shape().recovery_factor
    return list(user_model()._base_manager.filter(**{factor: value}))


def can_be_contested() -> bool:
    """Return whether several accounts can hold or claim one value."""
    return field_of(user_shape().recovery_factor).null
