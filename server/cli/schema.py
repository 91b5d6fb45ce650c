"""``tingqing schema``: prints the machine-readable contract."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.cli.console import Failure, guarded

EPILOG = """\
[bold]Examples[/bold]
  tingqing schema                                # all messages and the result
  tingqing schema result -o result.schema.json
  tingqing schema asyncapi > asyncapi.json
"""


class Document(StrEnum):
    """``messages`` is the documentation's name for ``all``."""

    MESSAGES = "messages"
    CLIENT = "client"
    SERVER = "server"
    RESULT = "result"
    ASYNCAPI = "asyncapi"
    LABELS = "labels"
    SOUNDS = "sounds"


@guarded
def schema(
    document: Annotated[
        Document,
        typer.Argument(
            help="[bold]messages[/bold]: every message of both sides and the result. [bold]client[/bold], "
            "[bold]server[/bold]: the messages of one side. [bold]result[/bold]: the result as printed by assess and "
            "carried by session.ended. [bold]asyncapi[/bold]: the AsyncAPI description of the WebSocket. "
            "[bold]labels[/bold], [bold]sounds[/bold]: the format of label files and of the sounds file, for editors.",
        ),
    ] = Document.MESSAGES,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
) -> None:
    """Print the JSON Schema of the messages, a result or a label file, or the AsyncAPI document.

    JSON Schema 2020-12, generated from the models that the server
    itself validates with.
    """
    import sys

    text = _render(document)
    if output is None:
        sys.stdout.buffer.write(text.encode("utf-8"))
        sys.stdout.buffer.flush()
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {output}: {error.strerror}") from None


def _render(document: Document) -> str:
    if document in (Document.LABELS, Document.SOUNDS):
        from server.dictionaries import schema

        return schema.render(document.value)
    from server.wire.schema import SchemaKind, render

    kinds: dict[Document, SchemaKind] = {
        Document.MESSAGES: "all",
        Document.CLIENT: "client",
        Document.SERVER: "server",
        Document.RESULT: "result",
        Document.ASYNCAPI: "asyncapi",
    }
    return render(kinds[document])
