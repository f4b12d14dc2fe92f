"""The words of the matrix: what can be commanded and read, how well it is supported, which engines there are."""

import unicodedata

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.adapters.commands import KINDS

CONTROLS = tuple(KINDS)
READS = (
    "read_charge",
    "read_battery",
    "read_odometer",
    "read_location",
    "read_lock_state",
    "read_climate",
    "read_fuel",
    "read_tires",
    "read_vin",
)
# The order of these is the order of the letters in LineEntry.supports: whoever changes it loads the data anew.
ABILITIES = (*READS, *CONTROLS)
POSITION = {ability: position for position, ability in enumerate(ABILITIES)}
# In an array of countries: every country that no other row of the same line and provider names.
ELSEWHERE = "*"


class Support(models.TextChoices):
    """How well an ability is supported. UNKNOWN is the answer wherever no fact says otherwise."""

    FULL = "full", _("Works")
    PARTIAL = "partial", _("Works with a condition")
    NONE = "none", _("Not offered")
    UNKNOWN = "unknown", _("Not known")

    @property
    def letter(self) -> str:
        return self.value[0]


BY_LETTER = {support.letter: support for support in Support} | {"-": Support.UNKNOWN}
# Better first: where several providers answer, the best answer is the one that helps.
BEST_FIRST = (Support.FULL, Support.PARTIAL, Support.UNKNOWN, Support.NONE)


class Engine(models.TextChoices):
    BEV = "BEV", _("Electric")
    PHEV = "PHEV", _("Plug-in hybrid")
    HEV = "HEV", _("Hybrid")
    ICE = "ICE", _("Combustion")


class ProviderKind(models.TextChoices):
    MAKER_API = "maker_api", _("The maker's own interface")
    BROKER = "broker", _("One interface for many makes")
    DATA_ACT = "data_act", _("Read-only feed under the EU Data Act")
    COMMUNITY = "community", _("Unofficial library")
    SIMULATOR = "simulator", _("Pretend cars, to try Fleetwell")


def plain(text: str) -> str:
    """Return a name as it is compared: letters and digits alone, no accents, no case, so that "ID 4" is "ID.4"."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart.casefold() if letter.isalnum())
