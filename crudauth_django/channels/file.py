"""Writes messages into a folder, for development."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.exceptions import DeliveryFailed


class FileChannel(DeliveryChannel):
    """Writes each message, token included, as ``<kind>-<id>.json`` into ``folder``.

    Only the owner of the process can read it. A message that is tried again
    replaces its file. Never for a site: the files hold live tokens.
    """

    def __init__(self, *, folder: str | os.PathLike[str], **options: Any) -> None:
        super().__init__(**options)
        self._folder = Path(folder)

    def deliver(self, intent: DeliveryIntent) -> None:
        content = asdict(intent)
        if intent.expires_in is not None:
            content["expires_in"] = int(intent.expires_in.total_seconds())
        path = self._folder / f"{intent.kind}-{intent.id}.json"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
        except OSError as error:
            raise DeliveryFailed(f"The folder: {type(error).__name__}") from error


def _write(path: Path, content: str) -> None:
    """Write a file that is there whole or not at all, and for its owner only."""
    draft = path.with_suffix(".part")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(opened, "w", encoding="utf-8") as file:
        file.write(content)
    draft.replace(path)
