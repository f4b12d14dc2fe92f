"""One owner's Tesla in the lab, and a worker of ours: what the tests against Tesla's dialect stand on."""

import asyncio
import time

from fleet.adapters.base import Login
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.tesla.adapter import TeslaAdapter
from fleet.adapters.providers.tesla.signing.keys import make_signing_key, public_key_pem
from fleet.adapters.sessions import SessionsInMemory
from tests.fleet.adapters.rig import Permit
from tests.simulator.cloud import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from tests.simulator.dialects.tesla_wire import BASE, MODEL_3, TeslaApp

KEY = make_signing_key()
DOMAIN = "fleet.example"


class Watched(Http):
    """Keeps what left: the paths, and the bodies that may act."""

    def __init__(self):
        super().__init__()
        self.paths, self.acted = [], []

    async def ask(self, method, url, **more):
        self.paths.append(url.rpartition("/")[2].partition("?")[0])
        return await super().ask(method, url, **more)

    async def act(self, method, url, *, json_body, **more):
        self.paths.append(url.rpartition("/")[2])
        self.acted.append(dict(json_body))
        return await super().act(method, url, json_body=json_body, **more)


class Bench:
    """One owner's car in the lab, and a worker of ours; `work` runs one event loop, as one worker process has it."""

    def __init__(self, lab, car=MODEL_3, *, is_paired=True, lives_in="eu", thought_in="eu"):
        self.tesla = TeslaApp(lab, car | {"needs_pairing": not is_paired}, region=lives_in)
        self.tesla.control("POST", f"accounts/{self.tesla.owner.account_id}", {"region": lives_in})
        self.store = SessionsInMemory()
        base = f"{lab.address}{BASE}"
        self.app = AppCredential(
            {
                "authorize": f"{base}/oauth2/v3/authorize",
                "token": f"{base}/oauth2/v3/token",
                "api_na": f"{base}/na",
                "api_eu": f"{base}/eu",
                "pairing": f"{base}/_ak",
            },
            CLIENT_ID,
            CLIENT_SECRET,
            REDIRECT_URI,
            {"signing_key": KEY},
            {"domain": DOMAIN},
        )
        self.login = Login(self.tesla.tokens["access_token"], self.tesla.owner.account_id, thought_in)
        self.access = self.login.to(self.tesla.vins[0])

    def pair(self):
        self.set_car(pair=public_key_pem(KEY))

    def set_car(self, **facts):
        self.tesla.control("POST", f"cars/{self.tesla.owner.car}", facts)

    def work(self, use):
        """Return what `use(adapter)` gives, and the client that it went through."""

        async def run():
            async with Watched() as http:
                return await use(TeslaAdapter(self.app, http, self.store)), http

        return asyncio.run(run())

    def send(self, *orders, left_s=None):
        """Send commands one after the other; return their verdicts and the client."""

        async def each(adapter):
            return [
                await adapter.send(self.access, order, permit=Permit(), request_id="request-1", left_s=left_s)
                for order in orders
            ]

        return self.work(each)

    def store_clock_s(self):
        """What the security computer's clock shows now, as far as we know."""
        session = asyncio.run(self.store.load(self.tesla.vins[0], "2"))
        return time.time() - session.clock_zero_s

    def acted(self):
        return [command for command, _, is_executed in self.tesla.did() if is_executed]
