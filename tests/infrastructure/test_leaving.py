"""No request leaves this machine while the tests run: not from this process, not from one that it starts."""

import asyncio
import socket
import subprocess
import sys

import pytest

from fleet.adapters.http import Http

ELSEWHERE = "192.0.2.1"  # for documents alone (RFC 5737): nobody answers there


def test_connection_when_it_would_leave_this_machine_then_it_is_refused_loudly():
    with pytest.raises(AssertionError, match=r"192\.0\.2\.1"), socket.socket() as sock:
        sock.connect((ELSEWHERE, 443))


def test_call_to_a_maker_when_its_address_is_a_real_one_then_the_test_fails():
    async def ask():
        async with Http() as http:
            await http.ask("GET", f"http://{ELSEWHERE}/")

    with pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        asyncio.run(ask())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_process_of_a_test_when_it_would_leave_this_machine_then_it_is_refused_too(loop):
    script = f"""
import asyncio, {loop}, sys
from fleet.adapters.http import Http
async def ask():
    async with Http() as http:
        await http.ask("GET", "http://{ELSEWHERE}/")
{loop}.run(ask())
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, "LeftThisMachine" in done.stderr) == (1, True), done.stderr
