"""Recognize the owner of an account that a link names.

Control of a value does not show who chose the account's password: another person may
have registered with the value (*account pre-hijacking*, Sudhodanan and Paverd 2022).
"""

from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import Client
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.credentials import reauthenticate
from crudauth_django.security.devices import is_known_device


@sensitive_variables()
def is_owner(
    user: AbstractAuthUser,
    *,
    password: str | None,
    user_pk: object,
    client: Client | None,
) -> bool:
    """Return whether the account's owner sent the request.

    The account's password shows it, its session (``user_pk`` is the primary key of the
    signed-in account), or a device that has signed in to it. A password is compared
    whenever there is one; raises as ``reauthenticate`` does.
    """
    client = client or Client()
    if password is not None:
        reauthenticate(user=user, password=password, client=client)
        return True
    return user_pk == user.pk or is_known_device(client, user)
