"""What is known of other processes of this machine."""

from __future__ import annotations

import errno
import os


def runs(process: int) -> bool:
    """Whether there is a process of this number, whoever owns it."""
    try:
        os.kill(process, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True
