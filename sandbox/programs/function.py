"""A Python function from a file, called as the whole of a process: ``python function.py NAME SIGNAL FILE FUNCTION
ARGUMENTS``.

It has an interpreter of its own, which knows nothing of us, so that the function finds what it would find under
``python3 FILE``; therefore nothing is imported here that an interpreter has not loaded anyway. The process stops
itself by the signal before the file is read: what it took to get so far is not its own doing.
"""

import os
import sys


def main(name: str, stop: int, file: str, function: str, arguments: list[object]) -> None:
    """Be called ``name``, stop, then read ``file`` and call its ``function``.

    The file is both the module of its own name and what ``__main__`` stands for, so that modules beside it and
    ``multiprocessing`` find what they would find under ``python3 FILE``; the ``__name__`` guard keeps.
    """
    with open("/proc/self/comm", "wb") as comm:
        comm.write(os.fsencode(name))
    os.kill(os.getpid(), stop)
    path = os.path.abspath(file)
    sys.argv = [file]
    if not sys.flags.safe_path:  # else there is no folder of a script among the paths
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    new = type(sys)
    own, module = new("__main__"), new(os.path.splitext(os.path.basename(file))[0])
    own.__file__ = module.__file__ = path
    sys.modules.update({"__main__": own, module.__name__: module})
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 - to run it is the purpose
    getattr(module, function)(*arguments)


def _without_us(error: BaseException) -> BaseException:
    """The same exception, traced from the file on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return error.with_traceback(trace)


if __name__ == "__main__":
    try:
        called, stop, file, function, arguments = sys.argv[1:]
        main(called, int(stop), file, function, eval(arguments))  # noqa: S307 - a list that we wrote
    except Exception as error:
        sys.excepthook(type(error), _without_us(error), error.__traceback__)
        sys.exit(1)
