"""``make site``: a folder that can be put on any web server as it is: an index, for each lesson a page that plays the
run whose recording comes with it, and a handout in each language, and the guide. ``python -m tests.scripts.site
[FOLDER]``."""

from __future__ import annotations

import subprocess
import sys
from html import escape
from pathlib import Path

from sandbox.i18n import LANGUAGES, NATIVE, _, speaking
from sandbox.lessons.course import CONCEPTS, lessons
from sandbox.lessons.text import title
from sandbox.scenario import recording_of
from sandbox.scenario.headlines import Headline
from tests.scripts import guide_pages
from tests.support.guide import translation

_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; max-width: 60em; margin: 2em auto;
       padding: 0 1em }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .35em .6em; border-bottom: 1px solid #8c959f80; vertical-align: top }
.concepts { font-size: .85em; opacity: .75 }
"""


GUIDE = {"en": "the guide", "zh": "指南"}


def build(folder: Path) -> list[str]:
    """Build it; the lessons that come with no recording."""
    folder.mkdir(exist_ok=True)
    missing = []
    shown = []
    for lesson in lessons():
        if recording_of(lesson.name) is None:
            missing.append(lesson.name)
            continue
        page = folder / f"{lesson.name}.html"
        ossandbox("export", lesson.name, "--to", "html", "-o", str(page), "--force")
        for language in LANGUAGES:
            paper = ossandbox("--lang", language, "lesson", lesson.name, "--recorded", "--handout", "html")
            (folder / f"{lesson.name}.handout.{language}.html").write_text(paper, encoding="utf-8")
        shown.append(lesson)
    guide_pages.build(folder / "guide")
    (folder / "index.html").write_text(index(shown), encoding="utf-8")
    return missing


def ossandbox(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *words], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def index(shown: list[Headline]) -> str:
    rows = "\n".join(map(row, enumerate(shown, 1)))
    guides = " · ".join(
        f'<a href="guide/{translation("README.md", language).with_suffix(".html").name}">{escape(GUIDE[language])}</a>'
        for language in LANGUAGES
    )
    head = "".join(f"<th>{escape(NATIVE[language])}</th>" for language in LANGUAGES)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>ossandbox</title><style>{_STYLE}</style></head><body>\n<h1>ossandbox</h1>\n"
        f"<p>{guides}</p>\n"
        f"<table><tr><th></th>{head}</tr>\n{rows}\n</table>\n</body></html>\n"
    )


def row(numbered: tuple[int, Headline]) -> str:
    number, lesson = numbered
    cells = ""
    for language in LANGUAGES:
        with speaking(language):
            taught = ", ".join(_(CONCEPTS[each]) for each in lesson.concepts)
            cells += (
                f'<td><a href="{lesson.name}.html">{escape(title(lesson))}</a> '
                f'(<a href="{lesson.name}.handout.{language}.html">{escape({"en": "to print", "zh": "讲义"}[language])}</a>)'
                f'<div class="concepts">{escape(taught)}</div></td>'
            )
    return f"<tr><td>{number}</td>{cells}</tr>"


def main(words: list[str]) -> int:
    folder = Path(words[0] if words else "site")
    missing = build(folder)
    print(f"{folder}/index.html")
    for name in missing:
        print(f"{name}: no recording (make recordings)", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
