"""Enode's adapter with the real engine, against Enode's dialect."""

from tests.fleet.adapters.dialects.benches import EnodeBench
from tests.fleet.adapters.dialects.engine import EngineContract


class TestEnode(EngineContract):
    bench_class = EnodeBench
    impossible = {
        "grant_over": "Enode tells of it by web-hook; asked for, the car is out of reach",
    }
