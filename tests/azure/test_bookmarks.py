"""Links are remembered within bounds, and the cheapest way is chosen."""

from __future__ import annotations

from bot.azure.bookmarks import Bookmarks, Start


def test_the_way_with_the_fewest_calls_then_rows_is_chosen() -> None:
    marks = Bookmarks()
    marks.note("l", 20, 20, "twenty")
    marks.note("l", 100, 100, "hundred")
    assert marks.start("l", 0, 20, 1000) == Start(0, 20, None)
    assert marks.start("l", 20, 20, 1000) == Start(20, 20, "twenty")
    assert marks.start("l", 100, 20, 1000) == Start(100, 100, "hundred")
    assert marks.start("l", 60, 20, 1000) == Start(0, 80, None)  # one call of 80 rows beats three of 20
    assert marks.start("other", 20, 20, 1000) == Start(0, 40, None)


def test_a_link_is_never_behind_the_window() -> None:
    marks = Bookmarks()
    marks.note("l", 30, 20, "thirty")
    assert marks.start("l", 29, 20, 1000).link is None


def test_links_expire() -> None:
    now = 0.0
    marks = Bookmarks(seconds=10, clock=lambda: now)
    marks.note("l", 20, 20, "twenty")
    now = 9.9
    assert marks.start("l", 20, 20, 1000).link == "twenty"
    now = 10.0
    assert marks.start("l", 20, 20, 1000).link is None


def test_the_least_used_lists_and_the_oldest_links_go() -> None:
    marks = Bookmarks(lists=2, marks=2)
    for name in ("a", "b"):
        marks.note(name, 20, 20, name)
    marks.start("a", 20, 20, 1000)
    marks.note("c", 20, 20, "c")
    assert [marks.start(name, 20, 20, 1000).link for name in "abc"] == ["a", None, "c"]
    for row in (40, 60, 80):
        marks.note("c", row, 20, f"c{row}")
    assert [marks.start("c", row, 20, 1000).link for row in (20, 60, 80)] == [None, "c60", "c80"]


def test_a_forgotten_list_begins_anew() -> None:
    marks = Bookmarks()
    marks.note("l", 20, 20, "twenty")
    marks.forget("l")
    marks.forget("never seen")
    assert marks.start("l", 20, 20, 1000).link is None
