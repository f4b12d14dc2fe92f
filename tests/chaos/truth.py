"""What was true of a car at a time: its first state and every command that it carried out since, from the ledger."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.records import Request

# The maker's word -> the reading that it changes and the value that it leaves; a name stands for a parameter's value.
EFFECTS: Mapping[str, tuple[str, Any]] = {
    "lock": ("locked", True),
    "unlock": ("locked", False),
    "trunk.open": ("trunk_open", True),
    "trunk.close": ("trunk_open", False),
    "frunk.open": ("frunk_open", True),
    "frunk.close": ("frunk_open", False),
    "charge.start": ("charging_state", "charging"),
    "charge.stop": ("charging_state", "stopped"),
    "charge.set_limit": ("charge_limit_percent", "=percent"),
    "charge_port.open": ("charge_port_open", True),
    "charge_port.close": ("charge_port_open", False),
    "climate.start": ("climate_on", True),
    "climate.stop": ("climate_on", False),
    "climate.set_temperature": ("target_temperature_c", "=temperature_c"),
    "engine.start": ("engine_running", True),
    "engine.stop": ("engine_running", False),
    "pin_to_drive.set": ("pin_to_drive", True),
    "pin_to_drive.reset": ("pin_to_drive", False),
    "valet.enable": ("valet_mode", True),
    "valet.disable": ("valet_mode", False),
}
# Ours -> the reading that proves it and the value it must have; a name stands for a parameter's value.
PROOFS: Mapping[str, tuple[str, Any]] = {
    "lock": ("locked", True),
    "unlock": ("locked", False),
    "open_trunk": ("trunk_open", True),
    "close_trunk": ("trunk_open", False),
    "open_frunk": ("frunk_open", True),
    "close_frunk": ("frunk_open", False),
    "start_charge": ("charging_state", "charging"),
    "stop_charge": ("charging_state", "stopped"),
    "set_charge_limit": ("charge_limit_percent", "=limit_percent"),
    "open_charge_port": ("charge_port_open", True),
    "close_charge_port": ("charge_port_open", False),
    "start_climate": ("climate_on", True),
    "stop_climate": ("climate_on", False),
    "set_temperature": ("target_temperature_c", "=temperature_c"),
    "start_engine": ("engine_running", True),
    "stop_engine": ("engine_running", False),
    "set_pin": ("pin_to_drive", True),
    "reset_pin": ("pin_to_drive", False),
    "enable_valet": ("valet_mode", True),
    "disable_valet": ("valet_mode", False),
}
CHARGING = ("charging", "starting", "complete")
# A reading is stamped by another process than the one that noted the execution.
TOLERANCE_S = 0.1


@dataclass
class _Signal:
    times: list[float] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


class Truth:
    """The signals of all cars over the run."""

    def __init__(self, initial: Mapping[str, Mapping[str, Any]], requests: Iterable[Request]) -> None:
        self._signals: dict[tuple[str, str], _Signal] = {}
        for car, signals in initial.items():
            for name, value in signals.items():
                self._signals[car, name] = _Signal([0.0], [_plain(name, value)])
        executed = [request for request in requests if request.executed_at is not None]
        for request in sorted(executed, key=lambda one: one.executed_at or 0.0):
            if request.command in EFFECTS:
                name, value = EFFECTS[request.command]
                signal = self._signals.setdefault((request.car, name), _Signal())
                signal.times.append(request.executed_at or 0.0)
                signal.values.append(_plain(name, _given(value, request.parameters)))

    def was_so(self, car: str, kind: str, parameters: Mapping[str, Any], at: float) -> bool | None:
        """Say whether the car was as the command wants it at that time; None for one that leaves no trace."""
        if kind not in PROOFS:
            return None
        name, wanted = PROOFS[kind]
        signal = self._signals.get((car, name), _Signal())
        first = max(bisect_right(signal.times, at - TOLERANCE_S) - 1, 0)
        last = bisect_right(signal.times, at + TOLERANCE_S)
        return _plain(name, _given(wanted, parameters)) in signal.values[first:last]


def _given(value: Any, parameters: Mapping[str, Any]) -> Any:
    return parameters.get(value[1:]) if isinstance(value, str) and value.startswith("=") else value


def _plain(name: str, value: Any) -> Any:
    if name == "charging_state":
        return "charging" if value in CHARGING else "stopped"
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
