"""GBK, EUC-JP and EUC-KR told from each other: by sentences written here, and by the messages of other programs."""

from __future__ import annotations

import gettext
import random
from functools import cache
from pathlib import Path

import pytest

from bot.content.east_asian import in_doubt, told
from bot.content.output_text import decoded

WRITTEN = {
    "euc_kr": [
        "오류: 파일을 열 수 없습니다\n메모리가 부족합니다 (31.5 GB 사용)\n",
        "2026-11-23 14:02:11 렌더링 작업이 실패했습니다: 디스크에 공간이 없습니다\n",
        "경고: 연결 시간이 초과되어 다시 시도합니다\n",
    ],
    "euc_jp": [
        "エラー: メモリが不足しています（31.5 GB）\nファイルを開けません\n",
        "2026-11-23 14:02:11 レンダリングに失敗しました\n",
        "警告: 接続がタイムアウトしました。再試行します\n",
    ],
    "gb18030": [
        "2026-11-23 14:02:11 渲染任务失败：无法打开文件\n错误：内存不足，已用 31.5 GB\n",
        "警告：连接超时，正在重试\n",
        "权限被拒绝，磁盘空间已满\n",
    ],
}
NAMED = {"euc_kr": "EUC-KR", "euc_jp": "EUC-JP", "gb18030": "GBK"}
LANGUAGES = {"euc_kr": "ko", "euc_jp": "ja", "gb18030": "zh_CN"}
LOCALES = Path("/usr/share/locale")


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in WRITTEN.items() for text in texts])
def test_sentences_are_read_in_their_encoding(encoding: str, text: str) -> None:
    content = text.encode(encoding)
    assert decoded(content) == (text, NAMED[encoding])
    assert in_doubt(content, encoding.replace("gb18030", "gbk")) == ()
    half = content[:-2] if content[-2] > 0x80 else content[: content.rfind(max(content)) + 1]
    assert decoded(half) is not None, "an end that is cut within a character is text too"


@cache
def messages(language: str) -> list[str]:
    """Lines of messages with four letters at least that are no ASCII."""
    lines: list[str] = []
    for path in sorted((LOCALES / language / "LC_MESSAGES").glob("*.mo")):
        with path.open("rb") as file:
            try:
                catalog = vars(gettext.GNUTranslations(file))["_catalog"]
            except (OSError, UnicodeDecodeError, ValueError):
                continue
        lines += [line for text in catalog.values() if isinstance(text, str) for line in text.split("\n")]
    return [line for line in lines if sum(not letter.isascii() for letter in line) >= 4]


@pytest.mark.parametrize(("lines", "least"), [(1, 0.96), (3, 0.99), (10, 1.0)])
@pytest.mark.parametrize("encoding", WRITTEN)
def test_the_messages_of_real_programs_are_told(encoding: str, lines: int, least: float) -> None:
    known = messages(LANGUAGES[encoding])
    if len(known) < 500:
        pytest.skip(f"{LOCALES} has too few messages in this language")
    chance, right, tried = random.Random(7), 0, 0
    while tried < 300:
        content = "\n".join(chance.choice(known) for _ in range(lines)).encode(encoding, "ignore")
        if sum(byte >= 0x80 for byte in content) < 4:
            continue
        tried += 1
        right += told(content) == encoding.replace("gb18030", "")
    assert right >= least * tried


def test_what_a_few_letters_do_not_show_is_in_doubt() -> None:
    name = "渲染"  # two letters of a name, which are syllables of Korean as well
    assert set(in_doubt(f"{name}.exr\n".encode("gbk"), "gbk")) >= {"euc_jp"}
    assert in_doubt(b"no letters at all\n", "gbk") == ()


@pytest.mark.parametrize("text", ["Größe überschritten, prüfe das Gerät\n", "ÄÖÜ äöüß ÀÉÈ\n", "señal añadida\n"])
def test_western_text_is_none_of_them(text: str) -> None:
    assert told(text.encode("cp1252")) == ""
