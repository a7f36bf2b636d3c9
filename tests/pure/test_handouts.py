"""Lessons on paper."""

from __future__ import annotations

import pytest

from sandbox.lessons.course import lessons
from sandbox.lessons.handout import as_html, as_markdown, handout
from sandbox.lessons.text import lesson_text

LANGUAGES = ("en", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_lesson_has_its_questions_and_nothing_for_the_keyboard(language: str) -> None:
    asked = answered = 0
    for lesson in lessons():
        text = lesson_text(lesson, language) or ""
        paper = handout(text)
        assert paper.title, lesson.name
        assert len(paper.questions) == text.count("**Predict:**") + text.count("**猜一猜**："), lesson.name
        assert all(each.asked for each in paper.questions), lesson.name
        page = as_html(paper, "<svg/>", language)
        assert "<strong>Press</strong>" not in page, lesson.name
        assert "<strong>按</strong>" not in page, lesson.name
        asked += len(paper.questions)
        answered += sum(bool(each.answer) for each in paper.questions)
    assert asked > 40
    assert answered > asked * 0.9  # a few are answered by the chart alone


def test_answers_come_last_and_on_a_page_of_their_own() -> None:
    paper = handout("# Title\n\nText.\n\n**Predict:** what comes? **Press** `space`.\n\n---\n\nThis & <that>.")
    said = as_markdown(paper, "chart")
    assert said.index("What comes?") < said.index("____") < said.index("chart") < said.index("This & <that>.")
    assert "Press" not in said
    page = as_html(paper, "<svg/>", "en")
    assert page.index("What comes?") < page.index("<svg/>") < page.index("This &amp; &lt;that&gt;.")


def test_sentences_for_the_keyboard_go_whole() -> None:
    text = "**Predict:** who is next? And for 1.5 s? **Press** `.` for one, as often as you like. `space` goes on. Why?"
    assert handout(text).questions[0].asked == "Who is next? And for 1.5 s? Why?"
    assert (
        handout("**猜一猜**：谁先？**按** `.` 一次走一步。然后按 `space`。为什么？").questions[0].asked
        == "谁先？为什么？"
    )
