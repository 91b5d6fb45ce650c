"""The folder of labels that docs/labels.md shows: the shipped files, and the dictionary with rules of the guide."""

import shutil
from pathlib import Path

from server.resources import labels_dir
from tests.repo.markdown import code_blocks, read

STATED, DENIED = "我左边胸口疼", "我左胸不疼"
EVENT, RULE, LABEL = "triage.chest_pain", "left_chest_pain_stated", "left_chest_pain"
NOISY = "triage.call_back"


def triage_folder(parent: Path) -> Path:
    """A new folder ``labels`` in ``parent``."""
    _, dictionary, topics = code_blocks(read("docs/labels.md"), "toml")
    folder = parent / "labels"
    shutil.copytree(labels_dir(), folder)
    (folder / "triage.toml").write_text(dictionary, encoding="utf-8")
    (folder / "topics" / "triage.toml").write_text(topics, encoding="utf-8")
    return folder
