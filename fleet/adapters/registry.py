"""Which adapters exist: key to dotted path, loaded on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from fleet.adapters.base import Adapter

ADAPTERS = {
    "enode": "fleet.adapters.providers.enode.adapter.EnodeAdapter",
    "simulator": "fleet.adapters.providers.simulator.adapter.SimulatorAdapter",
    "smartcar": "fleet.adapters.providers.smartcar.adapter.SmartcarAdapter",
    "tesla": "fleet.adapters.providers.tesla.adapter.TeslaAdapter",
    "volvo": "fleet.adapters.providers.volvo.adapter.VolvoAdapter",
}


@cache
def get_adapter(key: str) -> type[Adapter]:
    """Return the adapter class for a provider key. Raises KeyError for a key that does not exist."""
    module, _, name = ADAPTERS[key].rpartition(".")
    adapter = getattr(import_module(module), name)
    if not issubclass(adapter, Adapter):
        raise TypeError(f"{ADAPTERS[key]} is not an Adapter")
    return adapter
