"""The keys under which the web application keeps what its handlers need."""

from aiohttp import web

from simulator.sign_ins import SignIns
from simulator.world import World

WORLD = web.AppKey("world", World)
SIGN_INS = web.AppKey("sign_ins", SignIns)
