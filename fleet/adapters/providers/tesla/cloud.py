"""Calls to Tesla's cloud: the right region, and errors in our words. What the calls are for is the adapter's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fleet.adapters.base import Access, Login
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Answer, Http, NoAnswer, OnePermit, error_for_status
from fleet.adapters.providers.tesla.scopes import read_claims

REGION_KEY = "api_"
# 421, and the proxy's 500: who knows which base is meant says so in the text.
NAMED_BASE = re.compile(r"https?://[^\s\"',]+")
ASLEEP = "offline or asleep"


class Cloud:
    """Tesla's cloud as one registration sees it. Remembers which region an owner turned out to live in."""

    def __init__(self, http: Http, urls: Mapping[str, str]) -> None:
        self._http = http
        self._bases = {
            name.removeprefix(REGION_KEY): url.rstrip("/") for name, url in urls.items() if name.startswith(REGION_KEY)
        }
        self._learned: dict[str, str] = {}

    @property
    def regions(self) -> Mapping[str, str]:
        """The base address of each region, by its name."""
        return self._bases

    def region_of(self, who: Login | Access) -> str:
        """Return the region to ask: the one that Tesla named, the login's, the token's, or the first."""
        for region in (self._learned.get(who.account_id, ""), who.region, read_claims(who.access_token).region):
            if region in self._bases:
                return region
        return next(iter(self._bases))

    def region_at(self, base: str) -> str:
        """Return the name of the region with this address; "" for one that is not in our registration.

        An address from an answer decides where tokens go: only those that an operator entered are ever used.
        """
        return next((name for name, ours in self._bases.items() if ours == base.rstrip("/")), "")

    async def ask(
        self, method: str, path: str, who: Login | Access, json_body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Make a call that does not act on a car, once more where the login lives if Tesla says so.

        Raises AdapterError.
        """
        answer = await self._ask(method, path, who, json_body)
        if answer.status == 421 and self._learn(answer, who):
            answer = await self._ask(method, path, who, json_body)
        return answer

    async def get(self, path: str, who: Login | Access) -> Any:
        """Return what "response" holds. Raises AdapterError."""
        return self.said(await self.ask("GET", path, who))

    async def post(self, path: str, who: Login | Access, json_body: Mapping[str, Any]) -> Any:
        """Return what "response" holds. Raises AdapterError."""
        return self.said(await self.ask("POST", path, who, json_body))

    async def act(
        self, path: str, access: Access, json_body: Mapping[str, Any], *, permit: OnePermit, timeout_s: float
    ) -> Answer:
        """Make the one call that may act. Raises what Http.act raises."""
        answer = await self._http.act(
            "POST",
            self._bases[self.region_of(access)] + path,
            permit=permit,
            headers={"Authorization": f"Bearer {access.access_token}"},
            json_body=json_body,
            timeout_s=timeout_s,
        )
        if answer.status == 421:
            self._learn(answer, access)
        return answer

    @staticmethod
    def said(answer: Answer) -> Any:
        """Return what "response" holds. Raises AdapterError for everything but a 200 that has one."""
        if answer.status != 200:
            raise error_of(answer)
        body = answer.json()
        if body is None or body.get("response") is None:
            raise AdapterError("upstream_error", detail="no response in the answer")
        return body["response"]

    async def _ask(self, method: str, path: str, who: Login | Access, json_body: Mapping[str, Any] | None) -> Answer:
        headers = {"Authorization": f"Bearer {who.access_token}"}
        url = self._bases[self.region_of(who)] + path
        try:
            return await self._http.ask(method, url, headers=headers, json_body=json_body)
        except NoAnswer as error:
            raise AdapterError("upstream_down", detail=error.detail) from error

    def _learn(self, answer: Answer, who: Login | Access) -> bool:
        """Keep the region that a 421 names, if it is another one of ours; say whether it is."""
        for named in NAMED_BASE.findall(error_text(answer)):
            region = self.region_at(named)
            if region and region != self.region_of(who) and who.account_id:
                self._learned[who.account_id] = region
                return True
        return False


def error_text(answer: Answer) -> str:
    """Return what an error says of itself; "" for what is not Tesla's form."""
    body = answer.json()
    if body is None:
        return ""
    parts = (body.get("error"), body.get("error_description"))
    return " ".join(part for part in parts if isinstance(part, str))


def error_of(answer: Answer) -> AdapterError:
    """Turn an error of a call that does not act into ours. Never carries the text: it can name an owner's account."""
    text, detail = error_text(answer), f"HTTP {answer.status}"
    if answer.status in {408, 500, 503} and ASLEEP in text:
        return AdapterError("vehicle_asleep", detail=detail)
    match answer.status:
        case 401 if "mobile_access_disabled" in text:
            return AdapterError("account_action", detail=detail)
        case 402:
            return AdapterError("quota_exhausted", detail=detail)
        case 408 if text:
            return AdapterError("vehicle_asleep", detail=detail)
        case 412:
            return AdapterError("setup_required", detail=detail)
        case 423 | 451:
            return AdapterError("account_action", detail=detail)
        case 540:
            return AdapterError("vehicle_unreachable", detail=detail)
    return error_for_status(answer)
