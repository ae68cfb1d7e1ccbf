"""A question that was answered too late to be worth a message."""

from __future__ import annotations

import logging
import time

import pytest

from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage

pytestmark = pytest.mark.django_db
HOUR = 3600


@pytest.mark.parametrize(("hours", "sent"), [(0.9, 1), (1.1, 0), (20, 0)])
def test_a_reset_is_not_sent_once_its_token_would_be_dead(
    ada, outbox, caplog, hours, sent
):
    caplog.set_level(logging.ERROR)
    requested_at = time.time() - hours * HOUR
    question = PendingMessage(
        kind="reset_password", value=str(ada.phone), requested_at=requested_at
    )

    deliver_message(question)

    assert len(outbox) == sent
    assert ("Gave up" in caplog.text) == (not sent)
