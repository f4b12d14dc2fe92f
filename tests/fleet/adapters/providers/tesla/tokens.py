"""Access tokens as Tesla makes them, for the tests: a JWT whose signature nobody here checks."""

import base64
import json
from typing import Any


def make_token(**claims: Any) -> str:
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


TOKEN = make_token(
    sub="owner-1",
    scp=["openid", "offline_access", "vehicle_device_data", "vehicle_location", "vehicle_cmds"],
    ou_code="EU",
)
