"""System checks, each with an id, the cause and a hint."""

from crudauth_django.checks import consistency, delivery, mail, policy, shape, texts

__all__ = ["consistency", "delivery", "mail", "policy", "shape", "texts"]
