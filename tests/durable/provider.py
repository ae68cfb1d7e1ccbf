"""A provider on loopback that can be down, refuse, dawdle and hang."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support import parts


class Provider:
    """What a provider has seen and taken; ``status`` and ``seconds`` say how."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{parts.free_port()}/"
        self.taken: list[dict] = []
        self.refused = 0
        self.status = HTTPStatus.OK
        self.seconds = 0.0
        #: Set, it lets go of every request that hangs.
        self.release = threading.Event()
        self.hanging = 0
        self.most_at_once = 0
        self.lock = threading.Lock()

    def copies(self) -> Counter:
        """Count how often each message was taken."""
        return Counter(message["id"] for message in self.taken)

    def recipients(self) -> set[str]:
        return {message["to"] for message in self.taken}

    def take(self, message: dict) -> HTTPStatus:
        with self.lock:
            self.hanging += 1
            self.most_at_once = max(self.most_at_once, self.hanging)
        self.release.wait(self.seconds)
        with self.lock:
            self.hanging -= 1
            if self.status is HTTPStatus.OK:
                self.taken.append(message)
            else:
                self.refused += 1
        return self.status


@contextlib.contextmanager
def answering(provider: Provider) -> Iterator[Provider]:
    """Have the provider answer; outside, nobody listens at its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = json.loads(body)
            status = provider.take(message)
            with contextlib.suppress(OSError):
                self.send_response(status)
                if status is HTTPStatus.TOO_MANY_REQUESTS:
                    self.send_header("Retry-After", "1")
                self.end_headers()
                self.wfile.write(f"SM{message['id'][:8]}".encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    port = int(provider.url.rstrip("/").rpartition(":")[2])
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        provider.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def eventually(truth: Callable[[], bool], *, within: float = 60) -> None:
    """Wait until something is true; nothing here measures how long that takes."""
    deadline = time.monotonic() + within
    while not truth():
        if time.monotonic() > deadline:
            raise TimeoutError(truth)
        time.sleep(0.05)
