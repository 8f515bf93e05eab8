"""A mail server that keeps what it is given."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

S = TypeVar("S", bound=socketserver.BaseServer)


class Mailbox(socketserver.ThreadingTCPServer):
    """Just enough SMTP to take a mail."""

    daemon_threads = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            letter, inside = [], False
            for raw in self.rfile:
                line = raw.decode().rstrip("\r\n")
                if inside:
                    if line != ".":
                        letter.append(line)
                        continue
                    self.server.letters.append("\n".join(letter))
                    letter, inside = [], False
                    self.wfile.write(b"250 taken\r\n")
                elif line.upper() == "DATA":
                    inside = True
                    self.wfile.write(b"354 go on\r\n")
                elif line.upper() == "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.letters = []


@contextmanager
def running(server: S) -> Iterator[S]:
    """Serves on a thread until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
