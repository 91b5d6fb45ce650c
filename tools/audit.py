"""Fails where a pinned package has a published vulnerability, and names the version that mends it; by pip-audit.

Where the advisories cannot be had (no network, an index without them), it says so in one line and passes: no check may
depend on somebody else's service.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PINS = Path("constraints.txt")
ANSWER_S = 10
"""Longest wait for one answer."""

MOST_S = 300
"""Longest wait in all: about a second for each package."""


def pins() -> list[str]:
    return [line for line in PINS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def audited(packages: list[str]) -> list[dict[str, Any]] | None:
    """What is known of each package; ``None``: nothing, because nobody answered."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "pins.txt")
        path.write_text("\n".join(packages) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "-r", str(path), "--no-deps", "--disable-pip"]
        options = ["--format", "json", "--progress-spinner", "off", "--timeout", str(ANSWER_S)]
        try:
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=MOST_S)
            told: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            return None
    return None if all("skip_reason" in one for one in told) else told


def main() -> int:
    packages = pins()
    # One first: where nobody answers, two hundred questions would only take longer.
    told = audited(packages[:1]) and audited(packages)
    if not told:
        print("pip-audit: no advisories can be had here (no network, or an index without them): skipped.")
        return 0
    faulty = [(one, fault) for one in told for fault in one.get("vulns", [])]
    for one, fault in faulty:
        mended = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}", file=sys.stderr)
    unknown = sum("skip_reason" in one for one in told)
    print(f"pip-audit: {len(told)} packages, {unknown} of them unknown to the index, {len(faulty)} vulnerabilities.")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
