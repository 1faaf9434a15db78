"""Servers that take a request and do not answer it as they should, on free ports of loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Behave = Callable[[socket.socket, threading.Event], None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5000\r\n\r\n"


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Reads the request and never answers."""
    connection.recv(65536)
    over.wait()


def deaf(connection: socket.socket, over: threading.Event) -> None:
    """Never reads anything."""
    over.wait()


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """Sends a byte of the body now and then."""
    connection.recv(65536)
    connection.sendall(HEAD)
    while not over.wait(0.005):
        connection.sendall(b" ")


def dripping_from_the_start(connection: socket.socket, over: threading.Event) -> None:
    """Sends a byte of a header now and then."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nServer: ")
    while not over.wait(0.005):
        connection.sendall(b"x")


def breaking(connection: socket.socket, over: threading.Event) -> None:
    """Closes the connection in the middle of the body."""
    connection.recv(65536)
    connection.sendall(HEAD + b"<half")


@contextlib.contextmanager
def serving(behave: Behave) -> Iterator[str]:
    """The URL of a server that behaves so with each connection."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            behave(connection, over)

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            if over.is_set():
                connection.close()
                return
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            socket.create_connection(listening.getsockname()).close()
            accepting.join()
            for thread in threads:
                thread.join()


def nobody() -> str:
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
