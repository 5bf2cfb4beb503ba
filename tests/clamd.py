"""A virus scanner as clamd speaks, in a thread: finds one marker, or does what real ones do on bad days."""

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VIRUS = b"%VIRUS%"
FOUND = b"stream: Eicar-Test-Signature FOUND\0"
CLEAN = b"stream: OK\0"
TOO_LARGE = b"INSTREAM size limit exceeded. ERROR\0"


class Clamd:
    """What it was sent, and how it answers: as it should, with `answer` (empty: it hangs up), or not at all."""

    def __init__(self, answer: bytes | None = None, *, limit: int = 1 << 25, silent: bool = False) -> None:
        self.answer, self.limit, self.silent = answer, limit, silent
        self.address = ""
        self.scanned: list[bytes] = []
        self.ended = threading.Event()
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens while a file is being scanned."""

    def talk(self, request: Any, answers: Any) -> None:
        """Serve one connection."""
        assert request.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!I", request.read(4))[0]:
            content += request.read(size)
            if len(content) > self.limit:
                answers.write(TOO_LARGE)
                return
        self.scanned.append(content)
        self.meanwhile()
        if self.silent:
            self.ended.wait()
        elif self.answer is not None:
            answers.write(self.answer)
        else:
            answers.write(FOUND if VIRUS in content else CLEAN)


@contextmanager
def serving(clamd: Clamd, path: Path | None = None) -> Iterator[Clamd]:
    """The scanner listening, on a Unix socket where there is a `path`, and its address set."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            clamd.talk(self.rfile, self.wfile)

    server: socketserver.BaseServer
    if path is None:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        clamd.address = f"tcp://127.0.0.1:{server.server_address[1]}"
    else:
        server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        clamd.address = f"unix:{path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield clamd
    finally:
        clamd.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
