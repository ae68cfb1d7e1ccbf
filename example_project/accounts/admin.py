"""Register the account in the admin."""

from django.contrib import admin

from accounts.models import User
from crudauth_django.admin import AuthUserAdmin

admin.site.register(User, AuthUserAdmin)
