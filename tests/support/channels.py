"""A channel that servers in other processes write, and tests read."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent


class FileChannel(DeliveryChannel):
    """Appends each message to ``path`` as a line of JSON.

    A provider that takes its time takes ``seconds`` before it accepts one.
    ``<path>.begun`` gets a line as soon as a delivery begins.
    """

    def __init__(self, *, path: str, seconds: float = 0, **options: Any) -> None:
        super().__init__(**options)
        self._path = Path(path)
        self._seconds = seconds

    def deliver(self, intent: DeliveryIntent) -> None:
        message = asdict(intent)
        expires_in = message.pop("expires_in")
        message["seconds"] = expires_in and expires_in.total_seconds()
        with self._path.with_suffix(".begun").open("a") as begun:
            begun.write(f"{intent.kind}\n")
        time.sleep(self._seconds)
        with self._path.open("a") as outbox:
            outbox.write(json.dumps(message) + "\n")
