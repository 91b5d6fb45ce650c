"""What came out of a batch, as ``assess`` would tell it: the same outputs, the same exit codes."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from server.cli.console import ExitCode, Failure, notice
from server.cli.outcomes import Told, ToldFile
from server.cli.taking import Output
from server.recording.batch import Unread
from server.values.text import Text
from server.wire.result import ResultModel

DELETED = ("deleted", "Its result was deleted at the server.", "服务器上的结果已被删除。")
WAITS = ("waiting", "It has not been judged yet.", "尚未评估。")


def written(rows: Iterable[dict[str, Any]], output: Output, language: str) -> ExitCode:
    """Each row of ``BatchClient.rows`` into ``output``. What could not be judged is told on standard error too."""
    unread, passed = 0, True
    for row in rows:
        one = told_of(row, language)
        output.add(one)
        if isinstance(one, ToldFile):
            passed &= one.result.overall.passed
        else:
            unread += 1
            notice(f"tingqing: {one.name}: {one.said(language)}")
    if unread:
        return ExitCode.ERROR
    return ExitCode.PASSED if passed else ExitCode.NOT_PASSED


def told_of(row: dict[str, Any], language: str) -> Told:
    """Raises Failure if it is none."""
    position = row.get("position")
    name = str(row.get("file") or Text(f"文件 {position}", f"file {position}").in_language(language))
    error, result = row.get("error"), row.get("result")
    if isinstance(error, dict):
        return Unread(name, str(error.get("code")), str(error.get("en")), str(error.get("zh") or ""))
    if result is None:
        return Unread(name, *(WAITS if row.get("state") == "waiting" else DELETED))
    try:
        return ToldFile(ResultModel.model_validate(result))
    except ValidationError:
        raise Failure(
            f"the result of {name} is not one that this version reads.",
            zh=f"这个版本读不了 {name} 的结果。",
            hint="Update tingqing, or ask the server.",
            hint_zh="请升级 tingqing，或直接向服务器查询。",
        ) from None
