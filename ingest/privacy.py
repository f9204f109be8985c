"""Personal data in free text, masked before anything reaches a table.

The archive of raw payloads is the only unmasked copy. What is masked and how follows the reference practice for the
Personal Information Protection Law (PIPL, in force 2021-11-01): phone 138****5678, landline 0578-****567, identity
card 3325**********1234 (only with a correct check digit, GB 11643-1999, so that order numbers stay readable), plate
浙K***23, and names that follow a word like 联系人 as 张*. Masking twice changes nothing.
"""

import re
import string
from collections.abc import Callable

#: Full-width figures and letters are as good as plain ones to a reader, so they are to us; one character for one.
_NARROW = str.maketrans({chr(0xFEE0 + ord(c)): c for c in string.digits + string.ascii_letters + "+-@._"})

_ID = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<!\d)(?:\+?86[ -]?)?(1[3-9]\d)[ -]?(\d{4})[ -]?(\d{4})(?!\d)")
_MOBILES_IN_A_ROW = re.compile(r"(?<!\d)(?:1[3-9]\d{9}){2,}(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0(?:10|2\d|[3-9]\d{2}))([)） -]{0,2})(\d{4,5})(\d{3})(?!\d)")
_LOCAL_LINE = re.compile(r"((?:电话|座机|固话|[Tt][Ee][Ll])[:：. ]{0,2})(\d{4,5})(\d{3})(?!\d)")
_PLATE = re.compile(
    r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z])[ ·•.-]?"
    r"[A-HJ-NP-Za-hj-np-z0-9]{3,4}([A-HJ-NP-Za-hj-np-z0-9]{2}|[A-HJ-NP-Za-hj-np-z0-9][挂学警港澳])(?![A-Za-z0-9])"
)
_MAIL = re.compile(r"[A-Za-z0-9._%+-]+(@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")

_ROLE = "联系人|举报人|投诉人|报料人|反映人|来电人|当事人|经营者|负责人|户主|业主|姓名"
#: The surnames that cover nearly everybody; needed only where no colon announces the name.
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范"
    "方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤"
    "毕聂丛焦向柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋甘景薄单包司柏宁"
    "柯阮桂闵解强柴华车冉房边吉饶瞿戚丘米池滕佟上诸缪蓝雷麻应留"
)
#: Words that end a name when no punctuation does.
_AFTER = (
    "电话|手机|联系|身份|住|家|先生|女士|小姐|师傅|老师|大爷|阿姨|反映|举报|投诉|"  # noqa: ISC003 - one line is too long
    + "来电|称|说|在|的|是|和|于|表示|性别|男|女|地址|号码"
)
_GIVEN = rf"(?:(?!{_AFTER})[\u4e00-\u9fff·])"
_END = rf"(?={_AFTER}|[^\u4e00-\u9fff·]|$)"
_NAME = re.compile(
    rf"((?:{_ROLE})(?:姓名)?[:：是为叫, ]{{1,3}})(?!{_AFTER})([\u4e00-\u9fff])"
    rf"(?:{_GIVEN}{{1,3}}?{_END}|{_GIVEN}{{1,2}})"
)
_NAME_UNANNOUNCED = re.compile(
    rf"((?:{_ROLE}|我叫|我是|[\d*][,， ]{{0,2}}找)(?:姓名)?)([{_SURNAMES}])(?:{_GIVEN}{{1,3}}?{_END}|{_GIVEN}{{1,2}})"
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def is_id(text: str) -> bool:
    """Whether 18 characters are an identity number by their check digit (GB 11643-1999, ISO 7064 MOD 11-2)."""
    if not re.fullmatch(r"\d{17}[\dXx]", text, re.ASCII):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[total % 11] == text[17].upper()


def _id(match: re.Match[str]) -> str:
    text = match.group()
    return f"{text[:4]}{'*' * 10}{text[-4:]}" if is_id(text) else text


def _mobiles(match: re.Match[str]) -> str:
    text = match.group()
    return " ".join(f"{text[i : i + 3]}****{text[i + 7 : i + 11]}" for i in range(0, len(text), 11))


def _name(match: re.Match[str]) -> str:
    return f"{match.group(1)}{match.group(2)}*"


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_ID, _id),
    (_MOBILES_IN_A_ROW, _mobiles),
    (_MOBILE, r"\1****\3"),
    (_LANDLINE, r"\1\2****\4"),
    (_LOCAL_LINE, r"\1****\3"),
    (_PLATE, r"\1***\2"),
    (_MAIL, r"***\1"),
    (_NAME, _name),
    (_NAME_UNANNOUNCED, _name),
)


def mask(text: str) -> str:
    """The text with phones, identity numbers, plates, mail addresses and announced names masked.

    Full-width figures and letters become plain ones, so that nothing hides behind its width.
    """
    masked = text.translate(_NARROW)
    for pattern, replacement in _RULES:
        masked = pattern.sub(replacement, masked)
    return masked
