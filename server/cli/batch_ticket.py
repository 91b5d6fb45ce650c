"""What ``tingqing batch send --out`` writes beside its output, so that ``--resume`` goes on with the same batch."""

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from server.cli.console import Failure, cannot_write
from server.client.multipart import FilePart

SUFFIX = ".batch"


@dataclass(frozen=True, slots=True)
class Ticket:
    """``key``: the Idempotency-Key under which it is sent. ``asked``: digest of files and options. ``batch_id``: once
    it has come in."""

    server: str
    asked: str
    key: str
    batch_id: str | None = None


class TicketFile:
    """Readable by its owner alone: whoever has the key of a request gets its answer."""

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + SUFFIX)

    def begin(self, server: str, asked: str, *, resume: bool) -> Ticket:
        """That of the interrupted run if ``resume`` and there is one, else a new one. Raises Failure."""
        found = self._read() if resume else None
        if found is None:
            found = Ticket(server, asked, secrets.token_hex(16))
            self.write(found)
        elif (found.server, found.asked) != (server, asked):
            raise Failure(
                f"{self.path} was begun with other files, options or another server.",
                zh=f"{self.path} 开始时用的是别的文件、选项或服务器。",
                hint="Give the same ones (a file that changed is another one), or leave out --resume.",
                hint_zh="请给出相同的文件、选项和服务器（改过的文件算另一个），或去掉 --resume。",
            )
        return found

    def write(self, ticket: Ticket) -> None:
        """In one step. Raises Failure."""
        coming = self.path.with_name(self.path.name + ".new")
        try:
            with suppress(FileNotFoundError):
                coming.unlink()
            with os.fdopen(os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(ticket), file)
                file.flush()
                os.fsync(file.fileno())
            coming.replace(self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def came_in(self, ticket: Ticket, batch_id: str) -> None:
        """The server has it."""
        self.write(replace(ticket, batch_id=batch_id))

    def remove(self) -> None:
        """The output is written."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> Ticket | None:
        try:
            return Ticket(**json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            raise Failure(
                f"{self.path} cannot be read.",
                zh=f"无法读取 {self.path}。",
                hint="Delete it, or leave out --resume.",
                hint_zh="请删除它，或去掉 --resume。",
            ) from None


def asked_digest(fields: Sequence[tuple[str, str]], files: Sequence[FilePart]) -> str:
    """Of what is sent, by name, size and time of the files: of gigabytes nobody wants to wait for more."""
    told = [[part.field, part.name, part.size, part.path.stat().st_mtime_ns] for part in files]
    return hashlib.sha256(json.dumps([sorted(fields), told]).encode()).hexdigest()
