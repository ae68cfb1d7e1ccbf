"""Accounts of the live site before the change, and what is left of them after it.

Runs in a process of its own, with ``tests.factor_change.settings``: ``fill`` makes
the accounts and prints a reset token, ``report TOKEN`` prints their state.
"""

import json
import sys

import django

from tests.support.client import NEW_PASSWORD, PASSWORD, Browser


def main() -> None:
    django.setup()
    function = {"fill": fill, "report": report, "verify": verify}[sys.argv[1]]
    print(json.dumps(function(*sys.argv[2:])))


def fill() -> dict[str, str]:
    from crudauth_django.channels.locmem import outbox
    from crudauth_django.users import user_model

    users = user_model().objects
    for name, phone, address in (
        ("ada", "+12125552368", "Ada@Example.com"),
        ("bob", "+12125550123", "ada@example.com"),
        ("eve", None, "not an address"),
    ):
        users.create_user(
            username=name, phone=phone, contact_email=address, password=PASSWORD
        )
    users.filter(username="ada").update(phone_verified=True)
    users.filter(username="bob").update(phone_pending="+12125550199")
    browser = Browser()
    browser.post("/password/reset-request", {"phone": "+12125552368"})
    ada = users.get(username="ada")
    return {"token": outbox[-1].token, "session": ada.get_session_auth_hash()}


def report(token: str) -> dict[str, object]:
    from crudauth_django.users import user_model, user_shape

    shape = user_shape()
    states = {
        user.username: [
            user.held_value,
            getattr(user, shape.verified),
            user.pending_value,
        ]
        for user in user_model().objects.all()
    }
    ada = user_model().objects.get(username="ada")
    browser = Browser()
    body = {"token": token, "new_password": NEW_PASSWORD}
    return {
        "states": states,
        "session": ada.get_session_auth_hash(),
        "confirmed": getattr(ada, "phone_confirmed", None),
        "login": browser.log_in("ada").status_code,
        "reset": browser.post("/password/reset-confirm", body).status_code,
    }


def verify(value: str) -> list[str]:
    """Verify a value of the new factor over HTTP; return its holders."""
    from crudauth_django.channels.locmem import outbox
    from crudauth_django.users import user_model, user_shape

    factor = user_shape().recovery_factor
    browser = Browser()
    browser.log_in("ada")
    browser.post("/email/verify-request", {factor: value})
    browser.verify(outbox[-1].token)
    held = {factor: value, user_shape().verified: True}
    holders = user_model().objects.filter(**held)
    return list(holders.values_list("username", flat=True))


if __name__ == "__main__":
    main()
