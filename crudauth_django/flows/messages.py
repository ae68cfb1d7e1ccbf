"""Which account a question is about, and what there is to tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from crudauth_django.channels import base as kinds
from crudauth_django.flows.purposes import CHANGE, RESET, VERIFY, Recovery
from crudauth_django.identity import (
    find_claimant,
    find_holder,
    is_proven_by_another,
    user_model,
)
from crudauth_django.questions import Question

if TYPE_CHECKING:
    from crudauth_django.models import AbstractAuthUser


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One thing to tell one account, over one recovery value."""

    kind: str
    user: AbstractAuthUser
    recipient: str = field(repr=False)
    #: Whose token it carries; ``None`` for a notice.
    recovery: Recovery | None = None

    @property
    def account(self) -> str:
        """The name of the account, as whoever reads the message may know it.

        Where that is the recovery value itself, a notice would tell the owner
        of the old value the new one, and a confirmation the reverse.
        """
        name = self.user.display_name
        return self.recipient if name == self.user.recovery_value else name


def _of(recovery: Recovery, user: AbstractAuthUser, value: str) -> Message:
    return Message(
        kind=recovery.purpose.name, user=user, recipient=value, recovery=recovery
    )


def _account(question: Question) -> AbstractAuthUser | None:
    if question.key is None:
        return None
    try:
        key = user_model()._meta.pk.to_python(question.key)
    except ValidationError:
        return None
    return user_model()._default_manager.filter(pk=key, is_active=True).first()


def _verification(question: Question) -> Message | None:
    """To whoever asked, if signed in; else to the last to claim the value."""
    user = _account(question)
    if user is None or user.recovery_value != question.value:
        user = find_claimant(question.value) or find_holder(question.value)
    if user is None or user.is_recovery_verified:
        return None
    if user.recovery_value != question.value:
        return None
    if is_proven_by_another(user, question.value):
        return None
    return _of(VERIFY, user, question.value)


def _reset(question: Question) -> Message | None:
    user = find_holder(question.value)
    return _of(RESET, user, question.value) if user else None


def _existing_account(holder: AbstractAuthUser, value: str) -> Message:
    return Message(kind=kinds.EXISTING_ACCOUNT, user=holder, recipient=value)


def _collision(question: Question) -> Message | None:
    """Tell a holder who has proven the value that somebody signed up with it.

    Where nobody has proven it, whoever does shall have it: the new account
    (``key``), or, where one logs in with the value and so there is no new
    account, the one there is, with a password of the prover's own choice.
    """
    holder = find_holder(question.value)
    if holder is not None and holder.is_recovery_verified:
        return _existing_account(holder, question.value)
    if question.key is not None:
        return _verification(question)
    return _of(RESET, holder, question.value) if holder else None


def _change(question: Question) -> Message | None:
    user = _account(question)
    if user is None or user.pending_value != question.value:
        return None
    if is_proven_by_another(user, question.value):
        holder = find_holder(question.value)
        return _existing_account(holder, question.value) if holder else None
    return _of(CHANGE, user, question.value)


def _notice(question: Question) -> Message | None:
    user = _account(question)
    return (
        Message(kind=question.kind, user=user, recipient=question.value)
        if user
        else None
    )


RESOLVERS: dict[str, Callable[[Question], Message | None]] = {
    kinds.VERIFY_RECOVERY: _verification,
    kinds.RESET_PASSWORD: _reset,
    kinds.CHANGE_RECOVERY: _change,
    kinds.EXISTING_ACCOUNT: _collision,
    kinds.RECOVERY_CHANGED: _notice,
    kinds.PASSWORD_CHANGED: _notice,
}


def message_for(question: Question) -> Message | None:
    """Return what to send, or ``None`` when there is nobody to tell."""
    return RESOLVERS[question.kind](question)
