"""What people call commands and reads, in one place for buttons, the matrix, answers, the API and files."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

COMMANDS: Mapping[str, Promise] = {
    "lock": _("Lock"),
    "unlock": _("Unlock"),
    "start_charge": _("Start charging"),
    "stop_charge": _("Stop charging"),
    "set_charge_limit": _("Charge limit"),
    "open_charge_port": _("Open charge port"),
    "close_charge_port": _("Close charge port"),
    "start_climate": _("Start climate"),
    "stop_climate": _("Stop climate"),
    "set_temperature": _("Cabin temperature"),
    "open_trunk": _("Open trunk"),
    "close_trunk": _("Close trunk"),
    "open_frunk": _("Open front trunk"),
    "close_frunk": _("Close front trunk"),
    "send_destination": _("Send destination"),
    "set_pin": _("Set driver PIN"),
    "reset_pin": _("Remove driver PIN"),
    "enable_valet": _("Valet mode on"),
    "disable_valet": _("Valet mode off"),
    "flash_lights": _("Flash lights"),
    "honk_horn": _("Honk horn"),
    "start_engine": _("Start engine"),
    "stop_engine": _("Stop engine"),
}
READS: Mapping[str, Promise] = {
    "read_charge": _("Charging state"),
    "read_battery": _("Battery and range"),
    "read_odometer": _("Odometer"),
    "read_location": _("Location"),
    "read_lock_state": _("Lock state"),
    "read_climate": _("Temperatures"),
    "read_fuel": _("Fuel level"),
    "read_tires": _("Tyre pressure"),
    "read_vin": _("VIN"),
}
TITLES = {**READS, **COMMANDS}
