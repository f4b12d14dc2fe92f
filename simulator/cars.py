"""A car and the garage that keeps all cars: what is true of each. How it changes with time is physics."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.models import find_facts, find_manufacturer_code
from simulator.vin import make_vin

HOMES = (  # town centres in which the cars live
    (52.4227, 10.7865),
    (48.1374, 11.5755),
    (50.1109, 8.6821),
    (53.5511, 9.9937),
    (51.0504, 13.7373),
    (48.7758, 9.1829),
    (45.7640, 4.8357),
    (52.3676, 4.9041),
)


@dataclass(slots=True)
class PendingEffect:
    """A command that the cloud took and that the car has not carried out yet."""

    ref: str
    command: str
    parameters: dict[str, Any]
    due_at: float


@dataclass(slots=True)
class Car:
    id: str
    account_id: str
    vin: str
    make: str
    model: str
    year: int
    powertrain: str
    battery_kwh: float
    max_ac_kw: float
    max_dc_kw: float
    display_name: str
    license_plate: str | None
    not_capable: frozenset[str] = frozenset()
    # Until its owner has let our key into the car, the maker takes no command for it.
    is_unpaired: bool = False

    # How the cloud reaches it. The times are seconds since 1970 by the wall clock, also when physics runs faster.
    online: str = "online"
    advanced_at: float = 0.0
    idle_s: float = 0.0
    wakes_at: float | None = None
    wakes: int = 0
    woken_generation: int = 0
    last_known: dict[str, Any] | None = None
    last_known_at: float = 0.0

    # What is true of it.
    odometer_km: float = 12_000.0
    soc_percent: float = 60.0
    fuel_percent: float = 70.0
    home_latitude: float = HOMES[0][0]
    home_longitude: float = HOMES[0][1]
    latitude: float = HOMES[0][0]
    longitude: float = HOMES[0][1]
    heading: float = 0.0
    loop_m: float = 0.0
    in_motion: bool = False
    speed_kmh: float = 0.0
    locked: bool = True
    doors_open: bool = False
    trunk_open: bool = False
    frunk_open: bool = False
    plugged_in: bool = False
    charge_port_open: bool = False
    charging_state: str = "disconnected"
    charge_limit_percent: float = 80.0
    charge_power_kw: float = 0.0
    charger_kw: float = 11.0
    charger_is_dc: bool = False
    climate_on: bool = False
    climate_left_s: float = 0.0
    cabin_temperature_c: float = 16.0
    outside_temperature_c: float = 12.0
    outside_is_fixed: bool = False
    target_temperature_c: float = 21.0
    battery_12v_v: float = 12.6
    engine_running: bool = False
    engine_left_s: float = 0.0
    tyre_pressure_kpa: dict[str, float] = field(
        default_factory=lambda: {"fl": 250.0, "fr": 250.0, "rl": 250.0, "rr": 250.0}
    )
    valet_mode: bool = False
    valet_pin: str | None = None
    pin_to_drive: bool = False
    drive_pin: str | None = None
    destination: dict[str, Any] | None = None
    drives_all_day: bool = False
    horn_honks: int = 0
    light_flashes: int = 0
    pending: list[PendingEffect] = field(default_factory=list)
    # What only one dialect knows of it, by the dialect's name; as the control API set it.
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def has_traction_battery(self) -> bool:
        return self.powertrain in ("BEV", "PHEV")

    @property
    def has_engine(self) -> bool:
        return self.powertrain != "BEV"

    @property
    def is_busy_with_itself(self) -> bool:
        """Whether something keeps it from going to sleep."""
        return (
            self.in_motion
            or self.climate_on
            or self.engine_running
            or self.charging_state == "charging"
            or self.doors_open
        )


class Garage:
    """All cars, by id and by account."""

    def __init__(self) -> None:
        self._cars: dict[str, Car] = {}
        self._ids_of_account: dict[str, list[str]] = {}
        self.serial = 0

    def __iter__(self) -> Iterator[Car]:
        return iter(self._cars.values())

    def __len__(self) -> int:
        return len(self._cars)

    def find(self, car_id: str) -> Car | None:
        return self._cars.get(car_id)

    def list_of_account(self, account_id: str) -> list[Car]:
        return [self._cars[car_id] for car_id in self._ids_of_account.get(account_id, ())]

    def add(self, car: Car) -> None:
        self._cars[car.id] = car
        self._ids_of_account.setdefault(car.account_id, []).append(car.id)

    def clear(self) -> None:
        self._cars.clear()
        self._ids_of_account.clear()

    def create(
        self,
        *,
        account_id: str,
        brand_name: str,
        now: float,
        model: str,
        year: int,
        make: str | None = None,
        powertrain: str | None = None,
        vin: str | None = None,
        display_name: str | None = None,
        license_plate: str | None = None,
        not_capable: frozenset[str] = frozenset(),
        is_unpaired: bool = False,
    ) -> Car:
        """Build a parked, locked car from the facts of its model and put it into the garage."""
        self.serial += 1
        make = make or brand_name
        facts = find_facts(make=make, model=model, year=year, powertrain=powertrain)
        wmi = find_manufacturer_code(make, serial=self.serial) or find_manufacturer_code(brand_name) or "WVW"
        latitude, longitude = HOMES[self.serial % len(HOMES)]
        latitude += (self.serial * 37 % 100 - 50) / 4000
        longitude += (self.serial * 61 % 100 - 50) / 4000
        car = Car(
            id=f"veh_{secrets.token_hex(10)}",
            account_id=account_id,
            vin=vin or make_vin(wmi=wmi, model=model, year=year, serial=100_000 + self.serial),
            make=make,
            model=model,
            year=year,
            powertrain=powertrain or facts.powertrain,
            battery_kwh=facts.battery_kwh,
            max_ac_kw=facts.max_ac_kw,
            max_dc_kw=facts.max_dc_kw,
            display_name=display_name or f"{make} {model}",
            license_plate=license_plate,
            not_capable=not_capable,
            is_unpaired=is_unpaired,
            advanced_at=now,
            home_latitude=latitude,
            home_longitude=longitude,
            latitude=latitude,
            longitude=longitude,
        )
        self.add(car)
        return car
