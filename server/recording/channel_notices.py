"""The sentences about the channels of a recording, for its caller. No I/O."""

from collections.abc import Sequence

from server.values.notices import Notice, NoticeCode
from server.values.text import Text

_SIDE_WORDS = (Text("左声道", "left channel"), Text("右声道", "right channel"))


def channel_name(number: int, channels: int) -> Text:
    """In both languages, for the middle of a sentence."""
    return _SIDE_WORDS[number] if channels == 2 else Text(f"第 {number + 1} 声道", f"channel {number + 1}")


def _named(numbers: Sequence[int], channels: int) -> Text:
    names = [channel_name(number, channels) for number in numbers]
    return Text("、".join(name.zh for name in names), ", ".join(name.en for name in names))


def dead_notice(live: Sequence[int], channels: int) -> Notice:
    """Of a recording of which only ``live`` hold sound."""
    dead = _named([number for number in range(channels) if number not in live], channels)
    judged = _named(live, channels)
    return Notice(
        f"{dead.zh}没有声音，只评估了{judged.zh}。",
        f"There is no sound on the {dead.en}. Only the {judged.en} was judged.",
        NoticeCode.DEAD_CHANNEL,
    )


def inverted_notice(judged: int, channels: int) -> Notice:
    """Of channels of which ``judged`` stands for others that would cancel it."""
    name = channel_name(judged, channels)
    return Notice(
        f"各声道互为反相，相加会抵消，只评估了{name.zh}。",
        f"The channels are inverted and would cancel each other. Only the {name.en} was judged.",
        NoticeCode.INVERTED_CHANNELS,
    )


def one_sound_notice(alike: Sequence[int], judged: int, channels: int) -> Notice:
    """Of channels ``alike``, of which ``judged`` stands for all."""
    names, name = _named(alike, channels), channel_name(judged, channels)
    return Notice(
        f"以下声道是同一个声音：{names.zh}。只评估了{name.zh}。",
        f"These channels carry the same sound: {names.en}. Only the {name.en} was judged.",
        NoticeCode.ONE_SOUND,
    )


def mixed_notice(mixed: Sequence[int], channels: int) -> Notice:
    """Of channels that differ, but not as those of different people do."""
    names = _named(mixed, channels)
    return Notice(
        f"以下声道的声音不同，但听不出是不同的人：{names.zh}。评估的是它们的混合。",
        f"These channels differ, but not as those of different people do: {names.en}. Their mix was judged.",
        NoticeCode.MIXED_CHANNELS,
    )


def unexamined_notice(channels: int, most: int) -> Notice:
    """Of a recording with more than ``most`` channels."""
    return Notice(
        f"录音有 {channels} 个声道，超过 {most} 个：没有逐个检查，评估的是它们的混合，混合可能掩盖某个人的声音。"
        "请说明患者在哪个声道，例如 patient=3。",
        f"The recording has {channels} channels, more than {most}. They were not compared, and their mix was judged, "
        "which may hide somebody. Say which channel is the patient's, for example patient=3.",
        NoticeCode.UNEXAMINED_CHANNELS,
    )


def parties_notice(number: int, channels: int) -> Notice:
    """Of a recording whose channels were judged one by one; ``number`` is the worst."""
    worst = channel_name(number, channels)
    return Notice(
        f"各声道是不同的人，已分别评估，这里是较差的一个：{worst.zh}。"
        "请说明谁在哪个声道，例如 patient=right,doctor=left。",
        f"The channels hold different people and were judged one by one. This is the worse result: the {worst.en}. "
        "Say who is on which channel, for example patient=right,doctor=left.",
        NoticeCode.DIFFERENT_CHANNELS,
    )
