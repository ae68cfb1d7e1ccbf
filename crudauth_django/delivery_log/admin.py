"""The log in the admin, read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from crudauth_django.delivery_log.models import LoggedDelivery


@admin.register(LoggedDelivery)
class LoggedDeliveryAdmin(admin.ModelAdmin):
    """Lists the deliveries; only ``crudauth_prune`` deletes old ones."""

    list_display = (
        *("tried_at", "kind", "recipient", "country"),
        *("channel", "outcome", "held_until", "attempts", "code"),
    )
    list_filter = ("outcome", "kind", "channel", "country", "tried_at")
    search_fields = ("message_id", "provider_id", "code")
    date_hierarchy = "tried_at"
    ordering = ("-tried_at", "-pk")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission
