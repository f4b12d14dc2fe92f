"""Smartcar's adapter with the real engine, against Smartcar's dialect."""

from tests.fleet.adapters.dialects.benches import SmartcarBench
from tests.fleet.adapters.dialects.engine import EngineContract


class TestSmartcar(EngineContract):
    bench_class = SmartcarBench
