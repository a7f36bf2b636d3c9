"""Predicts what a line will touch that several processes share, from its text and its variables.

Two turns that touch nothing in common lead to the same state in either order, so only one of the orders has to be
tried. A line that is not understood completely may touch anything. Nothing is run for the prediction, neither the line
nor any code of the program, and nothing shared is read. What a line only may do counts as done.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ast
import builtins
import types

from sandbox.programs.stepping.footprints import ANY, PLAIN, Footprint, NotUnderstood, is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The result for a line that may touch anything.
UNKNOWN = "?"
#: Code objects with these names are part of the line that runs them, and of its text.
_WITHIN_A_LINE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_NEW_PROCESS = "_bootstrap"
_SAFE: frozenset[object] = frozenset(
    (
        *(abs, all, any, bool, bytes, chr, dict, divmod, enumerate, float, frozenset, hash, hex, int, len, list, max),
        *(min, oct, ord, print, range, repr, reversed, round, set, sorted, str, sum, tuple, zip),
    )
)
#: A loop within a line over at most so many items is evaluated for each of them.
_MAX_ITEMS = 16
_MAX_BITS = 64
_NUMBERS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitXor: lambda a, b: a ^ b,
}
#: For each path, the nodes of the syntax tree that each line runs.
_FILES: dict[str, dict[int, list[ast.AST]]] = {}
#: Statements of which only these parts are run by their first line.
_HEADS: dict[type, tuple[str, ...]] = {
    ast.If: ("test",),
    ast.While: ("test",),
    ast.For: ("iter", "target"),
    ast.With: ("items",),
    ast.Try: (),
    ast.ExceptHandler: ("type",),
    ast.FunctionDef: ("decorator_list", "args"),
}


def note(path: str, text: bytes) -> None:
    """Parse the text of a file."""
    lines = _FILES[path] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            heads = _HEADS.get(type(node))
            last = node.end_lineno or node.lineno
            if heads is not None:
                inner = [each for name in heads for each in _parts(getattr(node, name))]
                last = max((getattr(each, "end_lineno", None) or node.lineno for each in inner), default=node.lineno)
            for line in range(node.lineno, last + 1):
                lines.setdefault(line, []).append(node)


def _parts(value: object) -> list[ast.AST]:
    if isinstance(value, list):
        return [part for each in value for part in _parts(each)]
    if isinstance(value, ast.withitem):
        return [value.context_expr]
    return [value] if isinstance(value, ast.AST) else []


def _lines_of(path: str) -> dict[int, list[ast.AST]]:
    if path not in _FILES:
        try:
            with open(path, "rb") as file:
                note(path, file.read())
        except (OSError, SyntaxError, ValueError, RecursionError):
            _FILES[path] = {}
    return _FILES[path]


class Touches:
    """Predicts what turns touch. ``is_step``: whether lines of code are steps; ``folder``: where the program's modules
    are."""

    def __init__(self, is_step: Callable[[types.CodeType], bool], folder: str) -> None:
        self._is_step, self._folder = is_step, folder

    def of(self, frame: types.FrameType, line: int) -> str:
        """Return what the turn touches that begins at this line. The line may be the last of its function; then the
        rest of its callers' lines belongs to the turn as well."""
        footprint = Footprint()
        at: types.FrameType | None = frame
        try:
            while at is not None:
                code = at.f_code
                if self._is_step(code):
                    self.line(at, line if at is frame else at.f_lineno, footprint)
                elif code.co_name == _NEW_PROCESS or not code.co_filename.startswith(self._folder):
                    if code.co_filename.endswith(("process.py", "zygote.py")):
                        break  # all calls of the program are above this one
                    raise NotUnderstood
                elif code.co_name not in _WITHIN_A_LINE:
                    raise NotUnderstood
                at = at.f_back
        except NotUnderstood:
            return UNKNOWN
        except Exception:  # an object of the program is not what it seems to be
            return UNKNOWN
        return footprint.written()

    def line(self, frame: types.FrameType, line: int, footprint: Footprint) -> None:
        """Add what this line touches by itself. Raises NotUnderstood."""
        nodes = _lines_of(frame.f_code.co_filename).get(line)
        if not nodes:
            raise NotUnderstood
        _Reader(frame, footprint, self._is_step).statements(nodes)


