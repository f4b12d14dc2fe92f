"""The words in which people ask, English and German, and what they mean to us. No grammar, no database."""

from compatibility.words import Engine, plain

# Compared by words.plain: no case, no accents, no spaces. The longest phrase wins, so "open trunk" is not "open".
_PHRASES = {
    "lock": """
        lock, lock it, lock doors, lock the doors, lock the car, verriegeln, abschließen, abschliessen, zuschließen,
        zusperren, absperren, türen verriegeln, doors lock, zuschliessen
    """,
    "unlock": """
        unlock, unlock it, unlock doors, unlock the doors, unlock the car, open doors, open the doors, aufschließen,
        entriegeln, aufsperren, türen öffnen, entsperren, unlocking, unlocked remotely, be unlocked
    """,
    "start_charge": """
        start charge, start charging, start a charge, charge, charging, charge it, laden, aufladen, laden starten,
        ladung starten, ladevorgang starten, laden beginnen, start_charge
    """,
    "stop_charge": """
        stop charge, stop charging, end charging, pause charging, laden stoppen, laden beenden, ladung stoppen,
        ladung beenden, ladevorgang beenden, ladevorgang stoppen, laden anhalten, laden unterbrechen
    """,
    "set_charge_limit": """
        charge limit, set charge limit, charging limit, set the charge limit, limit charge, limit charging, target
        soc, ladegrenze, ladelimit, ladegrenze setzen, laden begrenzen, ladung begrenzen, ziel soc, ladeziel
    """,
    "open_charge_port": """
        charge port, open charge port, open the charge port, charging port, ladeklappe, ladeklappe öffnen,
        ladeanschluss, ladeport, ladeport öffnen
    """,
    "close_charge_port": "close charge port, close the charge port, ladeklappe schließen, ladeport schließen",
    "start_climate": """
        climate, start climate, climate on, climate control, preheat, preheating, precool, precondition,
        preconditioning, heat, heating, heater, cool, cooling, air conditioning, aircon, ac, hvac, klima,
        klimaanlage, klimatisieren, klima starten, klimaanlage starten, klima an, vorheizen, vorklimatisieren,
        vorkühlen, heizen, heizung, standheizung, standklimatisierung, klimatisierung
    """,
    "stop_climate": """
        stop climate, climate off, stop heating, klima stoppen, klimaanlage stoppen, klima aus, heizung aus, klima
        ausschalten, klimaanlage ausschalten, klima beenden
    """,
    "set_temperature": """
        temperature, set temperature, cabin temperature, temperatur, temperatur setzen, innentemperatur, temperatur
        einstellen
    """,
    "open_trunk": """
        trunk, open trunk, open the trunk, boot, open boot, open the boot, tailgate, open tailgate, liftgate,
        kofferraum, kofferraum öffnen, heckklappe, heckklappe öffnen
    """,
    "close_trunk": """
        close trunk, close the trunk, close boot, close the boot, close tailgate, kofferraum schließen, heckklappe
        schließen, kofferraum zumachen
    """,
    "open_frunk": "frunk, open frunk, open the frunk, front trunk, open front trunk, vorderer kofferraum",
    "close_frunk": "close frunk, close the frunk, close front trunk, frunk schließen",
    "send_destination": """
        destination, send destination, send a destination, navigation, navi, nav, send to car, send address, ziel,
        ziel senden, ziel schicken, navigationsziel, adresse senden, adresse schicken
    """,
    "set_pin": """
        pin, set pin, driver pin, pin to drive, set a pin, pin setzen, fahrer pin, pin festlegen, pin vergeben
    """,
    "reset_pin": "reset pin, remove pin, clear pin, delete pin, pin löschen, pin zurücksetzen, pin entfernen",
    "enable_valet": "valet, valet mode, enable valet, valet on, valet modus, valetmodus, parkservice",
    "disable_valet": "disable valet, valet off, valet modus aus",
    "flash_lights": """
        flash, flash lights, flash the lights, lights, blink, blinken, blinker, licht, lichter, lichthupe, licht
        blinken
    """,
    "honk_horn": "honk, honk horn, honk the horn, horn, hupe, hupen",
    "start_engine": """
        start engine, start the engine, remote start, engine start, engine, motor starten, motorstart, motor,
        fernstart, start the car, auto starten
    """,
    "stop_engine": "stop engine, stop the engine, engine off, motor stoppen, motor aus, motor ausschalten",
    "read_charge": "charging state, charge state, charging status, charge status, ladestatus, ladezustand",
    "read_battery": """
        battery, battery level, state of charge, soc, range, batterie, akku, akkustand, batteriestand, ladestand,
        reichweite, battery state
    """,
    "read_odometer": "odometer, mileage, kilometres, kilometers, kilometerstand, km stand, laufleistung, tacho",
    "read_location": """
        location, position, gps, locate, track, tracking, where is it, standort, ort, orten, ortung, wo ist es
    """,
    "read_lock_state": """
        lock state, lock status, locked, is it locked, doors locked, verriegelt, schließzustand,
        verriegelungsstatus, abgeschlossen
    """,
    "read_climate": "climate state, climate status, klimastatus, inside temperature, innenraumtemperatur",
    "read_fuel": "fuel, fuel level, tank, tank level, tankstand, tankfüllung, kraftstoff, kraftstoffstand",
    "read_tires": "tires, tyres, tire pressure, tyre pressure, tire pressures, reifen, reifendruck, luftdruck",
    "read_vin": "vin, read vin, fahrgestellnummer, fin",
}
# What reads as one word and means two: both are answered.
_LOCKS = "lock and unlock, lock unlock, door locks, doors, türen, zentralverriegelung"
_ENGINES = {
    Engine.BEV: """
        electric, ev, bev, fully electric, battery electric, elektro, elektrisch, vollelektrisch, elektroauto, e
        auto
    """,
    Engine.PHEV: "plug in hybrid, plugin hybrid, plug in, plugin, phev",
    Engine.HEV: "hybrid, hev, full hybrid, vollhybrid",
    Engine.ICE: "petrol, gasoline, gas, diesel, ice, combustion, benzin, benziner, verbrenner",
}
_COUNTRIES = {
    "US": "usa, u.s., u.s.a., united states of america, america, american, amerika, vereinigte staaten",
    "GB": """
        uk, u.k., great britain, britain, england, scotland, wales, großbritannien, vereinigtes königreich,
        schottland
    """,
    "NL": "holland, the netherlands, niederlande",
    "CZ": "czech republic, tschechien, tschechische republik",
    "TR": "turkey, türkei",
    "KR": "korea, südkorea",
    "DE": "german, deutsch, brd",
    "CH": "swiss",
    "IE": "republic of ireland",
}
# Words that carry nothing in a question. What stands neither here nor anywhere else is told as not understood.
_SILENT = """
a aber able als am an and anschalten api app are at auch auf aus auto autos available baujahr be befehl bei beim bin
bj built by can car cars command commands could da das dem den der des die diese diesem dieser do does ein eine
einem einen einer einschalten einstellen er es fahrzeug fahrzeuge fern fernsteuern for from function funktioniert
für gebaut gehen geht get gibt habe haben hat have i ich if im in is ist it its ja jahr kann kannst können könnte
machen make man me mein meine meinem meinen mit model modell modelljahr my möglich nach nicht no noch not ob oder of
ohne on or our per please possible put remote remotely schicken send senden set setzen sich sie sind so start
starten support supported supports switch that the there this through to turn um und uns unser unsere unserem
unseren unterstützt use using vehicle via vom von wagen was we wenn wer what when which who wie will wir wird with
wo work works would year years yes you your zu zum zur über
"""


