"""Tesla's adapter with the real engine, against Tesla's dialect."""

from tests.fleet.adapters.dialects.benches import TeslaBench
from tests.fleet.adapters.dialects.engine import EngineContract


class TestTesla(EngineContract):
    bench_class = TeslaBench
