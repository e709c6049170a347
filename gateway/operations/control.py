"""How commands reach the process that owns the store: one JSON line over a local socket.

SQLite has one owner. A command that changes something therefore asks the serving process, when
there is one; only the same operating-system user (or root) can connect.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import stat
import struct
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from gateway.domain.log import log
from gateway.operations.desk import Desk
from profiles.issue import GatewayError, NotConformant, NotPermitted, Unavailable

#: Longest line either side reads, in bytes.
_LIMIT = 64_000_000
_ANSWER_SECONDS = 120.0

#: One operation: desk and arguments → JSON-able result.
Operation = Callable[[Desk, Mapping[str, Any]], dict[str, Any]]


def socket_path(folder: Path) -> Path:
    """Return where the process serving a configuration folder listens for commands.

    Not in the folder itself: the paths of sockets may have 107 bytes only.
    """
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    name = blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    return Path(base) / f"gateway-{os.getuid()}" / f"{name}.sock"


@dataclass(slots=True)
class Control:
    """The serving side."""

    path: Path
    #: Finds an operation by name; KeyError when there is none.
    operations: Callable[[str], Operation]
    #: Makes the desk of one caller.
    desk: Callable[[str], Desk]
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises NotPermitted when the socket's folder belongs to somebody else."""
        _private_folder(self.path.parent)
        self.path.unlink(missing_ok=True)
        before = os.umask(0o077)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, path=str(self.path), limit=_LIMIT
            )
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            if line:
                by = _caller(writer.get_extra_info("socket"))
                writer.write(orjson.dumps(await self._answer(line, by)) + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            log("control").warning("command_lost")
        finally:
            writer.close()

    async def _answer(self, line: bytes, by: str) -> dict[str, Any]:
        try:
            asked = orjson.loads(line)
            operation = self.operations(asked["operation"])
            result = await asyncio.to_thread(operation, self.desk(by), asked["arguments"])
        except GatewayError as error:
            return {"error": error.text, "class": type(error).__name__}
        except Exception as error:  # noqa: BLE001 - the caller gets a sentence, we go on
            log("control").error("command_failed", error=type(error).__name__)
            return {"error": "The operation failed.", "class": "GatewayError"}
        log("control").info("command_done", operation=asked["operation"], by=by)
        return {"result": result}


def ask(path: Path, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Ask the serving process; None when nobody serves. Raises what the operation raised."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(str(path))
            connection.sendall(
                orjson.dumps({"operation": operation, "arguments": dict(arguments)}) + b"\n"
            )
            answer = _read_line(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        raise Unavailable("The serving process does not answer.") from error
    if "error" in answer:
        raise _raised(answer)
    result: dict[str, Any] = answer["result"]
    return result


def _raised(answer: Mapping[str, Any]) -> GatewayError:
    known = {one.__name__: one for one in (NotConformant, NotPermitted, Unavailable)}
    return known.get(str(answer.get("class")), GatewayError)(str(answer["error"]))


def _read_line(connection: socket.socket) -> dict[str, Any]:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    line = b"".join(parts)
    if not line.endswith(b"\n"):
        raise OSError("the answer is incomplete")
    answer: dict[str, Any] = orjson.loads(line)
    return answer


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise NotPermitted(f"{folder} is not a folder of this user alone.")


def _caller(connection: socket.socket) -> str:
    """Name the operating-system user on the other side (SO_PEERCRED, Linux)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return "os-user"
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return user_name(struct.unpack("3i", raw)[1])


def user_name(uid: int) -> str:
    """Return how an operating-system user appears in the audit log."""
    try:
        return f"os-user:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"os-user:{uid}"


def answers(path: Path) -> bool:
    """Say whether a process serves."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
    except OSError:
        return False
    return True
