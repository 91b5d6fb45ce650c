"""Items of bench/second_kind.py: rooms, lines, covered microphones, suppressors, whispers, and more than one voice."""

from collections.abc import Iterator
from dataclasses import replace

from codecs_of_lines import CODECS, Codec, by_webrtc
from pairs import truth
from second_kind_items import SMALL, Item, Stage, Wanted, fails
from spoil import UPSAMPLERS, covered, hum, in_turns, self_echo, suppressed, telephone, upsampled, whispered
from voices import RATE, Audio, clarity_db, decaying_room, floor_noise, in_room, levelled, make_mixes, with_noise

PHONE = ("phone", "telephone", "headset")
MUTE = ("mute",)
EACH_SUPPRESSED = 8


class Places(Stage):
    """Items with something between the talker and us."""

    def all(self) -> Iterator[Item]:
        for group in (self._echoes(), self._lines(), self._voices()):
            yield from group

    def _echoes(self) -> Iterator[Item]:
        for _ in range(SMALL):
            delay, gain = float(self._rng.uniform(120, 300)), float(self._rng.uniform(0.6, 0.9))
            voice, talker = self._voice()
            echoed, echo = self_echo(voice, delay, gain), fails("low_reverberation")
            yield self._item("self-echo", echoed, talker, echo, delay_ms=delay, gain=gain)
            voice, talker = self._voice()
            yield self._item("self-echo: none", voice, talker, Wanted())
        near = [room for room in self._cast.rooms() if 8 <= clarity_db(room) <= 15]
        for place in range(9):
            voice, talker = self._voice()
            room = near[place * len(near) // 9]
            yield self._item("room, C50 8–15 dB", in_room(voice, room), talker, Wanted(), c50_db=clarity_db(room))
        far, wanted = self._far_rooms(8), fails("low_reverberation", "close_enough", may=("low_background",))
        for room in far:
            voice, talker = self._voice()
            yield self._item("room, C50 < 0 dB", in_room(voice, room), talker, wanted, c50_db=clarity_db(room))

    def _far_rooms(self, count: int) -> list[Audio]:
        found: list[Audio] = []
        while len(found) < count:
            room = decaying_room(float(self._rng.uniform(0.8, 2.2)), float(self._rng.uniform(-12, -5)), self._rng)
            found += [room] if -5 <= clarity_db(room) <= -0.5 else []
        return found

    def _lines(self) -> Iterator[Item]:
        for codec in CODECS:
            voice, talker = self._voice()
            yield self._coded(codec, voice, talker)
        for place in range(12):
            voice, talker = self._voice()
            how = UPSAMPLERS[place % len(UPSAMPLERS)]
            line, rate = upsampled(telephone(voice), how)
            heard = replace(self._item("telephone", line, talker, Wanted(), how=how), rate=rate, source="telephone")
            yield heard
            told = fails("full_bandwidth", says=PHONE)
            yield replace(heard, kind="telephone band on a microphone", wanted=told, source="microphone")
        for place in range(8):
            voice, talker = self._voice()
            hz = (600, 900, 1200, 1500)[place % 4]
            cover = covered(levelled(voice, -26 - place), hz, -75, self._rng)
            yield self._item("covered", cover, talker, fails("full_bandwidth", "intelligible"), hz=hz)
        yield from self._suppressed()

    def _coded(self, codec: Codec, voice: Audio, talker: str) -> Item:
        """A narrow band is a line's. What PESQ has under 2 may fail: the quantisation is heard."""
        sound = codec.through(voice)
        poor = truth(voice, sound)["pesq"] < 2.2
        may = ("full_bandwidth", "intelligible", "low_background") if poor or codec.name == "opus6" else ()
        wanted = Wanted("either" if may else "accept", may=may)
        item = self._item("codec", sound, talker, wanted, codec=codec.name)
        return replace(item, source="telephone" if codec.narrow else "file")

    def _suppressed(self) -> Iterator[Item]:
        """Noise that a suppressor took off without harm passes; words that it took with it do not. ESTOI and PESQ say
        which."""
        spoiled = fails("low_background", "intelligible", may=("close_enough", "continuous_signal", "no_crosstalk"))
        for kind, wanted, snrs in (("suppressed well", Wanted(), (24, 20)), ("suppressed, spoiled", spoiled, (2, -2))):
            made = 0
            for place in range(60):
                voice, talker = self._voice()
                noise, group = self._cast.noise(self._cast.kinds[place % len(self._cast.kinds)], voice.size)
                sound = self._enhanced(
                    with_noise(voice, noise, snrs[place % 2]), place, harsh=kind != "suppressed well"
                )
                found = truth(voice, sound)
                good, bad = found["estoi"] >= 0.88 and found["pesq"] >= 2.3, found["estoi"] < 0.62
                if good if kind == "suppressed well" else bad:
                    made += 1
                    yield replace(self._item(kind, sound, talker, wanted, **found), noise=group)
                if made == EACH_SUPPRESSED:
                    break

    def _enhanced(self, noisy: Audio, place: int, *, harsh: bool) -> Audio:
        if place % 3 == 0 and self._enhancer is not None:
            return self._enhancer.enhanced(noisy)
        return (
            by_webrtc(noisy, 4 if harsh else 2)
            if place % 3 == 1
            else suppressed(noisy, *((8, 0.01) if harsh else (2, 0.1)))
        )

    def _voices(self) -> Iterator[Item]:
        for _ in range(7):
            voice, talker = self._voice()
            sound = levelled(whispered(voice, self._rng), -32) + floor_noise(voice.size, -74, self._rng)
            wanted = Wanted("either", may=("close_enough", "speech_present"), never=("move_somewhere_quieter",))
            yield self._item("whisper", sound, talker, wanted)
        for place in range(11):
            first, talker = self._voice()
            second, other = self._cast.voice(first.size / RATE)
            under, start = (0, -3, -6, -9)[place % 4], (0, first.size // 2)[place % 2]
            second = levelled(second, make_mixes.active(first) + under)[: first.size]
            second[:start] = 0
            wanted = fails("no_crosstalk", "low_background")
            yield self._item(
                "overlap", first + second, f"{talker};{other}", wanted, second_db=under, from_s=start / RATE
            )
        for _ in range(7):
            first, talker = self._voice()
            second, other = self._cast.voice(first.size / RATE)
            second = levelled(second, make_mixes.active(first) + self._rng.uniform(-4, 2))[: first.size]
            yield self._item("turns", in_turns(first, second, self._rng), f"{talker};{other}", Wanted())
        for place in range(7):
            n, level = 11 * RATE, -58.0 - 3 * place
            sound = floor_noise(n, level if place % 2 else -78.0, self._rng)
            sound += 0.0 if place % 2 else hum(n, 50, level, 5, self._rng)
            wanted = Wanted("fail", (), ("*",), prompts=("check_microphone",), never=("speak_up",), says=MUTE)
            yield self._item("noise floor alone", sound, "", wanted, dbfs=level)
