"""In which encoding a program printed, by real bytes: East Asian text, wide text that ends in ASCII, and named ones."""

from __future__ import annotations

import pytest

from bot.content.encodings import NAMES, named
from bot.content.output_text import decoded, ending, printed
from tests.content.test_output_text import end, shown

CHINESE = "2026-11-23 14:02:11 渲染任务失败：无法打开文件\n错误：内存不足，已用 31.5 GB\n"
JAPANESE = "2026-11-23 14:02:11 レンダリングに失敗しました\nエラー: メモリが不足しています（31.5 GB）\n"
WEST = [
    "Fehler: Datei nicht geöffnet, Größe überschritten\nprüfe das Gerät\n",
    "Erreur à l’écriture : mémoire épuisée, données perdues\n",
    "señal añadida · “Hello” – naïve café\n",
    "ÄÖÜ äöüß ÀÉÈ\n",
]


def test_gbk_and_shift_jis_are_told_by_their_bytes() -> None:
    assert "渲染".encode("gbk") == b"\xe4\xd6\xc8\xbe"
    assert decoded(CHINESE.encode("gbk")) == (CHINESE, "GBK")
    assert decoded("エラー".encode("cp932") * 3) == ("エラー" * 3, "Shift-JIS")
    assert decoded(JAPANESE.encode("cp932")) == (JAPANESE, "Shift-JIS")
    for text in (CHINESE, JAPANESE):
        assert decoded(text.encode()) == (text, "")


@pytest.mark.parametrize("text", WEST)
def test_western_text_stays_latin(text: str) -> None:
    assert decoded(text.encode("cp1252")) == (text, "Latin-1")


@pytest.mark.parametrize(("text", "encoding"), [(CHINESE, "gbk"), (JAPANESE, "cp932")])
def test_an_end_that_is_cut_within_a_character_is_told_from_the_next_line_on(text: str, encoding: str) -> None:
    whole = (text * 3).encode(encoding)
    for cut in range(20, 40):
        found = ending(whole[cut:], start=cut)
        assert found is not None
        assert found[0].splitlines() == (text * 3).splitlines()[1:]
        assert ending(whole[: -cut + 18]) is not None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("bom", [True, False])
def test_wide_text_that_ends_in_ascii_is_both(encoding: str, bom: bool) -> None:
    wide = "Rendering frame 12\r\nDone: 渲染\r\n"
    content = ("\ufeff" * bom + wide).encode(encoding) + b"Traceback (most recent call last):\r\nMemoryError\r\n"
    found = decoded(content)
    assert found == (f"{wide}Traceback (most recent call last):\r\nMemoryError\r\n", "UTF-16, its end ASCII")
    assert decoded(("\ufeff" * bom + wide).encode(encoding)) == (wide, "UTF-16")
    if bom:  # the end of a long file is ASCII alone
        tail = printed(end(b"lf\nMemoryError\nexit 1\n", 4000, content[:4]), 5)
        assert tail is not None
        assert tail.lines == ["MemoryError", "exit 1"]


def test_a_named_encoding_is_taken_whatever_it_looks_like() -> None:
    assert named("GBK") == named("gbk") == "gbk"
    assert named("Shift-JIS") == "cp932"
    assert named("latin1") == "cp1252"
    assert named("utf16") == "utf-16"
    for wrong in ("rot13", "zip", "base64", "nonsense", "idna", "", "../etc"):
        assert not named(wrong)
    assert all(named(each) in NAMES for each in NAMES)
    korean = "렌더링 실패: 메모리가 부족합니다\n"
    found = printed(end(korean.encode("euc-kr")), 5, encoding=named("euc-kr"))
    assert found is not None
    assert (found.lines, found.encoding) == ([korean.strip()], "EUC-KR")
    wide = printed(end("abc\ndef\n".encode("utf-16-le")[3:], 3), 5, encoding="utf-16-le")
    assert wide is not None
    assert wide.lines == ["def"]


def test_secrets_are_hidden_in_every_encoding() -> None:
    for encoding in ("gbk", "cp932", "utf-16-le"):
        content = "失敗しました\nAccountKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\n".encode(encoding)
        for name in ("", encoding):
            found = printed(end(content), 5, encoding=name)
            assert found is not None
            assert "c2Vjcm" not in found.text
    cut = "ssword:\nhunter2horse\n渲染任务失败，渲染任务失败\n".encode("gbk")
    assert "hunter2" not in shown(cut, start=9).text
