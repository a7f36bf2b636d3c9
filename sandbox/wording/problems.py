"""Sentences about what is wrong with user input and files."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.clause import Clause
from sandbox.wording.templates import fill, say

_PROBLEMS: Messages = {
    "duration needs a unit": "{value} has no unit; write {hint}",
    "expected a size": "{value} is no size; write for example 64kB, 400MB or 2GB",
    "expected a duration": "{value} is no duration; write for example 20ms, 1.5s or 250us",
    "out of range": "{value} is out of range; allowed: {allowed}",
    "expected a whole number": "{value} is no whole number; allowed: {allowed}",
    "expected a number": "{value} is no number; allowed: {allowed}",
    "expected true or false": "{value} is neither true nor false",
    "expected text": "{value} is no text; put it in quotation marks",
    "expected a list": "{value} is no list; write [ … ]",
    "expected a table": "{value} is no table; write {{ key = value }}",
    "expected tables": "{value} is no list of tables; begin each with {hint}",
    "not one of the allowed words": "{value} is not allowed; allowed: {allowed}",
    "text has the wrong length": "{length} characters; allowed: {allowed}",
    "text holds a NUL byte": "holds a NUL byte",
    "not a name": "{value} is no name: one word of at most 40 characters",
    "list has the wrong length": "{length} entries; allowed: {allowed}",
    "not a stretch of work": "{value} is no stretch of work; allowed: {allowed}",
    "not a command": "{value} is nothing an operator can do; allowed: {allowed}",
    "not a command line": "{value} is no command line",
    "no such parameter": "{policy} has no parameter {value}; it has: {allowed}",
    "not a setting": "{value} sets no parameter; write {name}:parameter=value",
    "no such policy": "there is no policy {value}; there are: {allowed}",
    "policy with parameters": "{value} is neither a policy's name nor of the form file.py:Class; parameters are set by "
    "{hint}",
    "no such file": "there is no file {value}",
    "not a plain file": "{value} is no plain file",
    "nothing to check in it": "no file in this folder is a scenario (.toml) or a policy (.py)",
    "too many classes": "{value} holds {number} classes, and at most {allowed} are tried; name the one that is meant",
    "which class": "{value} does not say which class is meant; write {allowed}",
    "no such class": "there is no class {value} in {file}",
    "not among the classes": "there is no class {value} in {file}; there are: {allowed}",
    "no such function": "there is no function {value} in {file}; there are: {allowed}",
    "no such sensor here": "the sensor {value} cannot be had here: {reason}; {hint} takes the best that can",
    "no scenario of that name": "there is no scenario {value}",
    "no such command": "{value} is neither a command nor a scenario",
    "no such scenario": "there is no scenario {value}; there are: {allowed}, or give the path of a file",
    "no such process": "there is no process {value}; there are: {allowed}",
    "file does not load": "{value} does not load: {reason}",
    "file fails": "{value} fails in line {line}: {reason}",
    "module has moved": "{value}, line {line}: {module} is now sandbox.policies: {now}",
    "not a policy": "{value} is no policy: its class must derive from sandbox.policies.Policy",
    "policy does not start": "{value} does not start: {reason}",
    "ties of a policy": "{value} says ties = {found}; allowed: {allowed}",
    "no policy in the file": "the file of {value} holds no policy of that name",
    "file is too large": "the file is larger than {allowed}",
    "cannot be read": "cannot be read: {reason}",
    "file exists": "exists already; give another name, or --force to overwrite it",
    "not a file for a policy": "is no name for a policy's file: letters, digits and _, then .py, for example mine.py",
    "cannot be written": "cannot be written: {reason}",
    "policy takes too long": "does not return while it is loaded: {file}, line {line}",
    "no answer": "does not return while it is loaded",
    "ends the process": "ends the process when it is loaded: {reason}",
    "over the limit": "is not loaded after {limit_ns}",
    "answers do not fit": "its answers do not match the questions",
    "is not UTF-8": "is not UTF-8 text (byte {byte})",
    "is not TOML": "is not TOML: {reason}",
    "is nested too deeply": "is nested too deeply",
    "too many processes": "{number} processes; at most {allowed}",
    "too much work": "{number} stretches of work in all, repeats and copies counted; at most {allowed}",
    "lasts too long": "would last {time_ns} one after the other, repeats and copies counted; at most {allowed}",
    "too many tables": "{number} tables; at most {allowed}",
    "says nothing to run": "says nothing to run; give exactly one of: {allowed}",
    "says more than one thing to run": "says {found}; give exactly one of: {allowed}",
    "belongs to others only": "belongs to {owner} only",
    "two servers at one address": "two servers listen at {value}; give each its own address",
    "two clients of one name": "two clients are called {value}",
    "leads off this machine": "{value} is on another machine; clients connect only to this one",
    "not an address": "{value} is no address; write for example {hint}",
    "no such host": "{value} cannot be resolved: {reason}",
    "is exposed": "other machines can reach {at}, too; --expose permits that",
    "no network": "it talks over real sockets; the virtual machine has no network: use ossandbox run",
    "belongs to another option": "means nothing without {hint}",
    "steps on one CPU": "a turn is one line of one process: there is one mini CPU, not {value}",
    "only Python steps": "{value} has no lines to step through: where a turn is a line, every process is a python = …",
    "steps need the hook": "a program steps by its hook; leave hook = false out",
    "no limit where a turn is a line": "{key} cannot be limited where a turn is a line",
    "no clients where a turn is a line": "there are no clients where a turn is a line: they would not wait for theirs",
    "folder is too large": "each run has a copy of the folder {value}, which is larger than {allowed}; give the "
    "scenario a folder of its own",
    "lines are real": "a turn is one {value} of a real program: virtual time knows no programs; use ossandbox run",
    "is missing": "{key} is missing",
    "unknown key": "there is no key {value}; allowed: {allowed}",
    "two processes of one name": "two processes are called {value}",
    "expected file.py:function": "{value} is neither of the form file.py:function nor of the form file.py",
    "leads out of the scenario's folder": "{value} leads out of the scenario's folder, or over a link",
    "policy by name only": "{value} is a file; only the name of a policy is allowed here",
    "file nobody named": "{value}: files named by a recording are not run; if you trust this file, name it yourself",
    "no proc": "there is no /proc, which real runs need: mount -t proc proc /proc provides it; ossandbox simulate does "
    "not need it",
    "comes with no recording": "no recording comes with it: those of the built-in lessons do (see: ossandbox lessons)",
    "needs Linux": "needs real processes, which are run on Linux only",
    "cannot be explored": "cannot be explored: {reason}",
    "no Linux": "real processes are run on Linux only; in virtual time it runs here, too: {hint}",
    "no Linux but a recording": "real processes are run on Linux only, and it cannot run in virtual time; this opens a "
    "recording of it: {hint}",
    "no Linux but signals": "real processes are run on Linux; in virtual time it runs here, too: {hint}; {other} tries "
    "real ones by signals alone",
    "only on Linux": "this needs Linux",
    "too many cpus": "{number} mini CPUs, but this machine has {allowed} (ossandbox simulate takes any number)",
    "ostep needs work": "OSTEP's simulators know synthetic work only, without periods",
    "ostep has one cpu": "OSTEP's simulators have one CPU",
    "ostep changes no policy": "its policy was changed on the way, which OSTEP's simulators cannot",
    "ostep has no operator": "a process was started or killed on the way, which OSTEP's simulators cannot",
    "nobody had a turn": "nobody has run in it: there is no order of turns",
    "too many turns": "it has {value} turns, and an order at most {allowed}",
    "ostep has no such policy": "OSTEP's simulators have no {value}; they have fcfs, sjf, rr and mlfq",
    "ostep scheduler needs bursts": "OSTEP's scheduler.py knows jobs that all arrive at 0 and only compute",
    "ostep scheduler knows bursts": "OSTEP's scheduler.py knows how long each job is: it has no knows=estimate",
    "ostep has one wait": "in OSTEP's mlfq.py all waits are equally long",
    "ostep needs regular waits": "{value} does not wait after each so much CPU time and end with a burst, as jobs of "
    "OSTEP's mlfq.py do",
    "nothing ran in it": "no process ran in it",
    "nothing else is asked for": "say what to change: --policy, --quantum, or both",
    "is no recording": "is no recording of ossandbox (ossandbox run SCENARIO --record FILE makes one)",
    "recording is empty": "is empty: nothing was recorded",
    "recording holds no event": "holds no event: its recording ended before the run had begun",
    "no freezer here": "processes cannot be frozen here: {reason}; {hint} stops them by signals",
    "no pid namespace": "this system does not allow a pid namespace (unshare is missing, or forbidden)",
    "not a key": "{value} is no key; write for example x, f5, ctrl+x, space or full_stop",
    "key is taken": "{value} is the key of {other} already; give that another one, too",
    "is not stepped": "a turn is a time here, and not a step of the program",
    "not synthetic": "{value} is a real program: only work takes the same CPU time on both machines",
    "has no lesson": "has no lesson",
    "not a happening": "{value} is nothing that can happen; write {allowed}",
    "not a claim": "{value} is no claim; write {allowed}",
    "not a figure": "{value} is no figure; write for example makespan or NAME.cpu",
    "text without quotation marks": "{value} is neither a figure nor a value; put text in quotation marks",
    "text has the wrong parts": "{file} has {found} parts (a line --- stands between two); its steps make {allowed}",
    "not a range": "{value} is no range; write for example {allowed}",
    "range of two kinds": "{value} leads from {first} to {last}: give both a unit, or none",
    "range without end": "{value} never reaches its last value",
    "too many values": "{value} has more than {allowed} values",
    "nothing to run": "holds no process: there is nothing to run",
    "standard input twice": "standard input is named twice, but can be read only once",
    "standard input is a scenario": "standard input is read as a scenario; name the file of a policy, for example "
    "mine.py",
    "standard input is a terminal": "standard input is a terminal: redirect a file (< FILE) or a pipe to it",
    "standard output is taken": "standard output cannot hold both this and the output of {value}",
    "standard output has the events": "standard output shows the events: {hint} leaves it to the recording",
    "standard output is the terminal": "standard output is the terminal on which the app draws: redirect it",
    "no folder in a stream": "standard output is no folder",
    "not a scheduler": "{value} is no address of a scheduler; write for example {hint}",
    "no such figure": "there is no figure {value}; there are: {allowed}",
    "no such schema": "there is no kind of document {value}; there are: {allowed}",
    "no rows": "holds no row of a sweep that could be drawn (ossandbox sweep SCENARIO -o FILE makes some)",
    "no such axis": "nothing is called {value} in these rows; there are: {allowed}",
    "figure has no values": "no row has a value of {value}",
    "too many series": "{number} lines are too many to tell apart (at most {allowed}); --by chooses what they stand "
    "for",
    "no plot extra": "pictures need the extra: {hint}",
    "no web extra": "a browser needs the extra: {hint}",
    "sweep exists": "exists already: --resume continues it, --force overwrites it",
    "sweep under way": "another sweep is writing into it",
    "expected a moment": "{value} is no date with a time; write without quotation marks, for example {hint}",
    "not a class": "{value} is no name of a class",
    "says nothing to judge": "says nothing to judge by; give exactly one of: {allowed}",
    "says more than one thing to judge": "says {found}; give exactly one of: {allowed}",
    "nothing to claim about": "there is no {value} to claim anything about; there are: {allowed}",
    "two tasks of one name": "two tasks are called {value}",
    "too many points": "the points come to more than {allowed}",
    "no such lab": "there is no assignment {value}; there are: {allowed}",
    "no submissions": "holds no submission: no .py file, and no folder of a student",
    "two submissions of one name": "two submissions are called {value}: give folders of other names",
    "folder is there": "exists already; give another name",
    "a folder for many": "many submissions make many files; say where: {hint}",
    "not while travelling": "{value} is a file on this machine, but the work is done on others: name a built-in policy",
    "cannot be simulated": "{value} is a real program: give it an estimate, or run it with ossandbox run",
}

#: Sentences about recordings that can be read only in part.
_RECORDINGS: Messages = {
    "recording of a later format": "ossandbox {version} wrote it in format {format}, but this version reads formats up "
    "to {reads}: what it does not know is left out",
    "recording without a header": "line {line} is no header: what was run is known from the events only",
    "recording ends within a line": "line {line} was cut off: its writer was killed, or had no room",
    "lines left out": "{number} of its lines cannot be used, the first is line {line}: what they said is left out",
    "recording has no end": "it ends before the end of the run",
    "line is too long": "line {line} is longer than {allowed} bytes: nothing from there on is read",
    "too many events": "it holds more than {allowed} events: the rest is left out",
}


#: The most frequent messages of the standard library's TOML parser.
_TOML: Messages = {
    "Invalid value": "Invalid value",
    "Invalid statement": "Invalid statement",
    "Expected '=' after a key in a key/value pair": "Expected '=' after a key in a key/value pair",
    "Expected newline or end of document after a statement": "Expected newline or end of document after a statement",
    "Expected ']' at the end of a table declaration": "Expected ']' at the end of a table declaration",
    "Expected ']]' at the end of an array declaration": "Expected ']]' at the end of an array declaration",
    "Unclosed array": "Unclosed array",
    "Unclosed inline table": "Unclosed inline table",
    "Unterminated string": "Unterminated string",
    "Cannot overwrite a value": "Cannot overwrite a value",
    "Invalid initial character for a key part": "Invalid initial character for a key part",
}


def problem(clause: Clause) -> str:
    """Return what is wrong with an input. A suggestion, if there is one, follows it, but precedes a list of what is
    allowed, because that may be long."""
    if clause.rule == "is not TOML":
        reason = str(clause.figures.get("reason"))
        clause = Clause(clause.rule, {"reason": _(_TOML.get(reason, reason))})
    hint = clause.figures.get("hint")
    template = _PROBLEMS.get(clause.rule, "")
    if hint is None or "{hint}" in template:
        return say(_PROBLEMS, clause)
    wrong, _mark, allowed = _(template).partition(_("; ")) if "{allowed}" in template else (_(template), "", "")
    said = _("{said}. Did you mean {hint}?").format(said=fill(wrong, clause.figures), hint=hint)
    return _("{said} ({more})").format(said=said, more=fill(allowed, clause.figures)) if allowed else said


def recording(clause: Clause) -> str:
    """Return a sentence about a problem of a recording."""
    return say(_RECORDINGS, clause)
