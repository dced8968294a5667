"""No traceback ever reaches a person: every end of a command has its message and its code.

Exit codes: 0 done · 1 a fault in what the user gave, or a full disk or memory · 2 usage · 3 a
fault of ours, with a log file · 130 Ctrl-C · 141 the reader of a pipe went away · 143 ended by
the system.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import NoReturn, ParamSpec

P = ParamSpec("P")

USER_FAULT, USAGE, OUR_FAULT, INTERRUPTED, PIPE_CLOSED, TERMINATED = 1, 2, 3, 130, 141, 143

INTERRUPTED_WORDS = "\nInterrupted. Nothing was written half; what stood there before is untouched."


class _Blind:
    """Whether the present command handles blinded data: the log then holds no message."""

    active = False


def handle_blinded_data() -> None:
    """Say that from now on nothing of the data may reach a log."""
    _Blind.active = True


def say(text: str) -> None:
    """A line for the person at the terminal, apart from what a program reads."""
    print(text, file=sys.stderr, flush=True)


def _terminated(*_: object) -> NoReturn:
    raise SystemExit(TERMINATED)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command with every exception turned into a message and an exit code."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        from equipoise.faults import EquipoiseError

        try:
            signal.signal(signal.SIGTERM, _terminated)
            command(*args, **kwargs)
        except EquipoiseError as error:
            say(str(error))
            sys.exit(USER_FAULT)
        except KeyboardInterrupt:
            say(INTERRUPTED_WORDS)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of a pipe has gone; Python must not complain again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(PIPE_CLOSED)
        except MemoryError:
            say("The memory of this machine is used up. Nothing was written half.")
            sys.exit(USER_FAULT)
        except SystemExit as end:
            if end.code == INTERRUPTED:  # Typer turns Ctrl-C into this code, without a word
                say(INTERRUPTED_WORDS)
            raise
        except GeneratorExit:
            raise
        except BaseException as error:  # a library may panic with what is no Exception
            say(
                "Something went wrong inside Equipoise. This is a fault of ours; nothing was "
                f"written half.\nA log is in {_log(error)}; please send it with your report."
            )
            sys.exit(OUR_FAULT)

    return wrapped


def _log(error: BaseException) -> str:
    """Write the traceback to a file; without messages where they could break the blind."""
    if _Blind.active:
        # Places only: neither the message nor a line of source may quote the data.
        frames = "".join(
            f"{frame.filename}:{frame.lineno} in {frame.name}\n"
            for frame in traceback.extract_tb(error.__traceback__)
        )
        text = f"{frames}{type(error).__name__} (message withheld: blinded data)\n"
    else:
        text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="equipoise-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
            return file.name
    except OSError:
        return "(no log could be written)"
