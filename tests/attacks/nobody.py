"""A part that does nothing, so that only what a request does itself is left."""

from __future__ import annotations

from crudauth_django.dispatch import Dispatcher
from crudauth_django.questions import Question


class NobodyDispatcher(Dispatcher):
    """Forgets every question."""

    def dispatch(self, question: Question) -> None:
        pass
