"""The actions of support staff, done by the flows."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crudauth_django.client import client_of
from crudauth_django.dispatch.enqueue import can_send, held_back_until
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.flows import recovery, sessions
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security import lockout

Accounts = QuerySet[AbstractAuthUser]


class AccountActions(admin.ModelAdmin):
    """Actions on the selected accounts, each with an entry in their history.

    An action reports the number of accounts. Messages are requested as if by the
    owner, under the same budgets; the action says if a budget holds them back. It
    does not know whether a message arrives.
    """

    actions = ("send_verification", "send_password_reset", "end_all_sessions", "unlock")

    def has_messaging_permission(self, request: HttpRequest) -> bool:
        """Return whether messages can be sent, and by this user."""
        has_channel = self.model.shape().factor is not None and can_send()
        return has_channel and self.has_change_permission(request)

    @admin.action(description=_("Send a verification"), permissions=["messaging"])
    def send_verification(self, request: HttpRequest, queryset: Accounts) -> None:
        """Send one to each active account with an unverified recovery value."""
        held: list[datetime | None] = []

        def send(user: AbstractAuthUser) -> bool:
            value = None if user.is_recovery_verified else user.recovery_value
            if value is None or not user.is_active:
                return False
            held.append(held_back_until(value))
            recovery.request_verification(value=value, user_pk=user.pk)
            return True

        self._for_each(request, queryset, send, _("Verification requested"))
        self._report_held_back(request, held)

    @admin.action(description=_("Send a password reset"), permissions=["messaging"])
    def send_password_reset(self, request: HttpRequest, queryset: Accounts) -> None:
        """Send one to each active account that holds a recovery value."""
        held: list[datetime | None] = []

        def send(user: AbstractAuthUser) -> bool:
            if user.held_value is None or not user.is_active:
                return False
            held.append(held_back_until(user.held_value))
            recovery.request_reset(value=user.held_value)
            return True

        self._for_each(request, queryset, send, _("Password reset requested"))
        self._report_held_back(request, held)

    @admin.action(description=_("End all sessions"), permissions=["change"])
    def end_all_sessions(self, request: HttpRequest, queryset: Accounts) -> None:
        """Sign the accounts out everywhere, also your own if it is selected."""
        client = client_of(request)

        def end(user: AbstractAuthUser) -> None:
            sessions.end_all_sessions(user=user, client=client)

        self._for_each(request, queryset, end, _("All sessions ended"))

    @admin.action(description=_("Unlock"), permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: Accounts) -> None:
        """Delete the accounts' failed logins and locks."""
        self._for_each(request, queryset, lockout.unlock, _("Unlocked"))

    def _report_held_back(
        self, request: HttpRequest, held: Iterable[datetime | None]
    ) -> None:
        """Say how many messages a budget holds back, and when it ends."""
        ends = [localtime(end) for end in held if end is not None]
        if not ends:
            return
        text = _(
            "Held back until %(time)s, because their recipients have had too many "
            "messages: %(count)d."
        )
        time = date_format(max(ends), "SHORT_DATETIME_FORMAT")
        values = {"count": len(ends), "time": time}
        self.message_user(request, text % values, messages.WARNING)

    def _for_each(
        self,
        request: HttpRequest,
        queryset: Accounts,
        act: Callable[[AbstractAuthUser], bool | None],
        done: Any,
    ) -> None:
        """Act on each account; ``act`` returns ``False`` if it has nothing to do."""
        number = skipped = 0
        try:
            for user in queryset.iterator(chunk_size=500):
                if act(user) is False:
                    skipped += 1
                else:
                    self.log_change(request, user, str(done))
                    number += 1
        except CountersUnavailable:
            error = _("The counter store does not respond. Try again shortly.")
            self.message_user(request, error, messages.ERROR)
        counted = ngettext("%(count)d account", "%(count)d accounts", number)
        text = f"{done}: {counted % {'count': number}}."
        rest = ngettext("%(count)d was skipped.", "%(count)d were skipped.", skipped)
        if skipped:
            text += " " + rest % {"count": skipped}
        level = messages.SUCCESS if number else messages.WARNING
        self.message_user(request, text, level)
