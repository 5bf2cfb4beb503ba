"""The virus scanner: bytes go to clamd by its command INSTREAM, before anything is kept of them."""

import socket
import struct
from urllib.parse import urlsplit

PATIENCE = 20.0
"""Seconds that the scanner may leave us without any sign."""
CHUNK = 1 << 16


class Unscanned(RuntimeError):
    """The scanner was not reached, or did not say whether the file is clean."""


def virus_in(content: bytes, address: str, *, patience: float = PATIENCE) -> str | None:
    """The name of the virus that clamd at `address` (unix:/path or tcp://host:port) finds; None where it finds none.

    Raises Unscanned on anything but a verdict.
    """
    try:
        with _connected(address, patience) as clamd:
            clamd.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                chunk = content[start : start + CHUNK]
                clamd.sendall(struct.pack("!I", len(chunk)) + chunk)
            clamd.sendall(struct.pack("!I", 0))
            with clamd.makefile("rb") as answers:
                answer = answers.read(4096).decode("utf-8", "replace").strip("\0\n ")
    except OSError as error:
        raise Unscanned(str(error)) from error
    if answer == "stream: OK":
        return None
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND")
    raise Unscanned(answer or "no answer")


def _connected(address: str, patience: float) -> socket.socket:
    place = urlsplit(address)
    if place.scheme == "tcp":
        return socket.create_connection((place.hostname or "", place.port or 0), patience)
    clamd = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    clamd.settimeout(patience)
    try:
        clamd.connect(place.path)
    except OSError:
        clamd.close()
        raise
    return clamd
