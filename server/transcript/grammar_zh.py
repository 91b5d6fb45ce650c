"""Chinese: what a clause says about a word in it. Patterns, no parser: clauses of speech are short.

``before`` and ``after`` are a clause's text on either side of the word, in which every other symptom or place is
written ``S``.
"""

import re

_AT_END = r"$"
_FILLER = (
    r"(?:什么|明显|任何|出现|觉得|感觉|感到|发生|过|再|见到|见|到|伴随|伴有|伴|其他|其它|别的|的|特别|那种"
    r"|这种|一点儿?|啥|发现|怎么|太"
    r"|会|往|向|能|自己|法|办法|敢|打|吃|喂|喝|服|抽|吸|用|练|做|接种|去|有|症状|显著|地方|哪里|哪儿|说|现象|情况|突然|继续|多|很大|大|严重|听到|听说|听见|S|、|和"
    r"|或者?|及|以及|跟|与|还|也|,)"
)
_NEGATION = re.compile(
    r"(?P<negator>从来没有|没什么|没有|没|毫无|无|未见|未|并不是|并不|不再|不是|不存在|不|否认|从不|非"
    rf"|排除){_FILLER}*{_AT_END}"
)
_DENIES_A_DENIAL = re.compile(r"(?:不是|并非|不能说|不可能|不会|哪能|没有|没|从来没有|未尝|无不)(?:说)?$")
_TIMES = (
    r"以前|之前|原来|从前|先前|昨天|昨晚|昨夜|前天|前几天|前两天|刚才|刚开始|开始|一开始|上次|上周|上个月"
    r"|平时|白天|晚上|早上|那会儿?"
    r"|那时候?|去年|头几天|当时|吃药前|手术前"
)
_COMPARISON = re.compile(
    rf"(?:没有|没|不像|不如|不比|不)(?:S|[^,]){{0,3}}?(?:(?:{_TIMES}).{{0,3}}|那么|这么|那样|这样|很|十分"
    rf"|特别|非常|一般的?)(?:S|的)?{_AT_END}"
)
_DEGREE_ONLY = re.compile(r"^(?:得)?(?:那么|这么)?(?:厉害|严重|狠)")
_DENIED_AFTER = re.compile(
    r"^(?:的话|这个|这些|倒是|倒|方面|的情况|的症状|的现象|症状|也|都|是|现在|目前|基本上?|就|的|呢|一点"
    r"|从来|还|S|、)*"
    r"(?:没有|没|无|不存在|否认|没出现|没发生)(?:过|的|啊|呀|吧|哦|呢|出现|发生)*$"
)
_ASKS_BEFORE = re.compile(r"有没有|有无|是不是|会不会|是否|能不能|可不可以|要不要|有木有|可曾|难道")
_A_NOT_A = re.compile(r"(?![时动])([\u4e00-\u9fff])[不没]\1")
_ASKS_AFTER = re.compile(
    r"^(?:过|了|的|啊|呀|呢|得|症状|的情况|的症状|的感觉|的现象|厉害|严重|明显|S|、)*(?:吗|么|嘛|没有|没|不"
    r"|吧)?$"
)
_OR_NOT = re.compile(r"(?:[了过]|有.{1,6})没有?$")
_PARTICLE_AT_END = re.compile(r"(?:吗|么|嘛)$")
_WHY_OR_HOW = re.compile(
    r"怎么|为什么|为啥|什么原因|咋|如何|什么药|哪个科|什么科|什么病|啥病|严重吗|要紧吗|正常吗|关系吗"
)
_SUPPOSED = re.compile(
    r"如果|要是|假如|万一|一旦|担心|害怕|生怕|唯恐|以防|避免|预防|防止|会引起|会导致|会引发|会变成|会转成"
    r"|发展成|怕(?!S)|听说(?!.*我)|的人会"
)
_PAST = re.compile(r"以前|从前|小时候|曾经|年轻(?:的)?时")
_FAMILY = (
    r"爸爸?|妈妈?|父亲|母亲|父母|爹|娘(?!家)|爷爷|奶奶|姥姥|姥爷|外公|外婆|公公|婆婆|岳父|岳母|丈母娘|老公"
    r"|老婆|丈夫|妻子|爱人|媳妇|对象|男朋友|女朋友"
    r"|哥哥?|姐姐?|弟弟?|妹妹?|叔叔?|伯伯|大伯|姑姑?|姨妈?|舅舅?|表哥|表姐|表弟|表妹|堂哥|堂弟|堂姐|堂妹"
    r"|老伴儿?|侄子|侄女|外甥|亲家|闺蜜|同事|朋友|邻居|室友|同学|老师|大人|家里人|家人|亲戚|家属"
)
_CHILD = (
    r"宝宝|宝贝|孩子|小孩|儿子|女儿|闺女|娃|婴儿|新生儿|小朋友|患儿|男宝|女宝|男童|女童|二宝|大宝|小宝"
    r"|老二|老大|小儿|孙子|孙女|外孙"
)
_SUBJECT = re.compile(
    rf"(?P<child>{_CHILD}|我家(?:妹妹|弟弟|哥哥|姐姐))(?P<of_child>的?(?:爸爸?|妈妈?|奶奶|爷爷|姥姥|外婆))?"
    r"|(?P<self>我自己|本人|我们|咱们|俺|我(?!家|爸|妈|父|母|爷|奶|姥|外|公|婆|岳|丈|老|爱|媳|对|男|女|哥"
    r"|姐|弟|妹|叔|伯|大|姑|姨|舅|表|堂|同|朋|邻|室|们家|的|儿|孩|宝|娃|二|小|孙|闺))"
    rf"|(?P<family>(?:我|他|她|孩子|家里的?)?(?:家|的)?(?:{_FAMILY})(?:的(?:{_CHILD}))?)|(?P<patient>患者|病人)"
)
_ACTS_FOR = re.compile(
    r"^(?:们|就|也|都|还|又|今天|昨天|一直|刚|已经|赶紧|马上){0,2}(?:说|问|喂|给|带|看|买|觉得|发现|让|叫"
    r"|抱|陪|怕|担心|认为|建议|怀疑|以为|听|摸|拉着|照顾|按|把|送|提醒|注意|劝|逼|催|揉|量|帮|想|感觉)"
)
_SELF_AS_SUBJECT = re.compile(
    r"^(?:自己)?(?:也|就|又|都|昨天|今天|最近|前天|这两天|现在|因为|一直|有点|开始|全身|浑身|老是?|经常|S)"
)

