"""A form with files (RFC 7578), written as it is sent: however many files there are, one is open at a time."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.errors import ClientError

BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class FilePart:
    """``field``: of the form. ``name``: as it is told. ``size``: bytes that are sent."""

    field: str
    name: str
    path: Path
    size: int


class Form:
    """Text fields and files. ``blocks`` may be called again: the same bytes are sent."""

    def __init__(self, fields: Sequence[tuple[str, str]], files: Sequence[FilePart]) -> None:
        self._boundary = secrets.token_hex(16)
        self._fields = [_head(self._boundary, name) + text.encode() + b"\r\n" for name, text in fields]
        self._files = [(_head(self._boundary, each.field, each.name), each) for each in files]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """Of the request."""
        size = sum(map(len, self._fields)) + len(self._end)
        size += sum(len(head) + each.size + 2 for head, each in self._files)
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}", "Content-Length": str(size)}

    def blocks(self, sent: Callable[[int], None]) -> Iterator[bytes]:
        """``sent`` is told how many bytes of files have gone. Raises ClientError if a file is not as it was."""
        yield from self._fields
        gone = 0
        for head, each in self._files:
            yield head
            for block in _of(each):
                yield block
                gone += len(block)
                sent(gone)
            yield b"\r\n"
        yield self._end


def _of(each: FilePart) -> Iterator[bytes]:
    left = each.size
    try:
        with each.path.open("rb") as file:
            while block := file.read(min(BLOCK, left)):
                left -= len(block)
                yield block
            left += bool(file.read(1))
    except OSError as error:
        en, zh = f"{each.name} cannot be read: {error.strerror}.", f"无法读取 {each.name}：{error.strerror}。"
        raise ClientError(en, zh=zh) from None
    if left:
        raise ClientError(
            f"{each.name} changed while it was sent.",
            zh=f"{each.name} 在发送时改动了。",
            hint="Run the command again.",
            hint_zh="请重新运行这条命令。",
        )


def _head(boundary: str, field: str, name: str | None = None) -> bytes:
    """Names as browsers write them (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html)."""
    said = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field)}"'
    if name is not None:
        said += f'; filename="{_quoted(name)}"\r\nContent-Type: application/octet-stream'
    return f"{said}\r\n\r\n".encode("utf-8", "replace")


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
