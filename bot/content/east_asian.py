"""GBK, EUC-JP and EUC-KR told from each other: the three use the same pairs of bytes, for other characters.

Told by what is common in each language. Japanese is a third kana or more, which the two other sets have in rows that
hardly anybody uses. Korean is syllables, of which some hundred make four fifths of what programs print; of Chinese as
many characters make three fifths. Of single lines of the messages of Debian's programs 99.5 % (Korean), 97.5 %
(Japanese) and all (Chinese) are told right, of three lines all. What is common was counted in these same messages,
which flatters that. Of a sample of them chardet 7.7 is right of all (Korean), 91 and 95 %, charset-normalizer 3.5 of
94, 72 and 51 % (``tests/content/test_east_asian.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

_KOREAN = (
    "이다니지을수에습는로를하시없자가스일의정파기용합음어서리사할트인한은오위션아않터문있그대드제보만으상"
    "부값표름프크치모옵함해작입실데력바패형전나식고여소버명키행면경된도중설업되디요라들열세메구못블성출적"
    "개레목비변과록호테료거령잘류번화야미원동"
)
"""The most common syllables of messages in Korean."""
_CHINESE = (
    "的用件文不无数在法有个为字中是出时一名行符定使标语式选表置目项对到能输可要效和列入示以录作错指存设或"
    "于据本已未器程将分取类值进包号新参误大型接格显信引模制加间除序命没过上支提被前令息正配了失部内务户建"
    "组后动库尔打区位重认如多所下更密称索子开小度关应果码系败空发查图并需读量签持您创则现此拉写从换变键斯"
)
"""The most common characters of messages in Chinese."""
_OF_KOREAN = frozenset(each.encode("euc_kr") for each in _KOREAN)
_OF_CHINESE = frozenset(each.encode("gb2312") for each in _CHINESE)
_HANGUL, _KANA, _LETTERS = range(0xB0, 0xC9), (0xA4, 0xA5), 0xB0
"""First bytes: of syllables in KS X 1001, of kana in JIS X 0208, and from which on all three have letters."""
_KANA_SHARE, _COMMON_SHARE = 0.2, 0.3
_FEW = 4
"""Letters below which nothing is sure."""
_ENOUGH = 2
_ENCODINGS = {"gb18030": "gbk", "euc_jp": "euc_jp", "euc_kr": "euc_kr", "cp932": "cp932", "big5": "big5"}
"""Encodings of which a text may be, with the names by which they can be asked for."""


def told(content: bytes) -> str:
    """``euc_jp`` or ``euc_kr`` where the bytes are of that encoding rather than GBK; empty where they are not."""
    pairs = list(_pairs(content))
    kana = sum(pair[0] in _KANA for pair in pairs)
    if kana >= max(_ENOUGH, _KANA_SHARE * len(pairs)) and _is_text(content, "euc_jp"):
        return "euc_jp"
    korean, chinese, letters = _common(pairs)
    syllables = all(pair[0] in _HANGUL for pair in pairs if pair[0] >= _LETTERS)
    common = letters >= _ENOUGH and korean > max(chinese, _COMMON_SHARE)
    return "euc_kr" if common and syllables and _is_text(content, "euc_kr") else ""


def in_doubt(content: bytes, read_as: str) -> tuple[str, ...]:
    """In which other encodings the bytes may be, by the names by which these are asked for; none where it is sure.

    ``read_as`` is what the text was read as.
    """
    pairs = list(_pairs(content))
    if not pairs:
        return ()
    kana = sum(pair[0] in _KANA for pair in pairs)
    korean, chinese, letters = _common(pairs)
    if letters >= _FEW and max(korean, chinese) >= _COMMON_SHARE and abs(korean - chinese) >= _COMMON_SHARE / 3:
        return ()
    if len(pairs) >= _FEW and kana >= _KANA_SHARE * len(pairs):
        return ()
    return tuple(name for codec, name in _ENCODINGS.items() if name != read_as and _is_text(content, codec))


def _common(pairs: list[bytes]) -> tuple[float, float, int]:
    """Which share of the letters is common in Korean and which in Chinese, and how many letters there are."""
    letters = [pair for pair in pairs if pair[0] >= _LETTERS]
    if not letters:
        return 0.0, 0.0, 0
    korean, chinese = (sum(pair in known for pair in letters) / len(letters) for known in (_OF_KOREAN, _OF_CHINESE))
    return korean, chinese, len(letters)


def _pairs(content: bytes) -> Iterator[bytes]:
    """The pairs of bytes that are no ASCII, in their order."""
    place, end = 0, len(content) - 1
    while place < end:
        if content[place] >= 0x80:
            yield content[place : place + 2]
            place += 1
        place += 1


def _is_text(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start >= len(content) - 1  # what the end cuts in two
    return True