def _keys(phrases: str) -> frozenset[str]:
    return frozenset(plain(phrase) for phrase in phrases.split(","))


def _spread(table: dict[str, str]) -> dict[str, str]:
    return {key: meaning for meaning, phrases in table.items() for key in _keys(phrases)}


ABILITIES_BY_PHRASE: dict[str, tuple[str, ...]] = {
    **{plain(ability): (ability,) for ability in _PHRASES},
    **{phrase: (ability,) for phrase, ability in _spread(_PHRASES).items()},
    **dict.fromkeys(_keys(_LOCKS), ("lock", "unlock")),
}
ENGINES_BY_PHRASE = _spread({str(engine.value): phrases for engine, phrases in _ENGINES.items()})
COUNTRIES_BY_PHRASE = _spread(_COUNTRIES)
SILENT = frozenset(map(plain, _SILENT.split()))
# Verbs that stand apart from what they are about: "Klima beim Golf ausschalten". What is turned by which.
_OFF = _keys("stop, stopping, off, end, ausschalten, abschalten, stoppen, beenden, anhalten, unterbrechen")
_REMOVE = _keys("remove, delete, reset, clear, löschen, entfernen, zurücksetzen")
_SHUT = _keys("close, closing, schließen, zumachen")
_OPEN = _keys("open, opening, öffnen, oeffnen, aufmachen")
TURNED: tuple[tuple[frozenset[str], dict[str, str]], ...] = (
    (_OFF, {"start_charge": "stop_charge", "start_climate": "stop_climate", "start_engine": "stop_engine"}),
    (_OFF, {"enable_valet": "disable_valet"}),
    (_REMOVE, {"set_pin": "reset_pin"}),
    (_SHUT, {"open_trunk": "close_trunk", "open_frunk": "close_frunk", "open_charge_port": "close_charge_port"}),
    (_OPEN, {one: one for one in ("open_trunk", "open_frunk", "open_charge_port")}),
    # Alone they are about the doors.
    (_SHUT, {"": "lock"}),
    (_OPEN, {"": "unlock"}),
)
