"""Machines of other engines: ``transitions`` and ``python-statemachine``.

The packages are not imported here. Their classes are extended when the program imports them, or at once if it has, and
put back when telemetry is closed.
"""

from __future__ import annotations

import sys
from typing import Any

from am_telemetry.adapters.base import Adapter, Names
from am_telemetry.adapters.importing import ImportWatch
from am_telemetry.adapters.statemachine import StatemachineAdapter
from am_telemetry.adapters.transitions import TransitionsAdapter
from am_telemetry.sending.client import Client, Picked


class Adapters:
    """The adapters of one client."""

    def __init__(self, client: Client) -> None:
        names = Names()
        self.transitions = TransitionsAdapter(client, names)
        self.statemachine = StatemachineAdapter(client, names)
        self._imports = ImportWatch({**self.transitions.modules, **self.statemachine.modules})

    def start(self) -> None:
        """Trace what there is, and what will be imported."""
        self._imports.start()

    def stop(self) -> None:
        """Put everything back."""
        self._imports.stop()
        self.transitions.stop()
        self.statemachine.stop()

    def look_around(self) -> None:
        """Meet the machines that exist and were not wanted before."""
        for adapter, name in ((self.transitions, "transitions.core"), (self.statemachine, "statemachine.statemachine")):
            module = sys.modules.get(name)
            if module is not None:
                for key in [key for key, watch in list(adapter.watches.items()) if watch is None]:
                    adapter.watches.pop(key, None)
                adapter.find_existing(module)

    def pick(self, machine: Any) -> Picked | None:
        """Trace one machine, whatever the settings say; None when no adapter knows it."""
        adapter: Adapter
        core = sys.modules.get("transitions.core")
        chart = sys.modules.get("statemachine.statemachine")
        if core is not None and isinstance(machine, core.Machine):
            adapter, watches = self.transitions, self.transitions.watch_machine(machine)
        elif chart is not None and isinstance(machine, chart.StateChart):
            adapter, watches = self.statemachine, self.statemachine.watch_machine(machine)
        else:
            return None
        return tuple(watch.id for watch in watches), lambda: adapter.drop(watches)
