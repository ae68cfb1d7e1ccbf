from django.contrib import admin

from crudauth_django.admin import AuthUserAdmin
from tests.support.projects.email_username.models import User

admin.site.register(User, AuthUserAdmin)
