"""Lessons for print: the text, the questions with room for answers, a chart of the run, and the answers on a separate
page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from sandbox.i18n import _

#: How lessons mark questions, and sentences about things to do at the keyboard, in each language.
_QUESTION = re.compile(r"\*\*Predict:\*\*\s*|\*\*猜一猜\*\*：")
_AT_THE_KEYBOARD = re.compile(
    r"\*\*(?:Press|press|Predict|Watch:|Watch|按|请按|请看)\*\*|(?:Press|请按|按) ?`|"
    r"\A(?:Then |然后按 ?)?`(?:space|esc|⏎|[][.,<>?a-zA-Z↑↓])`"
)
_CODE = re.compile(r"`[^`\n]+`")
#: The space between two sentences; a full stop within a number ends no sentence (code is taken out before).
_BETWEEN = re.compile(r"((?<=[.?!])\s+|(?<=[。？！])\s*)")
#: The beginning of a paragraph that is only for the screen.
_FOR_THE_SCREEN = re.compile(r"\*\*(?:Try:?|再试试|试一试|Watch:|请看|Press|按)\*\*")
#: The number of lines for writing below each question.
_LINES = 3

_STYLE = """
body { font: 11pt/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; max-width: 46em; margin: 2em auto;
       padding: 0 1em; color: #1f2328; background: #ffffff }
.room { border-bottom: 1px solid #8c959f; height: 2em }
li { margin-bottom: 1em }
table { border-collapse: collapse } td, th { border: 1px solid #8c959f; padding: .2em .7em; text-align: left }
.answers { break-before: page }
svg { max-width: 100%; height: auto }
"""


class Question(NamedTuple):
    """A question of the text, and the text after it, which answers it; both in Markdown."""

    asked: str
    answer: str


class Handout(NamedTuple):
    """The content of a handout. ``text``: the Markdown before the first question."""

    title: str
    text: str
    questions: list[Question]


def handout(lesson: str) -> Handout:
    """Return the handout of a lesson, given its whole text with figures filled in."""
    title, asked = "", ""
    text: list[str] = []
    answer: list[str] = []
    questions: list[Question] = []
    for part in lesson.split("\n---\n"):
        for block in filter(None, map(str.strip, part.split("\n\n"))):
            if block.startswith("# ") and not title:
                title = block.removeprefix("# ").strip()
                continue
            before, *question = _QUESTION.split(block, maxsplit=1)
            if before and not _FOR_THE_SCREEN.match(before):
                (answer if asked else text).append(_on_paper(before))
            if question:
                if asked:
                    questions.append(Question(asked, "\n\n".join(filter(None, answer))))
                    answer = []
                asked = _begun(_on_paper(question[0]))
    if asked:
        questions.append(Question(asked, "\n\n".join(filter(None, answer))))
    return Handout(title, "\n\n".join(filter(None, text)), questions)


def _on_paper(block: str) -> str:
    """Remove the sentences about things to do at the keyboard from a paragraph."""
    if block.startswith("|"):
        return block
    codes = _CODE.findall(block)
    parts = iter(_BETWEEN.split(_CODE.sub("\0", block)))
    kept = ""
    for sentence in parts:
        whole = "".join(f"{text}{codes.pop(0) if mark else ''}" for text, mark in _with_marks(sentence))
        between = next(parts, "")
        if not _AT_THE_KEYBOARD.search(whole):
            kept += whole + between
    return kept.strip()


def _with_marks(sentence: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a sentence between the marks that stand for code, and whether code follows each."""
    *before, last = sentence.split("\0")
    yield from ((text, True) for text in before)
    yield last, False


def _begun(sentence: str) -> str:
    """Capitalise the beginning of a sentence, which followed a colon."""
    return sentence[:1].upper() + sentence[1:]


def as_markdown(paper: Handout, chart: str) -> str:
    """Return a handout as Markdown. ``chart``: a chart in characters."""
    parts = [f"# {paper.title}", paper.text]
    if paper.questions:
        parts.append(f"## {_('Questions')}")
        room = "\n\n".join(["   " + "_" * 60] * _LINES)
        parts += [f"{number}. {_indented(each.asked)}\n\n{room}" for number, each in enumerate(paper.questions, 1)]
    parts += [f"## {_('The run')}", f"```\n{chart}\n```"]
    if paper.questions:
        parts.append(f"---\n\n## {_('Answers')}")
        parts += [f"{number}. {_indented(each.answer)}" for number, each in enumerate(paper.questions, 1)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _indented(block: str) -> str:
    """Indent a paragraph as the content of a list item."""
    first, *rest = block.split("\n")
    return "\n".join([first, *(f"   {line}" if line else "" for line in rest)])


def as_html(paper: Handout, picture: str, language: str) -> str:
    """Return a handout as an HTML page. ``picture``: an SVG of the run."""
    from markdown_it import MarkdownIt

    render = MarkdownIt("commonmark", {"html": False}).enable("table").render
    room = '<div class="room"></div>' * _LINES
    asked = "".join(f"<li>{render(each.asked)}{room}</li>" for each in paper.questions)
    answers = "".join(f"<li>{render(each.answer)}</li>" for each in paper.questions)
    questions = f"<h2>{escape(_('Questions'))}</h2><ol>{asked}</ol>" if asked else ""
    given = f'<section class="answers"><h2>{escape(_("Answers"))}</h2><ol>{answers}</ol></section>' if asked else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(paper.title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>{escape(paper.title)}</h1>\n{render(paper.text)}\n{questions}\n"
        f"<h2>{escape(_('The run'))}</h2>\n{picture}\n{given}\n</body></html>\n"
    )
