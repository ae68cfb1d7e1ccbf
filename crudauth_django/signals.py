"""The signals that the package sends.

Signals about a change are sent after the transaction has been committed. Their
``sender`` is the user model. They carry ``user``, as it was when the change was
made, and ``client``, a :class:`crudauth_django.client.Client` whose fields are
``""`` if no request made the change.

``delivery_attempted``, ``delivery_failed``, ``delivery_held_back`` and
``user_locked_out`` are sent at once. The ``sender`` of the first two is the channel's
class.

Every signal is sent with ``send_robust``: Django logs a receiver's exception,
and the flow goes on.
"""

from django.dispatch import Signal

__all__ = [
    "credentials_revoked",
    "delivery_attempted",
    "delivery_failed",
    "delivery_held_back",
    "password_changed",
    "password_reset",
    "recovery_changed",
    "recovery_verified",
    "user_locked_out",
    "user_registered",
]

#: A registration created an account.
user_registered = Signal()
#: An account verified its recovery value.
recovery_verified = Signal()
#: A reset token replaced an account's password.
password_reset = Signal()
#: A signed-in user replaced the password.
password_changed = Signal()
#: An account's recovery value was replaced by a confirmed one. Carries
#: ``old_value``, which may be ``None``.
recovery_changed = Signal()
#: Every session of an account has ended: revoke the tokens that you issued.
credentials_revoked = Signal()
#: Failures locked an identifier or a network. Carries ``retry_after``
#: (seconds), ``client`` and ``scope`` (``"account"`` or ``"network"``); never
#: the identifier.
user_locked_out = Signal()
#: A channel was tried. Carries ``message_id`` (the same for every attempt),
#: ``kind``, ``channel`` (its label), ``recipient`` (masked), ``country`` (ISO
#: 3166, or ``""``), ``outcome`` (``"delivered"``, ``"failed"``, ``"rejected"``
#: or ``"gave_up"``), ``code`` and ``provider_id`` (the provider's own, or
#: ``""``) and ``seconds`` (how long the channel took).
delivery_attempted = Signal()
#: A channel was not tried. Carries ``message_id``, ``kind``, ``channel``,
#: ``recipient`` (masked), ``country``, ``outcome``, ``code`` and ``held_until``. The
#: outcome is ``"held_back"`` if a budget is used up: ``code`` is its name, and
#: ``held_until`` the ``datetime`` at which it allows messages again. Of
#: ``"gave_up"``, ``code`` is the reason: ``"expired"``, ``"tries"``, ``"queue_full"``,
#: ``"exit"``, ``"unreadable"``, a budget or the class of an error.
delivery_held_back = Signal()
#: A channel did not deliver. Carries ``intent_id``, ``kind``, ``recipient``
#: (masked), ``reason`` and ``code``.
delivery_failed = Signal()
