"""Enode's charge actions: asked for once, pursued until the car is as wanted, out of time, cancelled or replaced."""

import asyncio
import uuid
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.commands import COMMANDS
from simulator.dialects.brokers import authorize_application, name_car
from simulator.dialects.enode.face import FACE
from simulator.dialects.enode.links import DIALECT, find_linked_car, find_scopes, is_valid, list_links
from simulator.dialects.enode.vehicles import read_json
from simulator.dialects.enode.webhooks import make_event, tell
from simulator.dialects.frame import Face, Result, check_plainly, refuse_as_told, take_command
from simulator.errors import ApiError, InvalidParameter, MakerSays, Refused
from simulator.faults import json_response, serve
from simulator.ledger import Entry, format_time
from simulator.oauth import Grant
from simulator.refusals import refuse_if_unable
from simulator.world import Reference, World

COMMANDS_BY_ACTION = {"START": "charge.start", "STOP": "charge.stop"}
LOOK_EVERY_S = 0.1
KEPT_ACTIONS = 2000
# Before this no command has left Enode: the answer to the request is always a pending action.
SOONEST_S = 0.02
_OVERDUE_S = 5.0
# Failure -> the state in which it leaves the action. Enode says of FAILED that the car did not answer in time, and of
# CANCELLED that a precondition was not met or that another action took over; UNNECESSARY is our guess.
_ENDS = {
    "NO_RESPONSE": "FAILED",
    "FAILED_PRECONDITION": "CANCELLED",
    "CONFLICT": "CANCELLED",
    "NOT_FOUND": "CANCELLED",
    "UNNECESSARY": "CANCELLED",
    "REQUESTED_CANCELLATION": "CANCELLED",
}
Action = dict[str, Any]


class _AskingFace:
    """The face of one request to charge: its answer is the action, however the request ends."""

    tells_already = True

    def __init__(self, world: World, link: dict[str, Any]) -> None:
        self._world, self._link = world, link

    def error(self, error: ApiError) -> web.Response:
        return FACE.error(error)

    async def word(self, result: Result) -> web.Response:
        action_id = result.reference.ref if result.reference else ""
        return json_response(describe_action(_shelf(self._world)[action_id]))


