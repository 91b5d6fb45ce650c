"""What may happen to a signal in a visit: the patient goes off, the phone is covered, the line loses something."""

from collections.abc import Callable

import numpy as np

from tools.material.visits.processing import concealed_packets, lost_packets, lost_quanta, pocket, walked_away
from tools.material.visits.right import (
    ACCEPT,
    CLOSER,
    ECHO,
    FAILS,
    MICROPHONE,
    MILD_DB,
    QUIETER,
    SPEAK_UP,
    SPOILED_PASSES,
    expected,
    verdicts,
)
from tools.material.visits.setting import Scene, finished
from tools.material.visits.sound import smooth_gain
from tools.material.visits.truth import RATE, Audio, Fault, Stretch, Visit


def walk_away(scene: Scene) -> Visit:
    """The patient goes off while speaking, and comes back."""
    start, over, stays = 20.0, float(scene.rng.uniform(3, 8)), float(scene.rng.uniform(14, 22))
    away = Stretch(start + over, start + over + stays)
    scene.begin(Stretch(start, away.end_s))
    drop = scene.db - float(scene.rng.uniform(-52, -47))
    points = [(0.0, 0.0), (start, 0.0), (away.start_s, -drop), (away.end_s, -drop), (away.end_s + 3, 0.0)]
    moved = smooth_gain(len(scene.talk.patient.samples), points)
    samples = walked_away(scene.talk.patient.samples, scene.near, moved) + scene.rest()
    ids = {CLOSER, ECHO} | ({QUIETER} if scene.db - drop - scene.floor_db < MILD_DB else set())
    gone = Stretch(start + over / 2, away.end_s + 2)
    return finished(
        scene,
        samples,
        faults=(Fault("walk_away", away, f"{drop:.0f} dB less"),),
        expected=(
            expected({CLOSER, ECHO}, away, "walk_away", must=True),
            expected(ids | {SPEAK_UP}, gone, "walk_away", must=False),
        ),
        spoiled=(gone,),
    )


def in_pocket(scene: Scene) -> Visit:
    """The phone goes into a pocket while the patient speaks."""
    start = float(scene.rng.uniform(18, 26))
    at = Stretch(start, start + float(scene.rng.uniform(14, 22)))
    scene.begin(at)
    samples = pocket(scene.voices(), at, scene.sources.rubbing, scene.rng)
    return finished(
        scene,
        samples,
        faults=(Fault("pocket", at),),
        expected=(
            expected({MICROPHONE, CLOSER}, at, "pocket", must=True),
            expected({QUIETER, SPEAK_UP}, at, "pocket", must=False),
        ),
        spoiled=(at,),
    )


def losses(scene: Scene) -> Visit:
    """Packets or audio quanta are lost for a while, as zeros or concealed."""
    start = float(scene.rng.uniform(15, 25))
    at = Stretch(start, start + float(scene.rng.uniform(20, 30)))
    scene.begin(Stretch(start, start + 12))
    share, burst = float(scene.rng.choice((0.1, 0.16, 0.22))), int(scene.rng.choice((1, 2, 3)))
    how: tuple[str, Callable[[Audio], Audio]] = (
        ("zeros", lambda x: lost_packets(x, at, share, burst, scene.rng)),
        ("concealed", lambda x: concealed_packets(x, at, share, burst, scene.rng)),
        ("quanta", lambda x: lost_quanta(x, at, 8, scene.rng)),
    )[scene.number % 3]
    name = f"losses, {how[0]}"
    detail = "8 a second" if how[0] == "quanta" else f"{share:.0%} of 20 ms, {burst} at a time"
    return finished(
        scene,
        how[1](scene.voices()),
        faults=(Fault(name, at, detail),),
        expected=(expected({MICROPHONE}, at, name, must=True),),
        spoiled=(at,),
        verdicts=verdicts(scene, [at]),
    )


def gap(scene: Scene) -> Visit:
    """The line breaks one to three times: 1–4 s that the client says are lost."""
    n = int(scene.rng.integers(1, 4))
    parts = np.linspace(10, scene.seconds - 8, n + 1)
    at = [Stretch(start, start + float(scene.rng.uniform(1, 4))) for start in map(float, parts[:n])]
    share = sum(one.seconds for one in at) / scene.seconds
    return finished(
        scene,
        scene.voices(),
        faults=tuple(Fault("gap", one) for one in at),
        lost=tuple(at),
        verdicts=ACCEPT if share < SPOILED_PASSES else frozenset(),
    )


def muted(scene: Scene) -> Visit:
    """Muted all the time, by zeros or down to the floor; or by zeros in mid-visit."""
    samples = scene.voices()
    whole = Stretch(0.0, scene.seconds)
    if scene.number % 3 == 2:
        start = float(scene.rng.uniform(20, 30))
        at = Stretch(start, start + float(scene.rng.uniform(14, 24)))
        samples[round(at.start_s * RATE) : round(at.end_s * RATE)] = 0.0
        wanted = (expected({MICROPHONE}, at, "muted, zeros for a while", must=True),)
        return finished(scene, samples, faults=(Fault("muted for a while", at),), expected=wanted, spoiled=(at,))
    zeros = scene.number % 3 == 0
    samples = np.zeros(len(samples)) if zeros else scene.floor()
    cause = f"muted, {'zeros' if zeros else 'floor only'}"
    return finished(
        scene.unheard(),
        samples,
        faults=(Fault(cause, whole),),
        expected=(expected({MICROPHONE, SPEAK_UP}, whole, cause, must=True),),
        spoiled=(whole,),
        verdicts=FAILS,
    )
