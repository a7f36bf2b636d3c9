"""The user's own settings: read, and refused with everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import wording
from sandbox.scenario import BadInput
from sandbox.tui.config import Config, config_file, read_config
from tests.support.run import ossandbox


def write(text: str | bytes) -> Path:
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(text: str | bytes) -> list[str]:
    """What is said of a bad file."""
    path = write(text)
    with pytest.raises(BadInput) as bad:
        read_config()
    assert bad.value.file == str(path)
    return [f"{problem.place}: {wording.problem(problem.what)}" for problem in bad.value.problems]


def test_without_a_file_there_are_the_defaults() -> None:
    assert read_config() == Config("dark", {})


def test_it_lies_where_configuration_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    assert config_file() == tmp_path / "elsewhere" / "ossandbox" / "config.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert config_file() == tmp_path / ".config" / "ossandbox" / "config.toml"


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("z", "z"),
        ("~", "tilde"),
        ("{", "left_curly_bracket"),
        ("f5", "f5"),
        ("ctrl+x", "ctrl+x"),
        ("exclamation_mark", "exclamation_mark"),
        ("u, z", "u,z"),
        (",", "comma"),
        ("u,,", "u,comma"),
    ],
)
def test_keys_are_written_as_they_are_or_by_their_names(written: str, means: str) -> None:
    write(f'theme = "light"\n[keys]\nstep_back = "{written}"\n')
    assert read_config() == Config("light", {"step_back": means})


def test_two_may_change_places() -> None:
    write('[keys]\npause = "full_stop"\nstep = "space"\n')
    assert read_config().keymap == {"pause": "full_stop", "step": "space"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('theme = "blue"', "theme: 'blue' is not allowed; allowed: dark | light"),
        ("theme = 5", "theme: 5 is not allowed; allowed: dark | light"),
        ("keys = 5", "keys: 5 is no table; write { key = value }"),
        ("[keys]\npause = 5", "keys.pause: 5 is no text; put it in quotation marks"),
        (
            '[keys]\npause = "spcae"',
            "keys.pause: 'spcae' is no key; write for example x, f5, ctrl+x, space or full_stop",
        ),
        ('[keys]\npause = ""', "keys.pause: '' is no key; write for example x, f5, ctrl+x, space or full_stop"),
        ('[keys]\npause = "q"', "keys.pause: q is the key of quit already; give that another one, too"),
        ('[keys]\npause = "z"\nnew = "z"', "keys.new: z is the key of pause already; give that another one, too"),
        ('colour = "red"', "colour: there is no key colour; allowed: keys | theme"),
    ],
)
def test_what_is_wrong_is_told(text: str, said: str) -> None:
    assert problems(text) == [said]


def test_an_unknown_action_is_told_with_what_was_meant() -> None:
    (said,) = problems('[keys]\npuase = "x"')
    assert said.startswith(
        "keys.puase: there is no key 'puase'. Did you mean pause? (allowed: pause | step | step_back"
    )


def test_everything_is_told_at_once() -> None:
    assert len(problems('theme = "blue"\nx = 1\n[keys]\npause = "spcae"\nnew = 5\n')) == 4


@pytest.mark.parametrize(("text", "said"), [("theme =", "is not TOML"), (b"\xff\xfe", "is not TOML")])
def test_what_is_no_toml(text: str | bytes, said: str) -> None:
    assert said in problems(text)[0]


def test_a_folder_in_its_place() -> None:
    config_file().mkdir(parents=True)
    with pytest.raises(BadInput) as bad:
        read_config()
    assert wording.problem(bad.value.problems[0].what) == "cannot be read: Is a directory"


@pytest.mark.parametrize("home", ["file", "x" * 300], ids=["file", "long"])
def test_a_home_that_cannot_be_entered_has_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / home))
    assert read_config() == Config()


@pytest.mark.real
def test_the_app_says_so_and_does_not_open(leftcheck: object) -> None:
    path = write('[keys]\npause = "spcae"\n')
    done = ossandbox("welcome")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{path}: keys.pause: 'spcae' is no key")