async def control_charging(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    link, car, behaviour = find_linked_car(world, token["client_id"], request.match_info["id"])
    body = await read_json(request)
    command = COMMANDS_BY_ACTION.get(str(body.get("action")))
    if command is None:
        raise InvalidParameter("action")

    def check() -> dict[str, Any]:
        if car.facts.get(DIALECT, {}).get("smart_charging"):
            raise ApiError(422, "smart_charging")
        grant = Grant("", link["client_id"], car.account_id, "", find_scopes(link["scopes"]))
        return check_plainly(car, grant, command, {})

    def begin(
        world: World,
        car: Car,
        command: str,
        _parameters: dict[str, Any],
        behaviour: Behaviour,
        entry: Entry,
        is_faulty: bool,
        _face: Face,
    ) -> Result:
        """Take the action up, or the one that already pursues the same; another one it replaces."""
        for pending in _list_pending(world, car):
            if pending["kind"] == body["action"]:
                entry.outcome = "reused"
                return _as_result(pending, car, command, behaviour, entry)
            _end(world, pending, "CONFLICT")
        action = _create(world, link, car, body["action"], behaviour)
        entry.outcome = "accepted"
        world.start(_Pursuit(world, link, car, action, entry, is_faulty=is_faulty).run())
        return _as_result(action, car, command, behaviour, entry)

    return await take_command(
        request,
        world,
        car,
        _AskingFace(world, link),
        command=command,
        parameters={},
        check=check,
        behaviour=behaviour,
        execute=begin,
    )


async def show_action(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    action = _find(world, token["client_id"], request.match_info["action"])
    return await serve(
        request,
        world,
        world.behaviours.for_car(action["car_id"]),
        lambda: json_response(describe_action(action)),
        word_error=FACE.error,
    )


async def cancel_action(request: web.Request) -> web.StreamResponse:
    """Stop trying. An action that has ended is returned as it is, with 409; what the car did stays done."""
    world, token = authorize_application(request, DIALECT)
    action = _find(world, token["client_id"], request.match_info["action"])
    if action["state"] != "PENDING":
        return json_response(describe_action(action), status=409)
    _end(world, action, "REQUESTED_CANCELLATION")
    return json_response(describe_action(action))


def describe_action(action: Action) -> dict[str, Any]:
    failure = action["failure"]
    return {
        "id": action["id"],
        "userId": action["user_id"],
        "createdAt": format_time(action["created_at"]),
        "updatedAt": format_time(action["updated_at"]),
        "completedAt": format_time(action["completed_at"]),
        "state": action["state"],
        "targetId": name_car(DIALECT, action["car_id"]),
        "targetType": "vehicle",
        "kind": action["kind"],
        "failureReason": None
        if failure is None
        else {"type": failure, "detail": f"The action ended: {failure.replace('_', ' ').lower()}."},
    }


class _Pursuit:
    """One action on its way: looks at the car again and again until the action has ended."""

    def __init__(
        self, world: World, link: dict[str, Any], car: Car, action: Action, entry: Entry, *, is_faulty: bool
    ) -> None:
        self._world, self._link, self._car, self._action, self._entry = world, link, car, action, entry
        self._is_faulty = is_faulty

    async def run(self) -> None:
        failure = "NO_RESPONSE"
        behaviour = self._world.behaviours.for_car(self._car.id)
        await asyncio.sleep(max(behaviour.effect_s, SOONEST_S))
        while self._action["state"] == "PENDING":
            outcome = self._try()
            if outcome == "CONFIRMED":
                _end(self._world, self._action, None)
            elif outcome in _ENDS and outcome != "FAILED_PRECONDITION":
                _end(self._world, self._action, outcome)
            elif self._world.now() >= self._action["deadline"]:
                _end(self._world, self._action, outcome if outcome in _ENDS else failure)
            else:
                await asyncio.sleep(LOOK_EVERY_S)
        if self._entry.outcome in ("accepted", "done"):
            failure_word = self._action["failure"]
            if failure_word is not None:
                self._entry.outcome = "already" if failure_word == "UNNECESSARY" else f"refused:{failure_word.lower()}"

    def _try(self) -> str:
        """Try once; return CONFIRMED, a failure, or what keeps us waiting."""
        world, car, entry = self._world, self._car, self._entry
        behaviour = world.behaviours.for_car(car.id)
        links = list_links(world, self._link["client_id"], self._link["user_id"])
        is_linked = any(fields["account_id"] == self._link["account_id"] for fields in links)
        if not is_linked or world.garage.find(car.id) is not car:
            return "NOT_FOUND"
        if not is_valid(world, self._link):
            # The maker's cloud no longer lets Enode in; that it then ends at once is our guess.
            return "NO_RESPONSE"
        state = world.look(car, behaviour)
        if state != "online":
            if state == "asleep":
                world.begin_wake(car, behaviour)
            return state
        command = COMMANDS_BY_ACTION[self._action["kind"]]
        if self._is_faulty:
            if behaviour.never_acts:
                return "silent"
            try:
                refuse_as_told(world, car, command, {}, behaviour, entry)
            except MakerSays as says:
                return says.word if says.word in _ENDS else "FAILED_PRECONDITION"
            except Refused:
                # Told to refuse, it will not change its mind: the end need not be waited for.
                self._action["deadline"] = 0.0
                return "FAILED_PRECONDITION"
            except ApiError:  # busy: tried again
                return "busy"
        if COMMANDS[command].is_so(car, {}):
            return "UNNECESSARY"
        try:
            refuse_if_unable(car, command, {})
        except Refused:
            return "FAILED_PRECONDITION"
        world.act(car, command, {}, entry)
        entry.outcome = "done"
        return "CONFIRMED"


def _create(world: World, link: dict[str, Any], car: Car, kind: str, behaviour: Behaviour) -> Action:
    now, kept = world.now(), _shelf(world)
    action: Action = {
        "id": str(uuid.uuid4()),
        "client_id": link["client_id"],
        "user_id": link["user_id"],
        "car_id": car.id,
        "kind": kind,
        "state": "PENDING",
        "failure": None,
        "created_at": now,
        "updated_at": now,
        "completed_at": None,
        "deadline": now + behaviour.patience_s,
    }
    kept[action["id"]] = action
    while len(kept) > KEPT_ACTIONS:
        kept.pop(next(iter(kept)))
    world.changes += 1
    return action


def _end(world: World, action: Action, failure: str | None) -> None:
    now = world.now()
    action["state"] = "CONFIRMED" if failure is None else _ENDS[failure]
    action["failure"] = failure
    action["updated_at"] = action["completed_at"] = now
    world.changes += 1
    event = make_event(
        world,
        "user:vendor-action:updated",
        action["user_id"],
        vendorAction=describe_action(action),
        updatedFields=["state", "completedAt"],
    )
    tell(world, action["client_id"], [event])


def _list_pending(world: World, car: Car) -> list[Action]:
    return [action for action in _shelf(world).values() if action["car_id"] == car.id and action["state"] == "PENDING"]


def _find(world: World, client_id: str, action_id: str) -> Action:
    action = _shelf(world).get(action_id)
    if action is None or action["client_id"] != client_id:
        raise ApiError(404, "not_found")
    if action["state"] == "PENDING" and world.now() > action["deadline"] + _OVERDUE_S:
        # Nobody has pursued it since the simulator was started again.
        _end(world, action, "NO_RESPONSE")
    return action


def _as_result(action: Action, car: Car, command: str, behaviour: Behaviour, entry: Entry) -> Result:
    return Result("accepted", car, command, {}, behaviour, entry, Reference(action["id"], car.account_id, "pending"))


def _shelf(world: World) -> dict[str, Action]:
    kept: dict[str, Action] = world.shelf(DIALECT).setdefault("actions", {})
    return kept
