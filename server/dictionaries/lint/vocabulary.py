"""The words by which lint recognises praise, impressions and languages that the text encoder cannot read."""

import re


def words(text: str) -> frozenset[str]:
    """A list of words, written as one text for the reader's sake."""
    return frozenset(text.split())


ZH_FILLER = re.compile(
    "录音|录得|音频|声音|语音|音质|音效|嗓音|说话|话音|讲话|效果|质量|品质|情况|状态|整体|总体|总的|整个|环境|病史|病情|信息|内容|"
    "问诊|描述|表达|说明|说得|讲得|听得|听起来|听上去|听着|感觉|患者|病人|医生|非常|十分|特别|相当|比较|有点|有些|基本上?|程度|"
    "水平|方面|问题|评价|这段|本次|大致|大体|稍微|没有|已|很|较|挺|蛮|够|太|最|更|还|都|的|得|是|了|不|没|吧|该|有|无|略|沟通|交流|流程|过程|啥|什么|大|小|毛病"
)
ZH_VERDICT = re.compile(
    "顺畅|没毛病|没问题|良好|优良|优秀|不错|一般|还行|可以|凑合|马马虎虎|普通|正常|异常|合格|达标|清楚|清晰|明白|明确|完整|完美|理想|满意|合适|适当|"
    "适中|恰当|到位|糟糕|尚可|中等|舒服|好听|顺利|自然|稳定|可用|能用|有用|准确|充分|足够|具体|详细|丰富|齐全|全面|标准|专业|过得去|好|优|差|糟|坏|行|棒|ok|OK"
)
EN_FILLER = words(
    "recording recordings audio sound sounds voice speech talk talking speaking quality overall general generally in "
    "very quite rather really pretty so too fairly the a an is are was of it its this that to patient patients doctor "
    "history information content condition state situation level enough everything all description not be and recorded "
    "communication conversation went goes going no problem problems issue issues"
)
EN_VERDICT = words(
    "good fine ok okay great nice excellent perfect bad poor normal abnormal average acceptable adequate clear clearly "
    "clean decent usable useful satisfactory proper appropriate reasonable right sufficient complete correct suitable "
    "well moderate better best worse worst ordinary alright pleasant high low medium nicely crisp smooth smoothly "
    "rich thorough professional standard tolerable"
)

ZH_SUBJECTIVE = re.compile(
    "紧张|焦虑|害怕|恐惧|担心|情绪|心情|不耐烦|烦躁|痛苦|沮丧|悲伤|伤心|高兴|愤怒|生气|平静|冷静|放松|自信|态度|配合|礼貌|友好|"
    "可怜|夸大|夸张|撒谎|说谎|装病|诚实|老实|可信|可靠|敷衍|随便|认真|好像|似乎|看起来|看上去|貌似|觉得|性格|聪明|有文化|"
    "认为|激动|友善|善良|难缠|着急|急躁|委屈|绝望|抗拒|固执|苦恼|无奈|孤僻|蛮横|不讲理|唠叨|啰嗦|挑剔|强势|懦弱|胆小|娇气|矫情|脾气|糊涂|低落|消极|悲观|爱答不理|爱搭不理|很凶|凶巴巴|热情|冷漠"
)
EN_SUBJECTIVE = re.compile(
    r"\b(nervous|anxious|anxiety|upset|scared|afraid|fearful|worried|worry|mood|emotional|emotions?|impatient|angry|sad|"
    r"depressed|stressed|happy|calm|relaxed|tense|confident|attitude|cooperative|uncooperative|polite|rude|friendly|"
    r"unfriendly|exaggerat\w+|lying|lies|honest|dishonest|trustworthy|reliable|unreliable|sincere|careless|seems?|"
    r"appears?|looks|feels like|personality|clever|educated|agitated|hostile|aggressive|stubborn|"
    r"hopeless|kind(?! of)|thinks|believes|difficult patient|"
    r"unreasonable|sullen|harsh|rambl\w+|talkative|chatty|fussy|demanding|moody|whin\w+|spirits|dramatic|ignorant|non-?compliant)\b",
    re.IGNORECASE,
)
SAID = re.compile(
    r"说明|说出|明确|提到|提及|问及|描述|交代|\b(stated|addressed|mentioned|described|reported|named|given)\b"
)
"""That a feeling was mentioned is a claim that can be checked; the feeling itself is not."""

ZH_SEVERAL = re.compile(
    r"[、,,;;/／&＆+＋]|以及|并且|而且|同时还|(?<![温缓饱总平调柔共])和(?![缓解平气谐])|(?<![参给])与(?!否)|"
    r"(?<![涉提普顾触问论危])及(?![时格早其])|(?<![合])并(?![发存列无非不行])|(?<![尚暂])且|又(?!名)|伴(?![随侣有])"
)
EN_SEVERAL = re.compile(
    r"\s(?:and|plus|yet|as well as|along with|but|or)\s|[,;&+]|(?<!mmol)(?<!mg)(?<!\d)\s?/\s?(?!L\b|l\b|\d)",
    re.IGNORECASE,
)
_CLAIM = (
    "药名|剂量|用法|用量|血压|血糖|心率|脉搏|体温|体重|身高|部位|性质|程度|诱因|频率|颜色|年龄|语速|音量|噪声|噪音|混响|"
    "回音|病程|时长"
)
_SYMPTOM = (
    "发热|寒战|咳嗽|咳痰|气促|胸闷|胸痛|心悸|头晕|头痛|恶心|呕吐|腹痛|腹泻|腹胀|便秘|尿频|尿急|尿痛|乏力|盗汗|水肿|皮疹|瘙痒|"
    "鼻塞|流涕|咽痛|耳鸣|失眠|麻木|抽搐"
)
ZH_ADJACENT = re.compile(f"({_CLAIM})({_CLAIM})|({_SYMPTOM})({_SYMPTOM})")
FOREIGN = words(
    "un une le la les des du el los las una uno unos der die das und ein eine einen mit ohne von con sin por para de "
    "da do em com um uma het een van och ett en il lo gli di che dans avec sur pas"
)
"""Function words of other languages in Latin letters. English labels contain none of them (``en`` only as a word)."""

ENGLISH = words(
    "a an the of in on with without no not to is are at by and or from very person people someone man woman child "
    "speech voice sound noise speaking talking quiet loud clear background room"
)
PINYIN = re.compile(
    r"(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?(?:a|o|e|ai|ei|ao|ou|an|en|ang|eng|ong|i|ia|ie|iao|iu|ian|in|iang|ing|iong|"
    r"u|ua|uo|uai|ui|uan|un|uang|ue|er)",
    re.IGNORECASE,
)
LOANS = frozenset({"café", "naïve"})
