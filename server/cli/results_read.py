"""Reads results back that ``assess`` or a server gave."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from server.cli.console import Failure
from server.cli.outcomes import Told, ToldFile
from server.recording.batch import Unread
from server.values.text import Text
from server.wire.result import ResultModel


def results_in(path: Path) -> Iterator[Told]:
    """What a file of JSON or JSON lines has, in order; ``-``: standard input. A ``session.ended`` message counts too.

    Raises Failure if it cannot be read, or is something else.
    """
    try:
        text = sys.stdin.read() if path == Path("-") else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = str(error.strerror) if isinstance(error, OSError) else ""
        why = Text(told or "不是文本", told or "it is no text")
        raise Failure(f"cannot read {path}: {why.en}.", zh=f"无法读取 {path}：{why.zh}。") from None
    for value in _values(text, path):
        yield _told(value, path)


def _values(text: str, path: Path) -> Iterator[Any]:
    try:
        whole = json.loads(text)
    except ValueError:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError:
                    raise Failure(f"{path}:{number}: no JSON.", zh=f"{path}:{number}：不是 JSON。") from None
        return
    yield from whole if isinstance(whole, list) else [whole]


def _told(value: Any, path: Path) -> Told:
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        error, source = value["error"], value.get("source") or {}
        return Unread(
            str(source.get("name")), str(error.get("code")), str(error.get("message")), error.get("message_zh") or ""
        )
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        value = value["result"]
    try:
        return ToldFile(ResultModel.model_validate(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg']}"
        raise Failure(f"{path} is no result: {why}.", zh=f"{path} 不是评估结果：{why}。") from None
