"""English: what a clause says about a word in it. Like ``grammar_zh``; texts are words with single blanks between."""

import re

_FILLER = (
    r"(?:any|anything|had|have|has|having|got|get|getting|feel|feeling|felt|noticed|noticing|really|much|a"
    r"|an|the|my|of|or|and|nor"
    r"|sort|kind|like|experienced|experiencing|been|being|in|at|all|other|significant|particularly|actually"
    r"|uh|um|er|seen|see|to"
    r"|her|his|him|done|doing|go|going|gone|given|gave|taken|able"
    r"|suffer|suffered|suffering|from|that|this|is|it|it's|there|there's|with|new|more|bad|severe|real"
    r"|actual|do|did|know|on"
    r"|obvious|further|said|mentioned|complained|complaining|particular|about|increased|sign|signs|history|problems|issues|trouble|associated|i|think|say|mind|one|S)"
)
_NEGATOR = (
    r"(?:no|not|never|without|deny|denies|denied|denying|nor|neither|none|nothing|[a-z]+n't|cannot"
    r"|hardly any|free of|free from)"
)
_NEGATION = re.compile(rf"\b{_NEGATOR}(?: {_FILLER})*$")
_ONE_NEGATOR = re.compile(rf"\b{_NEGATOR}\b")
_NO_NEGATION = re.compile(
    r"\b(?:not only|not just|not sure|no idea|no doubt|don't know|not to mention|no wonder|no matter)\b"
)
_HEDGE = re.compile(
    r"\b(?:not|n't|isn't|wasn't|aren't) (?:(?:as|so|too|that|very|quite|terribly|especially|always"
    r"|completely|constantly)\b)(?: S| [a-z]+)?$"
)
_AS_MUCH = re.compile(
    r"^(?:(?:S|it|me|any|quite|really) )*(?:as|so|that|too) (?:much|bad|badly|often|severe|strong|intense)"
    r"|^all the time"
)
_DENIED_AFTER = re.compile(
    r"^(?:(?:wise|though|at|all|um|uh|well|S|or|and|is|are|was) )*(?:no|none|nope|nothing|not at all"
    r"|not really|never)$"
)
_ASKS = re.compile(
    r"^(?:(?:um|uh|er|so|and|ok|okay|well|right|but|sorry|doctor|then|now|just|also|great|fine|alright) )*"
    r"(?:(?:do|does|did|is|are|was|were|have|has|had|can|could|will|would|should|may|might|any|ever|am)\b)"
)
_ASKS_YOU = re.compile(
    r"\b(?:do|does|did|have|has|are|is|were|was) (?:you|your|there|he|she|they)(?: (?:been|also|ever|still"
    r"|now|currently|any|got|get|have|had|feel|feeling|having|noticed))*\b"
)
_SUPPOSED = re.compile(
    r"\b(?:if (?:i|it|they|he|she|you|there)(?:'s| is| are)? (?:get|gets|got|have|has|had|develop|develops"
    r"|notice|notices|any|start|starts|becomes?)"
    r"|in case|what if|to prevent|to avoid|(?:worried|scared|afraid|concerned) (?:about|of|that)|(?:could"
    r"|might|may|can|would) (?:cause|lead to|be a sign)|a sign of|symptoms? of|watch out for|look out for"
    r"|if (?:my|his|her|the)(?: \w+){0,2}$|used to (?:get|have|suffer)|when i was (?:a kid|younger|little)"
    r"|(?:want|like) (?:it|this|that) to be|you say|i've read|googl(?:ed|ing)"
    r"|if it (?:just |still )?keeps?|either|side effects?)\b"
)
_FAMILY = (
    r"mum|mom|mother|mummy|mommy|dad|father|daddy|parents|brother|sister|wife|husband|partner|boyfriend"
    r"|girlfriend|fianc[eé]e?|friend|friends|colleague|colleagues"
    r"|flatmate|roommate|housemate|neighbou?r|grandma|grandmother|grandad|grandfather|grandpa|nan|nana|aunt"
    r"|uncle|cousin|boss|family|relatives?|in-law|brother's|sister's|mum's|mom's|mother's|dad's|father's"
    r"|wife's|husband's"
)
_OTHER_PEOPLE = r"people|some(?:one|body)|any(?:one|body)|every(?:one|body)|one of them|(?:co-?|class)(?:workers|mates)"
_CHILD = r"son|daughter|baby|child|kid|toddler|newborn|infant|little (?:boy|girl|one)|grandson|granddaughter|boy|girl"
_SUBJECT = re.compile(
    rf"\b(?:(?P<family>(?:my|her|his|the|our|their) (?:\w+ ){{0,1}}?(?:{_FAMILY})|{_OTHER_PEOPLE})"
    rf"|(?P<patient>my (?:\w+ )?(?:{_CHILD})|i|i'm|i've|i'd|i'll|me|we|we've|myself)"
    r"|(?P<third>he|she|he's|she's|they|they've))\b"
)
_RELATIVE = re.compile(rf"\b(?:{_FAMILY}|{_OTHER_PEOPLE})\b")
_YOURS = re.compile(rf"\byour (?:\w+ )?(?:{_FAMILY})\b|\b(?:{_OTHER_PEOPLE})\b")
_CHILDREN = re.compile(rf"\b(?:{_CHILD})\b")
_MINE = re.compile(r"\b(?:my|in my|my own)\b")

