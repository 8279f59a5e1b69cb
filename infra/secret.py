"""Keys of 32 bytes: read from text, kept out of every printout, made once for development."""

import base64
import binascii
import os
import secrets
from pathlib import Path

SIZE = 32


class SecretUnusable(ValueError):
    """A key cannot be read; the message never repeats its text."""


class Secret:
    """Bytes that no printout, log line or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and secrets.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)


def parse(text: str) -> Secret:
    """Read 32 bytes from 64 hex digits or from base64 of either alphabet; raise `SecretUnusable`."""
    try:
        value = _decoded(text.strip())
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != SIZE:
        raise SecretUnusable(f"must be {SIZE} bytes, written in base64 or as {2 * SIZE} hex digits")
    return Secret(value)


def read(path: Path) -> Secret:
    """Read a key file; raise `SecretUnusable` when it is not there or holds something else."""
    try:
        return parse(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnusable(
            f"cannot read {path} ({getattr(error, 'strerror', None) or 'not a text file'})"
        ) from error


def made_once(path: Path) -> Secret:
    """Read the key at `path`; the first caller makes it, and everybody sees that one."""
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise SecretUnusable(f"cannot create {path} ({error.strerror})") from error
    return read(path)


def _make(path: Path) -> None:
    """Write the key beside its place and link it there: whole or not at all, and never over another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(SIZE)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        _sync_folder(path.parent)
    finally:
        draft.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _decoded(text: str) -> bytes:
    if len(text) == 2 * SIZE:
        return bytes.fromhex(text)
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
