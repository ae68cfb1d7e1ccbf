"""What the package announces.

What was changed is announced after the transaction is committed.
``user_locked_out`` and ``delivery_failed`` speak of no change and are sent at
once.

Every signal is sent with ``send_robust``: a receiver that raises is logged and
stops nobody. ``sender`` is the user model, except for ``delivery_failed``,
whose sender is the channel's class. Signals about a change carry ``user`` (as it
was when the change was made) and ``client`` (a
:class:`crudauth_django.client.Client`: address and user agent, both ``""``
where the change was not made by a request).
"""

from __future__ import annotations

from django.dispatch import Signal

#: An account was created by registration.
user_registered = Signal()
#: An account proved that it controls its recovery value.
recovery_verified = Signal()
#: An account's password was replaced by a reset token.
password_reset = Signal()
#: A signed-in user replaced the password.
password_changed = Signal()
#: An account's recovery value was replaced by a confirmed one. Carries
#: ``old_value``, which may be ``None``.
recovery_changed = Signal()
#: Everything an account was signed in with is void: revoke tokens of your own.
credentials_revoked = Signal()
#: Failures locked an identifier. Carries ``retry_after`` (seconds), ``client``
#: and ``scope`` (``"account"`` or ``"network"``); never the identifier.
user_locked_out = Signal()
#: A channel did not deliver. Carries ``intent_id``, ``kind``, ``recipient``
#: (masked), ``reason`` and ``code``.
delivery_failed = Signal()