_OTHERS = re.compile(
    r"\b(?:(?:anything|something|any|what|who|where) (?:else|other)|anything like|similar|in the past|ever had"
    r"|seen (?:anyone|anybody|someone)|(?:taken|tried) anything)\b"
)
_AS_SAID = re.compile(
    r"\b(?:you(?:'ve| have)? (?:mentioned|said|told me)|(?:already|just) (?:talked|spoke) about"
    r"|apart from|other than|besides)\b"
)

NO = re.compile(
    r"(?:(?:um|uh|er|erm|oh|ooh|ohh|mm|mmm|hmm|well|so|ah) )*(?:no|nope|nah|not really|not at all|none"
    r"|never|nothing|not that i know(?: of)?|not that i've noticed|not that i can think of|i don't think so"
    r"|don't think so|not particularly|no not really)(?: (?:no|not|really|nothing|at all|like that|none"
    r"|either|i don't think so))*"
)
YES = re.compile(
    r"(?:(?:um|uh|er|erm|oh|ohh|mm|well|so|ah) )*(?:yes|yeah|yep|yup|yah|i do|i have|i am|i did|definitely"
    r"|absolutely|a little|a little bit|a bit|sometimes|that's right|correct|it is|it does"
    r"|exactly)(?: (?:yes|yeah|i do|i have|a bit|a little|sometimes|that's right|definitely|it is|it does"
    r"|exactly))*"
)
_FIRST = r"^(?:(?:um|uh|er|erm|oh|ohh|mm|well|so|ah) )*"
_NO_AND_MORE = re.compile(
    _FIRST + r"(?:no|nope|nah) (?:i|i've|i'm|there|there's|it|that|not|nothing|none|he|she|they|no|thanks|doctor)\b"
)
_YES_AND_MORE = re.compile(
    _FIRST
    + r"(?:yes|yeah|yep|yup|yah) (?:(?:it|that|there|i)(?:'s|'ve)?|they|a bit|a little|just|mostly|mainly|sometimes"
    r"|quite|very|really|definitely|only|since|for|on and off|all the time)\b(?!.*(?:\bno\b|\bnot\b|n't\b))"
)


def answer(clause: str) -> bool | None:
    """Whether a first clause answers yes (``True``) or no, also with more words; ``None`` if it does neither."""
    if NO.fullmatch(clause) or _NO_AND_MORE.match(clause):
        return False
    return True if YES.fullmatch(clause) or _YES_AND_MORE.match(clause) else None


def asks_for_others(before: str, after: str) -> bool:
    """Whether a question that names something asks for what else there is ("You said pain. Anything else?")."""
    return _OTHERS.search(f"{before} {after}") is not None or _AS_SAID.search(before) is not None


def denied(before: str, after: str) -> tuple[bool, bool]:
    """Whether the word is denied, and whether it is said with a reservation (compared, or by a double negation)."""
    before = _NO_NEGATION.sub(",", before)
    if _HEDGE.search(before):
        return False, True
    found = _NEGATION.search(before)
    if found is None:
        return _DENIED_AFTER.match(after) is not None, False
    negators = _ONE_NEGATOR.findall(found.group())
    earlier = _ONE_NEGATOR.search(before[max(0, found.start() - 40) : found.start()])
    twice = (len(negators) > 1 and negators[0] not in ("no", "nor", "neither")) or (
        earlier is not None
        and re.search(r"(?:not|n't)(?: that| say that| say)?(?: it| i)? $", before[: found.start()]) is not None
    )
    if twice:
        return False, True
    reserved = _AS_MUCH.match(after) is not None
    return not reserved, reserved


def asked(sentence: str, before: str, *, question_mark: bool) -> bool:
    """Whether the clause asks if the word applies. A rising voice alone ("like some pain in my stomach?") does not."""
    if _ASKS_YOU.search(before):
        return True
    return sentence.endswith("you mean") or (question_mark and _ASKS.match(sentence) is not None)


def supposed(before: str) -> bool:
    """Whether the word is feared, supposed, or of the past ("used to get headaches")."""
    return _SUPPOSED.search(before) is not None


def owner(text: str, whole: str, before: str) -> str:
    """``patient`` or ``relative``: whom the word is about, by the last person named before it in the sentence.

    He and she are the patient (a child for whom somebody speaks), unless the utterance names a relative or the
    doctor asked about one ("How is your husband?"; not "You must be his mum").
    """
    subject = None
    for match in _SUBJECT.finditer(text):
        subject = match
    if subject is None:
        return "patient"
    if subject.lastgroup == "family":
        return "patient" if _MINE.search(text[subject.end() :]) else "relative"
    if subject.lastgroup == "third":
        relatives = _RELATIVE.search(whole) or _YOURS.search(before)
        return "relative" if relatives and not _CHILDREN.search(f"{before} {whole}") else "patient"
    return "patient"
