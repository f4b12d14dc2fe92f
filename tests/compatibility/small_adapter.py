"""An adapter that can lock and nothing else, for data that declares more than an adapter has."""

from dataclasses import replace

from fleet.adapters.providers.simulator.adapter import SimulatorAdapter


class SmallAdapter(SimulatorAdapter):
    manifest = replace(
        SimulatorAdapter.manifest,
        key="small",
        commands={"lock": SimulatorAdapter.manifest.commands["lock"]},
        scopes=frozenset({"control_security", "read_location"}),
    )
