"""The film of a visit: how it is cut, and that the READMEs' films can be watched."""

import pytest
from PIL import Image, ImageSequence

from tests.browser.film import LOCALES, Picture, Shot, cut
from tests.browser.screenshots import IMAGES

MAX_BYTES = 3_000_000


def test_pages_are_cut_on_one_clock_and_a_picture_stands_until_one_of_them_moves() -> None:
    patient = [Shot(9.0, b"a"), Shot(10.16, b"b"), Shot(10.19, b"c"), Shot(10.36, b"d")]
    doctor = [Shot(10.0, b"x"), Shot(10.27, b"y")]
    assert cut([patient, doctor], 10.5) == [
        Picture(200, (b"a", b"x")),
        Picture(100, (b"c", b"x")),
        Picture(100, (b"c", b"y")),
        Picture(100, (b"d", b"y")),
    ]


@pytest.mark.parametrize("name", LOCALES)
def test_a_film_of_the_readme_moves_as_the_pages_do(name: str) -> None:
    """These draw the level five times a second, and the course once; so no picture stands for much longer than that
    and half of them for no longer than the level does."""
    path = IMAGES / f"{name}.webp"
    stands_ms = []
    with Image.open(path) as film:
        for picture in ImageSequence.Iterator(film):
            picture.load()
            stands_ms.append(picture.info["duration"])
    assert 15_000 <= sum(stands_ms) <= 30_000
    assert sorted(stands_ms)[len(stands_ms) // 2] <= 200
    assert max(stands_ms) <= 1500
    assert path.stat().st_size <= MAX_BYTES
