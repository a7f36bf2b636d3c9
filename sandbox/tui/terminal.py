"""The driver for the terminal, which may vanish at any moment and send anything."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import codecs
import os
import re
import selectors
import signal
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.message import Message

from sandbox.tui.compat import correct_size, divert_output, make_parser

#: Bytes to read at once, and seconds to wait for input before pending input is looked at.
_READ, _WAIT_S = 1 << 12, 0.1
#: The most columns or lines of a terminal.
_MAX_CELLS = 4_000
#: Answers of a terminal, which may come late over a slow line: they are not typed by the user.
_ANSWER = re.compile(rb"\x1b(?:\][0-9]+;|[P_^X])[^\x07\x1b]*(?:\x07|\x1b\\)")
#: Longer sequences are not answers.
_MAX_ANSWER = 1 << 10
#: Mouse reports of old terminals: three bytes, which are not characters.
_OLD_MOUSE = re.compile(rb"\x1b\[M[\x20-\xff]{3}")
#: The unfinished beginning of an answer or a mouse report.
_BEGUN = re.compile(rb"\x1b(?:(?:\][0-9]+;|[P_^X].)[^\x07\x1b]*\x1b?|\[M[\x20-\xff]{0,2})\Z", re.DOTALL)


class Terminal(LinuxDriver):
    """Textual's driver, which writes in a thread, made robust: a failed write would end that thread and block the app.
    Here the app exits when the terminal is gone, whether a signal reports that or not."""

    def __init__(self, app: App[Any], **more: Any) -> None:
        super().__init__(app, **more)
        divert_output(self, lambda file: _MayBeGone(file, lambda: app.call_later(app.exit, 128 + signal.SIGHUP)))
        correct_size(self, self._known_size)

    def _known_size(self, found: tuple[int, int]) -> tuple[int, int]:
        """Return the size that the app draws for if the terminal reports none: a different one would make it redraw
        endlessly."""
        try:
            told = all(os.get_terminal_size(self.fileno))
        except OSError:
            told = True
        if told:
            return found
        assumed = self._app.console.size
        return assumed.width, assumed.height

    def run_input_thread(self) -> None:
        """Pass on input. Textual's own method would end the app at the first byte that is not UTF-8, and at the first
        sequence with a number that is too large."""
        keys = Keys()
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = selector.select(_WAIT_S)
                try:
                    data = os.read(self.fileno, _READ) if ready else b""
                except OSError:
                    data = b""
                if ready and not data:  # the terminal is gone
                    self._app.call_later(self._app.exit, 128 + signal.SIGHUP)
                    return
                for message in keys.typed(data):
                    self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Pass a message on, unless it reports a size that no terminal has."""
        if not isinstance(message, Resize) or max(message.size) <= _MAX_CELLS:
            super().process_message(message)


class Keys:
    """Extracts the user's input from the bytes that a terminal sends."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._parser = make_parser()
        #: The beginning of a sequence that may not be user input.
        self._begun = b""

    def typed(self, data: bytes) -> Iterator[Message]:
        """Yield the keys, mouse events and pastes in these bytes; no bytes mean that there was no input for a
        moment."""
        try:
            if text := self._text(data):
                yield from self._parser.feed(text)
            yield from self._parser.tick()
        except Exception:  # no real terminal sends that; drop it
            self._parser = make_parser(self._parser)

    def _text(self, data: bytes) -> str:
        begun, self._begun = self._begun, b""
        if data:
            data = _OLD_MOUSE.sub(b"", _ANSWER.sub(b"", begun + data))
            rest = _BEGUN.search(data)
            if rest is not None and len(data) - rest.start() < _MAX_ANSWER:
                data, self._begun = data[: rest.start()], data[rest.start() :]
        else:
            data = begun  # it was not the beginning of a sequence
        return self._decoder.decode(data)


class _MayBeGone:
    """A file whose writes never fail; ``gone`` is called when the first output is lost."""

    def __init__(self, file: TextIO, gone: Callable[[], object]) -> None:
        self._file, self._gone = file, gone
        self._lost = False

    def fileno(self) -> int:
        return self._file.fileno()

    def write(self, text: str) -> int:
        return self._try(self._file.write, text) or len(text)

    def flush(self) -> None:
        self._try(self._file.flush)

    def _try(self, do: Callable[..., Any], *what: str) -> Any:
        try:
            return do(*what)
        except OSError:
            if not self._lost:
                self._lost = True
                self._lead_nowhere()
                self._gone()
            return None

    def _lead_nowhere(self) -> None:
        """Redirect the file to /dev/null: pending output would make the interpreter's last flush fail, and change the
        exit status."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)