class _Reader:
    """Evaluates the text of a line with the variables of a frame."""

    def __init__(self, frame: types.FrameType, footprint: Footprint, is_step: Callable[[types.CodeType], bool]) -> None:
        self._local, self._world = frame.f_locals, frame.f_globals
        self._bound: dict[str, Any] = {}
        self._footprint, self._is_step = footprint, is_step

    # Statements

    def statements(self, nodes: list[Any]) -> None:
        """Evaluate the statements of one line. A loop on a single line is one turn per iteration. Which iteration that
        is is not considered, so all of them are evaluated."""
        head, *rest = nodes
        if rest and type(head) is ast.For and type(head.target) is ast.Name:
            over = self.value(head.iter)
            if type(over) in (list, tuple) and len(over) <= _MAX_ITEMS:
                for item in over:
                    self._bound[head.target.id] = item
                    for node in rest:
                        self.statement(node)
                return
        for node in nodes:
            self.statement(node)

    def statement(self, node: Any) -> None:
        read = _STATEMENTS.get(type(node))
        if read is None:
            raise NotUnderstood
        read(self, node)

    def _nothing(self, node: Any) -> None: ...

    def _values(self, *nodes: Any) -> None:
        for node in nodes:
            if node is not None:
                self.value(node)

    def _assign(self, node: Any) -> None:
        value = self.value(node.value) if node.value is not None else PLAIN
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self._store(target, value)

    def _augment(self, node: Any) -> None:
        self._operate(node.op, self.value(node.target), self.value(node.value))
        self._store(node.target, PLAIN)

    def _store(self, target: Any, value: Any) -> None:
        if isinstance(target, ast.Name):
            self._bound[target.id] = value if is_plain(value) else ANY
        elif isinstance(target, ast.Attribute):
            self._footprint.attribute(self.value(target.value), target.attr, write=True)
        elif isinstance(target, ast.Subscript):
            self._footprint.item(self.value(target.value), self.value(target.slice), write=True)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for each in target.elts:
                self._store(each, ANY)
        else:
            raise NotUnderstood

    def _for(self, node: Any) -> None:
        over = self.value(node.iter)
        self._footprint.iterate(over)
        self._store(node.target, PLAIN if is_plain(over) else ANY)

    def _with(self, node: Any) -> None:
        for item in node.items:
            self._footprint.enter(self.value(item.context_expr))
            if item.optional_vars is not None:
                self._store(item.optional_vars, ANY)

    def _function(self, node: Any) -> None:
        if node.decorator_list:
            raise NotUnderstood
        self._values(*node.args.defaults, *node.args.kw_defaults)

    # Expressions

    def value(self, node: Any) -> Any:
        """Return the value of an expression, as far as known."""
        read = _EXPRESSIONS.get(type(node))
        if read is None:
            raise NotUnderstood
        return read(self, node)

    def _name(self, node: Any) -> Any:
        for names in (self._bound, self._local, self._world, builtins.__dict__):
            if node.id in names:
                return names[node.id]
        raise NotUnderstood

    def _attribute(self, node: Any) -> Any:
        return self._footprint.attribute(self.value(node.value), node.attr)

    def _subscript(self, node: Any) -> Any:
        return self._footprint.item(self.value(node.value), self.value(node.slice))

    def _slice(self, node: Any) -> Any:
        self._values(node.lower, node.upper, node.step)
        return PLAIN

    def _binary(self, node: Any) -> Any:
        return self._operate(node.op, self.value(node.left), self.value(node.right))

    def _operate(self, operator: ast.operator, left: Any, right: Any) -> Any:
        self._footprint.use(left)
        self._footprint.use(right)
        work = _NUMBERS.get(type(operator))
        if (
            work is not None
            and type(left) is int
            and type(right) is int
            and max(left.bit_length(), right.bit_length()) < _MAX_BITS
        ):
            return work(left, right) if right or not isinstance(operator, (ast.FloorDiv, ast.Mod)) else PLAIN
        return PLAIN if is_plain(left) and is_plain(right) else ANY

    def _unary(self, node: Any) -> Any:
        value = self.value(node.operand)
        self._footprint.use(value)
        return -value if isinstance(node.op, ast.USub) and type(value) is int else PLAIN

    def _any_of(self, node: Any) -> Any:
        """Evaluate an expression whose value is that of one of its parts, or combines them."""
        values = [self.value(each) for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        for value in values:
            self._footprint.use(value)
        return PLAIN if all(map(is_plain, values)) else ANY

    def _collection(self, node: Any) -> Any:
        values = [self.value(each) for each in node.elts]
        return PLAIN if all(map(is_plain, values)) else ANY

    def _starred(self, node: Any) -> Any:
        value = self.value(node.value)
        self._footprint.iterate(value)
        return PLAIN if is_plain(value) else ANY

    def _named(self, node: Any) -> Any:
        value = self.value(node.value)
        self._store(node.target, value)
        return value

    def _call(self, node: Any) -> Any:
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            arguments = self._arguments(node)
            return self._footprint.call_method(base, node.func.attr, arguments, self._is_own)
        function = self.value(node.func)
        arguments = self._arguments(node)
        if function is print:
            self._footprint.note("out", write=True)
        if type(function) in (types.BuiltinFunctionType, type) and function in _SAFE:
            for each in arguments:
                self._footprint.consume(each)
            return PLAIN if all(map(is_plain, arguments)) else ANY
        if self._is_own(function):
            return ANY
        raise NotUnderstood

    def _arguments(self, node: Any) -> list[Any]:
        return [self.value(each) for each in (*node.args, *(keyword.value for keyword in node.keywords))]

    def _is_own(self, function: Any) -> bool:
        """Whether the lines of a function are steps, which are examined when they are reached."""
        if type(function) is types.MethodType:
            function = function.__func__
        return type(function) is types.FunctionType and self._is_step(function.__code__)

    def _comprehension(self, node: Any) -> Any:
        before = dict(self._bound)
        if len(node.generators) == 1 and isinstance(node.generators[0].target, ast.Name):
            generator = node.generators[0]
            over = self.value(generator.iter)
            self._footprint.iterate(over)
            few = type(over) in (list, tuple) and len(over) <= _MAX_ITEMS
            for item in over if few else [PLAIN if is_plain(over) else ANY]:
                self._bound[generator.target.id] = item
                self._values(*generator.ifs)
                self._footprint.use(self.value(node.elt))
            self._bound = before
            return PLAIN
        raise NotUnderstood


_STATEMENTS: dict[type, Callable[[_Reader, Any], None]] = {
    ast.Expr: lambda reader, node: reader._values(node.value),
    ast.Return: lambda reader, node: reader._values(node.value),
    ast.Assert: lambda reader, node: reader._values(node.test, node.msg),
    ast.If: lambda reader, node: reader._footprint.use(reader.value(node.test)),
    ast.While: lambda reader, node: reader._footprint.use(reader.value(node.test)),
    ast.ExceptHandler: lambda reader, node: reader._values(node.type),
    ast.Assign: _Reader._assign,
    ast.AnnAssign: _Reader._assign,
    ast.AugAssign: _Reader._augment,
    ast.For: _Reader._for,
    ast.With: _Reader._with,
    ast.FunctionDef: _Reader._function,
    **dict.fromkeys((ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Try), _Reader._nothing),
}
_EXPRESSIONS: dict[type, Callable[[_Reader, Any], Any]] = {
    ast.Constant: lambda reader, node: node.value,
    ast.Name: _Reader._name,
    ast.Attribute: _Reader._attribute,
    ast.Subscript: _Reader._subscript,
    ast.Slice: _Reader._slice,
    ast.BinOp: _Reader._binary,
    ast.UnaryOp: _Reader._unary,
    ast.NamedExpr: _Reader._named,
    ast.Starred: _Reader._starred,
    ast.Call: _Reader._call,
    **dict.fromkeys((ast.BoolOp, ast.Compare, ast.IfExp, ast.JoinedStr, ast.FormattedValue), _Reader._any_of),
    **dict.fromkeys((ast.Tuple, ast.List, ast.Set), _Reader._collection),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), _Reader._comprehension),
}
