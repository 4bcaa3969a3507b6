"""Who and what there is in the invented lab."""

from __future__ import annotations

from dataclasses import dataclass

# Pioneers of computing who are no longer with us: nobody takes them for real members.
PEOPLE = [
    ("Ada", "Lovelace"),
    ("Grace", "Hopper"),
    ("Alan", "Turing"),
    ("Hedy", "Lamarr"),
    ("Charles", "Babbage"),
    ("Mary", "Jackson"),
    ("Konrad", "Zuse"),
    ("Katherine", "Johnson"),
    ("George", "Boole"),
    ("Dorothy", "Vaughan"),
    ("Claude", "Shannon"),
    ("Ida", "Rhodes"),
    ("Blaise", "Pascal"),
    ("Klára", "Dán"),
    ("Joseph", "Jacquard"),
    ("Emmy", "Noether"),
    ("Kurt", "Gödel"),
    ("Maria", "Agnesi"),
    ("Leonardo", "Torres"),
    ("Rózsa", "Péter"),
    ("Adriano", "Olivetti"),
    ("Mario", "Tchou"),
    ("Jean", "Bartik"),
    ("Kay", "McNulty"),
    ("Edith", "Clarke"),
    ("Nikola", "Tesla"),
    ("Laura", "Bassi"),
    ("Heinrich", "Hertz"),
    ("Alessandro", "Volta"),
    ("Émilie", "du Châtelet"),
]
# They were here before the last two weeks.
PEOPLE_WHO_LEFT = [
    ("Hypatia", "of Alexandria"),
    ("Wang", "Zhenyi"),
    ("Maria", "Merian"),
    ("Sophie", "Germain"),
    ("Niels", "Abel"),
    ("Évariste", "Galois"),
    ("Mary", "Somerville"),
    ("Michael", "Faraday"),
    ("James", "Maxwell"),
    ("Sofja", "Kowalewskaja"),
    ("Hertha", "Ayrton"),
    ("Lise", "Meitner"),
    ("Srinivasa", "Ramanujan"),
    ("Enrico", "Fermi"),
    ("Grete", "Hermann"),
    ("Chien-Shiung", "Wu"),
]
# By their place in the list of people; the others are members.
ROLES_OF = {0: "Administrators", 1: "Staff", 2: "Staff", 3: "Staff"}


@dataclass(frozen=True, slots=True)
class SampleType:
    name: str
    auto_logoff_minutes: int
    grace_minutes: int
    needs_authorization: bool
    shortest: int
    """Minutes of the shortest and the longest use, and of the longest pause between two."""
    longest: int
    pause: int
    allow_remote_start: bool = False


LASER = SampleType("Laser cutter", 120, 2, True, 8, 75, 90)
PRINTER = SampleType("3D printer", 0, 5, False, 40, 600, 200, allow_remote_start=True)
WORKSHOP = SampleType("Workshop machine", 60, 0, True, 10, 110, 160)


@dataclass(frozen=True, slots=True)
class SampleMachine:
    id: int
    name: str
    type: SampleType
    location: str
    hours_before: int
    has_board: bool = True


MACHINES = [
    SampleMachine(11, "Laser Big", LASER, "Ground floor, laser room", 812),
    SampleMachine(12, "Laser Small", LASER, "Ground floor, laser room", 145),
    SampleMachine(21, "Printer Ant", PRINTER, "First floor, print corner", 2210),
    SampleMachine(22, "Printer Bee", PRINTER, "First floor, print corner", 1874),
    SampleMachine(23, "Printer Moth", PRINTER, "First floor, print corner", 0),
    SampleMachine(31, "CNC Mill", WORKSHOP, "Ground floor, workshop", 390),
    SampleMachine(32, "Lathe", WORKSHOP, "Ground floor, workshop", 96),
    SampleMachine(33, "Band Saw", WORKSHOP, "Courtyard shed", 51, has_board=False),
]
BLOCKED_MACHINE, BLOCKED_REASON = 32, "The chuck is at the repair shop."


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """`done` days ago; `overdue`: hours or days beyond what the plan allows."""

    machine: int
    description: str
    lcd_message: str
    hours: int | None = None
    days: int | None = None
    done: int | None = None
    overdue: int | None = None


PLANS = [
    SamplePlan(11, "Clean lens and mirrors", "Clean lens", hours=40, done=3),
    SamplePlan(11, "Empty the filter", "Empty filter", hours=100, days=30, overdue=2),
    SamplePlan(12, "Clean lens and mirrors", "Clean lens", hours=40, done=6),
    SamplePlan(21, "Grease the spindles", "Grease spindles", hours=300, done=10),
    SamplePlan(22, "Grease the spindles", "Grease spindles", hours=300, overdue=12),
    SamplePlan(31, "Check coolant and belt", "Check coolant", days=30, overdue=3),
    SamplePlan(33, "Look at blade and guard", "Check blade", days=30, done=8),
]
