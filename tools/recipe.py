"""What a fitted network depends on, as text: code without its comments, docstrings, imports and command line."""

import ast
from collections.abc import Collection
from pathlib import Path

COMMAND_LINE = frozenset({"main"})


def recipe(source: Path, only: Collection[str] = (), without: Collection[str] = ()) -> str:
    """The code of a module, whatever its layout. ``only``: the names that matter, all by default; ``without``: names
    that do not."""
    tree = ast.parse(source.read_text("utf-8"))
    left_out = COMMAND_LINE | set(without)
    tree.body = [
        node
        for node in tree.body
        if not _is_text(node)
        and not isinstance(node, ast.Import | ast.ImportFrom)
        and not _names(node) & left_out
        and (not only or _names(node) & set(only))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and len(node.body) > 1 and _is_text(node.body[0]):
            del node.body[0]
    return ast.dump(tree)


def _names(node: ast.stmt) -> set[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
