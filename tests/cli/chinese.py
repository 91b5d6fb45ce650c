"""Whether what a command says is Chinese throughout."""

import re

ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]+ [a-z]+")
"""Three words in a row."""

COMMAND = re.compile(r"tingqing( [a-z]+)+|--[a-z-]+ [a-z]+")
OF_THE_SYSTEM = re.compile(r"Permission denied|No such file or directory|Is a directory|Connection refused")


def is_chinese(text: str) -> bool:
    """No sentence in English, but for commands and what the operating system says."""
    rest = OF_THE_SYSTEM.sub("", COMMAND.sub("", text))
    return ENGLISH.search(rest) is None and re.search("[\u4e00-\u9fff]", rest) is not None
