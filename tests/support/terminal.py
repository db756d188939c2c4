"""Runs a program on a terminal of its own and answers what it asks.

    terminal.py '[["password: ", "secret\\n"], ...]' PROGRAM ARGUMENT...

Waits for each text in the program's output, then types its answer. Prints all that stood on the terminal, and ends as the
program did; with 99 when it did not come to its end within 20 seconds, with 98 when a signal ended it, and with 97 when it left a terminal
that does not show what is typed."""
import json
import os
import pty
import select
import signal
import sys
import termios
import time

steps = json.loads(sys.argv[1])
end = time.monotonic() + 20 * float(os.environ.get('SLOWNESS', '1'))

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])

shown, seen = b'', 0
while time.monotonic() < end:
    if steps and steps[0][0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(terminal, steps.pop(0)[1].encode())
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        piece = os.read(terminal, 65536)
    except OSError:  # the program has closed it
        piece = b''
    if not piece:
        break
    shown += piece
else:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    sys.stdout.buffer.write(shown)
    sys.exit(99)

_, status = os.waitpid(pid, 0)
if not termios.tcgetattr(terminal)[3] & termios.ECHO:
    sys.exit(97)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 98)
