"""Whose line of a transcript it is."""

import re
from enum import StrEnum


class Speaker(StrEnum):
    """A line of the ``DOCTOR`` is a question. What ``OTHER`` say counts for labels that a caregiver may answer."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    OTHER = "other"


DOCTORS = frozenset({"doctor", "dr", "physician", "clinician", "nurse", "interviewer"})
OTHERS = frozenset(
    {
        *("other", "caregiver", "carer", "family", "relative", "companion", "parent", "mother", "father", "guardian"),
        *("spouse", "husband", "wife", "son", "daughter"),
    }
)
"""Words of an English name, such as "Dr. Smith" or "nurse 2"."""

DOCTORS_ZH = ("医生", "大夫", "护士", "医师")
OTHERS_ZH = (
    *("家属", "家人", "家长", "亲属", "陪护", "陪同", "旁人", "监护人", "妈妈", "爸爸", "母亲", "父亲", "爷爷", "奶奶"),
    *("姥姥", "姥爷", "外公", "外婆", "丈夫", "妻子", "老伴", "儿子", "女儿"),
)
PATIENTS_ZH = ("患者", "病人", "患儿")
"""Parts of a Chinese name, such as 张医生, 主治医师A or 患者家属. Who is the patient's own counts first for others."""


def speaker_named(name: str | None) -> Speaker:
    """Who is meant by a transcript's name for a speaker, in Chinese or English: the patient, unless it says so."""
    told = "" if name is None else name.casefold()
    words = set(re.findall(r"[a-z]+", told))
    if words & OTHERS or any(part in told for part in OTHERS_ZH):
        return Speaker.OTHER
    if words & {"patient"} or any(part in told for part in PATIENTS_ZH):
        return Speaker.PATIENT
    return Speaker.DOCTOR if words & DOCTORS or any(part in told for part in DOCTORS_ZH) else Speaker.PATIENT


def is_doctor(name: str | None) -> bool:
    """Whether a line's speaker is named as a doctor."""
    return speaker_named(name) is Speaker.DOCTOR
