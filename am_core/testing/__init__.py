"""Help for tests of programs with machines: assertions that explain themselves, and waiting that fails the test.

Works with every test runner; nothing has to be installed or registered. :func:`watch` a machine, or all with
:func:`watch_all`, to have failures tell which transitions were refused, and by whom.
"""

from am_core.helpers.debug import mach_debug, mach_debug_env
from am_core.testing.asserting import (
    assert_err,
    assert_is,
    assert_is1,
    assert_no_err_ever,
    assert_no_err_now,
    assert_no_err_queued,
    assert_none,
    assert_not,
    assert_not1,
)
from am_core.testing.logs import log_to_test_log
from am_core.testing.waits import (
    apause,
    await_for_all,
    await_for_any,
    await_for_err_all,
    await_for_err_any,
    group_when1,
    pause,
    wait_for_all,
    wait_for_any,
    wait_for_err_all,
    wait_for_err_any,
)
from am_core.testing.watching import Watch, describe, explain, watch, watch_all

__all__ = [
    "Watch",
    "apause",
    "assert_err",
    "assert_is",
    "assert_is1",
    "assert_no_err_ever",
    "assert_no_err_now",
    "assert_no_err_queued",
    "assert_none",
    "assert_not",
    "assert_not1",
    "await_for_all",
    "await_for_any",
    "await_for_err_all",
    "await_for_err_any",
    "describe",
    "explain",
    "group_when1",
    "log_to_test_log",
    "mach_debug",
    "mach_debug_env",
    "pause",
    "wait_for_all",
    "wait_for_any",
    "wait_for_err_all",
    "wait_for_err_any",
    "watch",
    "watch_all",
]
