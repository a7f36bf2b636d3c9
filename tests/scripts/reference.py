"""``make docs``: docs/reference.md in every language, from the code: commands with their options, keys, what a scenario
may say, policies with their parameters, exit statuses. A test says when it is not current."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, cast

import msgspec

from sandbox import policies
from sandbox.cli import COMMANDS
from sandbox.cli.parser import Parser
from sandbox.i18n import LANGUAGES, NATIVE, _, speaking
from sandbox.model.commands import FORMS
from sandbox.model.schemas import NAMES
from sandbox.model.spec import At, ClientSpec, MachineSpec, ProcessSpec, Step, WhatIf
from sandbox.model.values import Kind
from sandbox.scenario.tables import kinds
from sandbox.tui.keys import ACTIONS, written
from sandbox.wording.keys import KEYS
from sandbox.wording.policies import rule_and_rest
from tests.support.guide import translation

PAGE = "docs/reference.md"
#: The tables of a scenario file; those that there may be several of stand in two brackets.
TABLES: dict[str, type[msgspec.Struct]] = {
    "machine": MachineSpec,
    "process": ProcessSpec,
    "client": ClientSpec,
    "at": At,
    "step": Step,
    "whatif": WhatIf,
}
_TOP = ("title", "lesson", "concepts", "claims")
#: What the page itself says, by language: the rest is the product's own.
_SAID = {
    "en": {
        "title": "# Reference",
        "made": "Generated from the code by `make docs`.",
        "commands": "## Commands",
        "every": "Every command takes `--lang en` or `--lang zh`; `COMMAND --help` prints the same descriptions as this page.",
        "app": "open the app",
        "keys": "## Keys",
        "moved": "The last column shows the name by which a key can be reassigned: in the table `[keys]` of "
        "`~/.config/ossandbox/config.toml`.",
        "everywhere": "### On the board",
        "scenario": "## Scenarios",
        "file": "### The file itself",
        "heads": "| key | | allowed | default |",
        "does": "`do` is one of these: ",
        "policies": "## Policies",
        "parameters": "| parameter | | allowed | default |",
        "schemas": "## JSON documents",
        "schema": "`ossandbox schema NAME` prints the JSON Schema of each: ",
        "statuses": "## Exit statuses",
        "status": "0 done · 1 the run failed, or some of its processes could not be started · 2 bad input · "
        "3 `explore`: a limit was reached first · 130 interrupted",
        "joint": ", ",
        "end": ".",
    },
    "zh": {
        "title": "# 参考",
        "made": "由 `make docs` 从代码生成。",
        "commands": "## 命令",
        "every": "每个命令都接受 `--lang en` 或 `--lang zh`；`COMMAND --help` 显示与这里相同的说明。",
        "app": "界面",
        "keys": "## 按键",
        "moved": "最后一列是改按键时用的名字：`~/.config/ossandbox/config.toml` 里的 `[keys]`。",
        "everywhere": "### 在板上",
        "scenario": "## 场景",
        "file": "### 文件本身",
        "heads": "| 键 | | 允许的值 | 默认值 |",
        "does": "`do` 是其中之一：",
        "policies": "## 策略",
        "parameters": "| 参数 | | 允许的值 | 默认值 |",
        "schemas": "## JSON 文档",
        "schema": "`ossandbox schema NAME` 打印每一种的 JSON Schema：",
        "statuses": "## 退出状态",
        "status": "0 完成 · 1 运行失败，或有进程没能启动 · 2 输入有误 · 3 `explore`：先到了界限 · 130 被中断",
        "joint": "、",
        "end": "。",
    },
}


def page(language: str) -> str:
    """The whole page."""
    said = _SAID[language]
    with speaking(language):
        parts = [said["title"], _languages(language), said["made"]]
        parts += [said["commands"], said["every"], *_commands(said)]
        parts += [said["keys"], said["moved"], *_keys(said)]
        parts += [said["scenario"], *_tables(said)]
        parts += [said["policies"], *_policies(said)]
        parts += [said["schemas"], said["schema"] + said["joint"].join(f"`{name}`" for name in NAMES) + said["end"]]
        parts += [said["statuses"], said["status"]]
    return "\n\n".join(parts) + "\n"


def _languages(language: str) -> str:
    names = [
        NATIVE[each] if each == language else f"[{NATIVE[each]}]({translation(PAGE, each).name})" for each in LANGUAGES
    ]
    readme = translation("README.md", language).name
    return " · ".join([*names, f"[README](../{readme})"])


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _table(head: str, rows: Iterable[str]) -> str:
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rows])


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


# Commands


def _commands(said: dict[str, str]) -> Iterator[str]:
    yield from _command("", "app", said["app"])
    for name, says in COMMANDS.items():
        yield from _command(name, name, _(says))


def _command(name: str, module: str, says: str) -> Iterator[str]:
    parser = Parser(prog=f"ossandbox {name}".strip(), add_help=False)
    import_module(f"sandbox.cli.{module}").arguments(parser)
    options = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    words = [_positional(action) for action in options if not action.option_strings]
    yield f"### `{' '.join([parser.prog, *words])}`"
    yield says
    if options:
        yield _table("| | |", [_row(_code(_option(action)), _help(action)) for action in options])


def _positional(action: argparse.Action) -> str:
    name = str(action.metavar or ("|".join(action.choices) if action.choices else action.dest.upper()))
    return f"[{name}]" if action.nargs == "?" else f"{name}…" if action.nargs == "+" else name


def _option(action: argparse.Action) -> str:
    if not action.option_strings:
        return _positional(action)
    value = "" if action.nargs == 0 else str(action.metavar or "|".join(map(str, action.choices or ())))
    return ", ".join(action.option_strings) + (f" {value}" if value else "")


def _help(action: argparse.Action) -> str:
    return (action.help or "") % {"default": action.default, "prog": "ossandbox"}


# Keys


def _keys(said: dict[str, str]) -> Iterator[str]:
    panels = list(dict.fromkeys(action.panel for action in ACTIONS))
    for panel in panels:
        actions = [action for action in ACTIONS if action.panel == panel]
        yield said["everywhere"] if not panel else f"### {_heading(actions[0].name)}"
        rows = (_row(_code(written(each.keys)), _(each.name), _(each.says), _code(each.id)) for each in actions)
        yield _table("| | | | |", rows)


def _heading(name: str) -> str:
    """Of "Sockets: next" what stands before the colon."""
    return _(name).replace("：", ":").partition(":")[0]


# Scenarios


def _tables(said: dict[str, str]) -> Iterator[str]:
    yield said["file"]
    yield _table("| | |", [_row(_code(key), _(KEYS[f".{key}"])) for key in _TOP])
    for name, struct in TABLES.items():
        yield f"### `[{name}]`" if name == "machine" else f"### `[[{name}]]`"
        yield _table(said["heads"], _fields(name, struct))
        if name == "at":
            yield said["does"] + said["joint"].join(_code(form) for form in FORMS.values()) + said["end"]


def _fields(name: str, struct: type[msgspec.Struct]) -> Iterator[str]:
    defaults = {field.name: field for field in msgspec.structs.fields(struct)}
    for key, (field, kind) in kinds(struct).items():
        value = _default(kind, defaults[field])
        yield _row(_code(key), _(KEYS[f"{name}.{key}"]), _code(kind.range()), _code(value))


def _default(kind: Kind[Any], field: Any) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else None
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    return kind.write(value) if value not in (None, [], {}) else ""


# Policies


def _policies(said: dict[str, str]) -> Iterator[str]:
    for name in policies.names():
        kind = policies.find(name)
        yield f"### `{name}`"
        yield "\n\n".join(filter(None, rule_and_rest(kind.__doc__)))
        declared = [*kind.declared()]
        if declared:
            yield _table(said["parameters"], [_row(*_parameter(cast(Any, each))) for each in declared])


def _parameter(parameter: Any) -> tuple[str, str, str, str]:
    default = parameter.kind.write(parameter.kind.read(parameter.default))
    return _code(parameter.name), _(parameter.says), _code(parameter.kind.range()), _code(default)


def main() -> None:
    for language in LANGUAGES:
        translation(PAGE, language).write_text(page(language), encoding="utf-8")


if __name__ == "__main__":
    main()