_OTHERS = re.compile(r"(?:还有|有)(?:没有)?(?:什么|啥)?(?:别的|其他|其它|哪里|什么)")

NO = re.compile(
    r"(?:嗯|啊|哦|呃|额|这个|那)*(?:都|也|从来|倒|倒是|基本|好像|应该)*(?:没有|没|无|不|不会|没啥|没什么"
    r"|不是|否|没有没有|没没|不不)(?:过|的|了|吧|啊|呀|哦|有|吗)*"
)
YES = re.compile(
    r"(?:嗯|啊|哦|呃)*(?:有|有的|有点|有点儿|有一点|有一些|会|会的|是|是的|对|对的|对对|没错|嗯|嗯嗯|有过"
    r"|偶尔有?|经常|经常有|有时候有?|有时候会|一点点|疼|疼的|痛|挺疼的|很疼)(?:的|了|啊|呀|吧|呢|啦)*"
)


def answer(clause: str) -> bool | None:
    """Whether a first clause is only yes (``True``) or no; else ``None``."""
    if NO.fullmatch(clause):
        return False
    return True if YES.fullmatch(clause) else None


def asks_for_others(before: str, after: str) -> bool:
    """Whether a question that names something asks for what else there is (除了头疼还有别的吗？)."""
    return _OTHERS.search(after) is not None


def denied(before: str, after: str) -> tuple[bool, bool]:
    """Whether the word is denied, and whether it is said with a reservation (compared, or by a double negation)."""
    if _COMPARISON.search(before) or (re.search(r"(?:没有|没|不)$", before) and _DEGREE_ONLY.match(after)):
        return False, True
    found = _NEGATION.search(before)
    if found is not None:
        twice = _DENIES_A_DENIAL.search(before[: found.start()]) is not None
        return not twice, twice
    return _DENIED_AFTER.match(after) is not None, False


def asked(before: str, word: str, after: str, *, question_mark: bool) -> bool:
    """Whether the clause asks if the word applies. "What shall I do about my cough?" does not."""
    if _ASKS_BEFORE.search(before):
        return True
    for match in _A_NOT_A.finditer(before + word + after):
        if match.start() < len(before) + len(word):
            return True
    if _WHY_OR_HOW.search(after) or not _ASKS_AFTER.match(after):
        return False
    return question_mark or _PARTICLE_AT_END.search(after) is not None


def either_or(clause: str) -> bool:
    """Whether the clause asks 疼不疼."""
    return _A_NOT_A.search(clause) is not None


def is_question(text: str) -> bool:
    """Whether a sentence asks for yes or no, judged without the question mark (recognisers write none)."""
    return (
        any(pattern.search(text) for pattern in (_ASKS_BEFORE, _A_NOT_A, _PARTICLE_AT_END))
        or _OR_NOT.search(text) is not None
    )


def supposed(before: str, after: str) -> bool:
    """Whether the word is feared, supposed, or of the past (以前疼过). ``after``: from the word's last character on."""
    return _SUPPOSED.search(before) is not None or ("过" in after and _PAST.search(before) is not None)


def owner(text: str, whole: str) -> str:
    """``patient`` or ``relative``: whom the word is about. ``text``: the sentence up to the word; ``whole``: the
    utterance. If a caregiver speaks for a child, the child is the patient."""
    subject = None
    for match in _SUBJECT.finditer(text):
        rest = text[match.end() :]
        if _ACTS_FOR.match(rest):
            continue
        kind = match.lastgroup
        if kind == "self" and not _SELF_AS_SUBJECT.match(rest):
            continue
        if kind == "family" and "," in rest and not re.match(r"^.{0,7}(?:有|也|患|得|是|都|身体|以前|曾)", rest):
            continue
        subject = kind if not match["of_child"] else "family"
    if subject == "family":
        return "relative"
    if subject == "self" and re.search(_CHILD, whole):
        return "relative"
    return "patient"
