"""The admin of accounts: register ``AuthUserAdmin`` for your own user model."""

from crudauth_django.admin.users import AuthUserAdmin

__all__ = ["AuthUserAdmin"]
