"""The receiver on the documentation page of the webhook channel."""

import base64
import hashlib
import hmac
import json
import time

TOLERANCE = 5 * 60  # seconds


def read_message(headers, body: bytes, *, secret: str) -> dict:
    """Return a recent message with a valid signature, or raise ``ValueError``."""
    timestamp = headers["Webhook-Timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError("too old, or from the future")
    signed = b".".join([headers["Webhook-Id"].encode(), timestamp.encode(), body])
    digest = hmac.digest(secret.encode(), signed, hashlib.sha256)
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers["Webhook-Signature"].split(" ")
    if not any(hmac.compare_digest(expected, signature) for signature in given):
        raise ValueError("not signed with this secret")
    return json.loads(body)
