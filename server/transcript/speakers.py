"""Whose line of a transcript it is."""

from enum import StrEnum


class Speaker(StrEnum):
    """A line of the ``DOCTOR`` is a question. What ``OTHER`` say counts for labels that a caregiver may answer."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    OTHER = "other"


DOCTORS = frozenset({"doctor", "dr", "physician", "clinician", "nurse", "interviewer", "医生", "大夫", "护士"})
OTHERS = frozenset(
    {
        *("other", "caregiver", "carer", "family", "relative", "companion", "parent", "mother", "father", "guardian"),
        *("spouse", "husband", "wife", "son", "daughter"),
        *(
            "家属",
            "家人",
            "家长",
            "亲属",
            "陪护",
            "陪同",
            "旁人",
            "监护人",
            "妈妈",
            "爸爸",
            "母亲",
            "父亲",
            "爷爷",
            "奶奶",
            "姥姥",
            "姥爷",
        ),
        *("外公", "外婆", "丈夫", "妻子", "老伴", "儿子", "女儿"),
    }
)


def speaker_named(name: str | None) -> Speaker:
    """Who is meant by a transcript's name for a speaker, in Chinese or English: the patient unless it says so."""
    told = "" if name is None else name.strip().casefold()
    if told in DOCTORS:
        return Speaker.DOCTOR
    return Speaker.OTHER if told in OTHERS else Speaker.PATIENT


def is_doctor(name: str | None) -> bool:
    """Whether a line's speaker is named as a doctor."""
    return speaker_named(name) is Speaker.DOCTOR
