"""The ASGI application of the test project, as the docs say to wrap it."""

from django.core.asgi import get_asgi_application

from crudauth_django.asgi import DrainAtShutdown

application = DrainAtShutdown(get_asgi_application())
