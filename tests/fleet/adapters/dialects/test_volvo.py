"""Volvo's adapter with the real engine, against Volvo's dialect."""

from tests.fleet.adapters.dialects.benches import VolvoBench
from tests.fleet.adapters.dialects.engine import EngineContract


class TestVolvo(EngineContract):
    bench_class = VolvoBench
