"""System checks, each with an id, the cause and a hint."""

from crudauth_django.checks import (
    channels,
    counters,
    dispatchers,
    project,
    settings,
    shape,
    texts,
)

__all__ = [
    "channels",
    "counters",
    "dispatchers",
    "project",
    "settings",
    "shape",
    "texts",
]
