"""The key of a cached network: it follows the code that makes it, and nothing else."""

from pathlib import Path

from tools.recipe import recipe

CODE = '''"""Fits a network."""

import os

RATE = 3
"""A rate."""


def fit(x: int) -> int:
    """Fits."""
    return x * RATE  # a reason


def other() -> str:
    return os.sep


def main() -> None:
    print(fit(1))
'''


def of(folder: Path, text: str, **chosen: tuple[str, ...]) -> str:
    file = folder / "module.py"
    file.write_text(text, encoding="utf-8")
    return recipe(file, **chosen)


def test_words_imports_layout_and_the_command_line_change_no_recipe(tmp_path: Path) -> None:
    same = CODE.replace("Fits.", "Fits it.").replace("import os", "import os, sys").replace("fit(1)", "fit(2)")
    same = same.replace("# a reason", "").replace('"""A rate."""', "").replace("x * RATE", "(x * RATE)")
    assert of(tmp_path, same) == of(tmp_path, CODE)


def test_code_and_constants_change_the_recipe(tmp_path: Path) -> None:
    assert of(tmp_path, CODE.replace("RATE = 3", "RATE = 4")) != of(tmp_path, CODE)
    assert of(tmp_path, CODE.replace("x * RATE", "x + RATE")) != of(tmp_path, CODE)
    assert of(tmp_path, CODE.replace("os.sep", "os.linesep")) != of(tmp_path, CODE)


def test_only_what_matters_counts(tmp_path: Path) -> None:
    other = CODE.replace("os.sep", "os.linesep")
    assert of(tmp_path, other, only=("RATE", "fit")) == of(tmp_path, CODE, only=("RATE", "fit"))
    assert of(tmp_path, other, without=("other",)) == of(tmp_path, CODE, without=("other",))
    assert of(tmp_path, CODE.replace("= 3", "= 4"), only=("RATE",)) != of(tmp_path, CODE, only=("RATE",))
