"""Text as a recogniser might write it: some characters replaced by others that sound the same."""

import random
import unicodedata
from collections import defaultdict


class Homophones:
    """Replaces every fifth Chinese character, at random, by another common one with the same toneless reading."""

    def __init__(self, rng: random.Random) -> None:
        from pypinyin.pinyin_dict import pinyin_dict

        self._rng = rng
        self._readings = {chr(code): _plain(reading) for code, reading in pinyin_dict.items()}
        self._alike: dict[str, list[str]] = defaultdict(list)
        for high in range(0xB0, 0xD8):  # the 3,755 most common characters of GB 2312
            for low in range(0xA1, 0xFF):
                char = bytes([high, low]).decode("gb2312", "ignore")
                if char in self._readings:
                    self._alike[self._readings[char]].append(char)

    def write(self, text: str) -> str:
        return "".join(self._slip(char) if self._rng.random() < 0.2 else char for char in text)

    def _slip(self, char: str) -> str:
        others = [other for other in self._alike.get(self._readings.get(char, ""), []) if other != char]
        return self._rng.choice(others) if others else char


def _plain(reading: str) -> str:
    first = unicodedata.normalize("NFD", reading.split(",", maxsplit=1)[0])
    return "".join(char for char in first if char.isascii() or char == "\u0308")
