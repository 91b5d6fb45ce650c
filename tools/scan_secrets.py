"""Fails where a file that git would commit holds something that looks like a secret, and says file and line.

Keys, tokens and passwords, by detect-secrets. Hex digits alone are digests here, so they are not looked at. A line that
only looks like a secret ends in a comment that says so: ``pragma: allowlist secret``.
"""

import re
import subprocess
import sys
from pathlib import Path

OWN_KEY = re.compile(r"\btq_[A-Za-z0-9_-]{40,}")
"""A key as ``tingqing keys create`` prints it: 256 bits."""

ALLOWED = "pragma: allowlist secret"
UNREAD = r"^(tests/data/.*\.json|tools/js/package-lock\.json|docs/asyncapi\.json|labels/.*)$"
"""Large files of digests, words and schemas."""


def texts() -> list[str]:
    """Files that git tracks or would add, without pictures and weights."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        check=True,
        text=True,
    )
    names = [name for name in listed.stdout.split("\0") if name and Path(name).is_file()]
    return [name for name in names if b"\0" not in Path(name).read_bytes()[:8192]]


def own_keys(names: list[str]) -> list[str]:
    """Places of keys of this product."""
    return [
        f"{name}:{number}"
        for name in names
        for number, line in enumerate(Path(name).read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if OWN_KEY.search(line) and ALLOWED not in line
    ]


def main() -> int:
    names = texts()
    found = own_keys(names)
    for place in found:
        print(f"{place}: a key of Tingqing. Revoke it, and take it out of the history.", file=sys.stderr)
    hook = [
        *(sys.executable, "-m", "detect_secrets.pre_commit_hook", "--no-verify"),
        *("--exclude-files", UNREAD, "--disable-plugin", "HexHighEntropyString"),
    ]
    done = subprocess.run([*hook, *names], check=False)
    return 1 if found or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
