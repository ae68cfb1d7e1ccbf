"""The client of the API that every test uses, in this process or over HTTP."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import requests
from rest_framework.test import APIClient

#: A password that every validator accepts.
PASSWORD = "correct horse battery"
NEW_PASSWORD = "a whole new staple"
#: Seconds for one response of a server under load.
TIMEOUT = 60


class Browser:
    """Sends JSON, and keeps its cookies and the CSRF token of its last login.

    Requests go to the server at ``url``, or to the API in this process without one.
    Both kinds of response have ``status_code``, ``json()``, ``headers`` and
    ``content``.
    """

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.csrf_token = ""
        self.client = requests.Session() if url else APIClient(enforce_csrf_checks=True)

    def get(self, path: str, **options: Any) -> Any:
        if self.url:
            options.setdefault("timeout", TIMEOUT)
        return self.client.get(self.url + path, **options)

    def post(
        self,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Any:
        """Send ``body`` as JSON; text and bytes are sent as they are."""
        # Not the client's own JSON, which refuses texts that JSON can hold.
        content = body if isinstance(body, str | bytes) else json.dumps(body or {})
        csrf = {"X-CSRFToken": self.csrf_token} if self.csrf_token else {}
        headers = csrf | (headers or {})
        if self.url:
            response = self.client.post(
                self.url + path,
                data=content,
                headers={"Content-Type": content_type, **headers},
                timeout=TIMEOUT,
                **options,
            )
        else:
            response = self.client.post(
                path, content, content_type=content_type, headers=headers, **options
            )
        is_login = path.rstrip("/").endswith("/login")
        if is_login and response.status_code == HTTPStatus.OK:
            self.csrf_token = response.json()["csrf_token"]
        return response

    def log_in(
        self, identifier: str = "ada", password: str = PASSWORD, **options: Any
    ) -> Any:
        body = {"username": identifier, "password": password}
        return self.post("/login", body, **options)

    def change_password(
        self, current: str | None = PASSWORD, new: str | None = NEW_PASSWORD
    ) -> Any:
        body = {"current_password": current, "new_password": new}
        return self.post("/change-password", body)

    def reset_password(
        self, token: str, new_password: str | None = NEW_PASSWORD
    ) -> Any:
        body = {"token": token, "new_password": new_password}
        return self.post("/password/reset-confirm", body)

    def verify(self, token: str, password: str | None = None) -> Any:
        """Open a verification link, with the account's password if there is one."""
        named = {} if password is None else {"password": password}
        return self.post("/email/verify-confirm", {"token": token, **named})

    def confirm_change(self, token: str, password: str | None = None) -> Any:
        named = {} if password is None else {"password": password}
        return self.post("/email/change-confirm", {"token": token, **named})
