"""Write messages into a folder, for development."""

import json
import os
from pathlib import Path
from typing import Any

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.exceptions import DeliveryFailed

__all__ = ["FileChannel"]


class FileChannel(DeliveryChannel):
    """Writes each message, token included, to ``<folder>/<kind>-<id>.json``.

    Only the owner of the process can read the files. Another attempt at a message
    replaces its file. Do not use it on a site: the files hold valid tokens.
    """

    def __init__(self, *, folder: str | os.PathLike[str], **options: Any) -> None:
        super().__init__(**options)
        self._folder = Path(folder)

    def deliver(self, intent: DeliveryIntent) -> None:
        content = json.dumps(intent.to_dict(), ensure_ascii=False, indent=2)
        path = self._folder / f"{intent.kind}-{intent.id}.json"
        # Renamed when complete, so that a reader never finds half a message.
        draft = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(opened, "w", encoding="utf-8") as file:
                file.write(content + "\n")
            draft.replace(path)
        except OSError as error:
            raise DeliveryFailed(f"The folder: {type(error).__name__}") from error
