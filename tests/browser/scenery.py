"""A lab with something of everything on its walls, and the tools to measure how it looks."""

from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

from tests.broker.lab import ADA, BRUNO

MEASURES = (Path(__file__).parent / "measures.js").read_text()
NAMES = (
    *("Trotec Speedy 400", "Epilog Fusion", "Prusa MK4 left", "Prusa MK4 right", "Bambu X1C", "Form 3 resin", "Lathe"),
    *("CNC mill Stepcraft", "Band saw", "Table saw", "Planer", "Drill press", "Sewing machine", "Embroidery"),
    *("Vinyl cutter", "Heat press", "Soldering 1", "Soldering 2", "Reflow oven", "Pick and place", "Welding TIG"),
    *("Sand blaster", "Kiln", "Vacuum former"),
)
PLACES = ("Laser room", "Print corner", "Workshop", "")
REASON = "Hot end loose, parts are ordered"


def furnish(the_lab):
    """24 machines; of each six two are used, one is free, one blocked, one due for maintenance and one silent."""
    machines = [row[0] for row in the_lab.database.rows("SELECT id FROM machines_machine ORDER BY id")]
    ours = list(zip(machines, NAMES, cycle(PLACES), cycle(range(6)), strict=False))
    for machine in machines[len(ours) :]:
        the_lab.database.change("DELETE FROM machines_machine WHERE id = ?", machine)
    for machine, name, place, kind in ours:
        the_lab.database.change("UPDATE machines_machine SET name = ?, location = ? WHERE id = ?", name, place, machine)
        if kind == 3:
            block(the_lab, machine)
        if kind in (0, 4):
            add_plan(the_lab, machine, days_ago=9 if kind == 4 else 3)
        if kind != 5:
            the_lab.boards.ask(machine, "checkmachine")
        if kind < 2:
            the_lab.start_use(machine, (ADA, BRUNO)[kind])
    the_lab.boards.publish("fabomatic/nudge", "")
    return [machine for machine, *_rest in ours]


def block(the_lab, machine):
    values = "is_blocked = 1, blocked_reason = ?, blocked_at = ?"
    the_lab.database.change(
        f"UPDATE machines_machine SET {values} WHERE id = ?", REASON, _text(datetime.now(UTC)), machine
    )


def add_plan(the_lab, machine, *, days_ago, description="Oil rods"):
    """Due after a week."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    the_lab.database.change(
        "INSERT INTO machines_maintenanceplan (machine_id, description, lcd_message, instructions_url, days_between,"
        " reading_at_last_work, last_work_at, base_reading, base_at, is_active)"
        " VALUES (?, ?, 'Oil rods', '', 7, 0, ?, 0, ?, 1)",
        *(machine, description, _text(at), _text(at)),
    )


def measure(page, expression):
    return page.run(f"{MEASURES}\nreturn {expression}")


def _text(at):
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"
