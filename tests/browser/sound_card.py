"""A sound card that nobody hears: without one Firefox neither plays nor listens. Its microphone plays a file."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.conftest import require

WITHIN_S = 60.0
IDLE_S = 120
"""After so long without a client it ends by itself, should nobody end it."""


@contextmanager
def microphone(wav: Path, folder: Path) -> Iterator[dict[str, str]]:
    """The environment of programs whose microphone hears ``wav``, from now on and once. A PulseAudio of its own serves
    them, with what it writes in the empty ``folder``. Skips, or fails where it is required, if there is none."""
    server = require(shutil.which("pulseaudio"), "pulseaudio (apt-get install pulseaudio)")
    address = folder / "native"
    environment = os.environ | {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_SERVER": f"unix:{address}",
    }
    modules = [
        f"module-native-protocol-unix socket={address} auth-anonymous=1",
        "module-null-sink sink_name=loudspeaker",
        "module-null-sink sink_name=room",
        "module-remap-source source_name=microphone master=room.monitor",
    ]
    options = ["-n", "--daemonize=yes", "--disable-shm=yes", f"--exit-idle-time={IDLE_S}"]
    options += [word for module in modules for word in ("-L", module)]
    # It goes to the background once it serves.
    started = subprocess.run(
        [server, *options], env=environment, capture_output=True, text=True, check=False, timeout=WITHIN_S
    )
    assert started.returncode == 0, started.stderr
    try:
        for kind, name in (("sink", "loudspeaker"), ("source", "microphone")):
            subprocess.run(
                ["pactl", f"set-default-{kind}", name],
                env=environment,
                check=True,
                capture_output=True,
                timeout=WITHIN_S,
            )
        player = subprocess.Popen(["paplay", "--device=room", str(wav)], env=environment)
        try:
            yield environment
        finally:
            player.terminate()
            player.wait(WITHIN_S)
    finally:
        subprocess.run([server, "--kill"], env=environment, check=True, capture_output=True, timeout=WITHIN_S)
