"""What support does for accounts; every one goes through the flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crudauth_django.client import client_of
from crudauth_django.conf.settings import get_settings
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.flows import recovery, sessions
from crudauth_django.security import lockout

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from crudauth_django.models import AbstractAuthUser

    Base = admin.ModelAdmin[AbstractAuthUser]
else:
    Base = admin.ModelAdmin

#: Does it for one account; whether there was anything to do.
Act = Callable[["AbstractAuthUser"], bool]


class AccountActions(Base):
    """Each action says how many accounts it was for, and the history who did it.

    Whether a message arrives is not known here: an action asks for it as the
    account's owner would, under the same budgets.
    """

    actions = (
        "send_verification",
        "send_password_reset",
        "end_all_sessions",
        "unlock",
    )

    def has_messaging_permission(self, request: HttpRequest) -> bool:
        """Whether there is something to send over, and this user may."""
        can_send = self.model.shape().factor is not None and get_settings().channels
        return bool(can_send) and self.has_change_permission(request)

    @admin.action(description=_("Send a verification"), permissions=["messaging"])
    def send_verification(
        self, request: HttpRequest, queryset: QuerySet[AbstractAuthUser]
    ) -> None:
        """For every account that has something to verify."""
        self._for_each(request, queryset, _ask_for_verification, _("Verification sent"))

    @admin.action(description=_("Send a password reset"), permissions=["messaging"])
    def send_password_reset(
        self, request: HttpRequest, queryset: QuerySet[AbstractAuthUser]
    ) -> None:
        """For every account that holds a recovery value."""
        self._for_each(request, queryset, _ask_for_reset, _("Password reset sent"))

    @admin.action(description=_("End all sessions"), permissions=["change"])
    def end_all_sessions(
        self, request: HttpRequest, queryset: QuerySet[AbstractAuthUser]
    ) -> None:
        """Sign the accounts out everywhere; your own, too, if it is selected."""
        client = client_of(request)

        def end(user: AbstractAuthUser) -> bool:
            sessions.end_all_sessions(user=user, client=client)
            return True

        self._for_each(request, queryset, end, _("All sessions ended"))

    @admin.action(description=_("Unlock"), permissions=["change"])
    def unlock(
        self, request: HttpRequest, queryset: QuerySet[AbstractAuthUser]
    ) -> None:
        """Forget the accounts' failed logins, and the locks they led to."""
        self._for_each(request, queryset, _unlock, _("Unlocked"))

    def _for_each(
        self,
        request: HttpRequest,
        queryset: QuerySet[AbstractAuthUser],
        act: Act,
        what: Any,
    ) -> None:
        done = 0
        passed_over = 0
        try:
            for user in queryset.iterator(chunk_size=500):
                if not act(user):
                    passed_over += 1
                    continue
                self.log_change(request, user, str(what))
                done += 1
        except CountersUnavailable:
            problem = _("The store of the counters does not answer; try again soon.")
            self.message_user(request, problem, messages.ERROR)
        self._say(request, what, done, passed_over)

    def _say(
        self, request: HttpRequest, what: Any, done: int, passed_over: int
    ) -> None:
        counted = ngettext("%(count)d account", "%(count)d accounts", done)
        text = f"{what}: {counted % {'count': done}}."
        if passed_over:
            left = ngettext(
                "%(count)d was passed over.",
                "%(count)d were passed over.",
                passed_over,
            )
            text += " " + left % {"count": passed_over}
        level = messages.SUCCESS if done else messages.WARNING
        self.message_user(request, text, level)


def _ask_for_verification(user: AbstractAuthUser) -> bool:
    value = user.recovery_value
    if value is None or user.is_recovery_verified or not user.is_active:
        return False
    recovery.request_verification(value=value, user_pk=user.pk)
    return True


def _ask_for_reset(user: AbstractAuthUser) -> bool:
    value = user.held_value
    if value is None or not user.is_active:
        return False
    recovery.request_reset(value=value)
    return True


def _unlock(user: AbstractAuthUser) -> bool:
    lockout.unlock(user)
    return True
