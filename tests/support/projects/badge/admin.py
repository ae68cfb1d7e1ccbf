from django.contrib import admin

from crudauth_django.admin import AuthUserAdmin
from tests.support.projects.badge.models import User

admin.site.register(User, AuthUserAdmin)
