"""Create accounts."""

import logging
from collections.abc import Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import Client
from crudauth_django.conf.settings import get_settings
from crudauth_django.exceptions import RegistrationClosed
from crudauth_django.flows import events
from crudauth_django.flows.claims import insert_or_claim
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import user_model, user_shape, writable_fields

__all__ = ["register"]

logger = logging.getLogger(__name__)


@sensitive_variables()
def register(
    *, values: Mapping[str, Any], password: str, client: Client | None = None
) -> AbstractAuthUser | None:
    """Create an account from normalized identity values, and extras.

    Values that are not writable model fields are not saved. They are only
    passed to ``CRUDAUTH_NEW_USER_FIELDS``, whose result may set any field but
    ``<factor>_verified`` and ``<factor>_pending``.

    If another account holds the recovery value, the new account only claims
    it, in ``<factor>_pending``. If only one account can have the value, nothing
    is created and ``None`` is returned. No response may show the difference.

    Raises ``RegistrationClosed``, ``IdentifierTaken``, and ``ValidationError``
    for a refused password.
    """
    settings = get_settings()
    if not settings.registration_open:
        raise RegistrationClosed
    columns = {k: v for k, v in values.items() if k in writable_fields()}
    computed = settings.new_user_fields(**values) if settings.new_user_fields else {}
    # Only a redeemed token verifies. A client must not get the error.
    if refused := computed.keys() & {*user_shape().bookkeeping}:
        names = ", ".join(sorted(refused))
        logger.error("CRUDAUTH_NEW_USER_FIELDS can't set %s; it is ignored.", names)
    fields = {k: v for k, v in {**columns, **computed}.items() if k not in refused}
    user = user_model()(**fields)
    user.set_password(user.clean_password(password))
    if not insert_or_claim(user):
        return None
    events.user_registered(user=user, client=client)
    return user
