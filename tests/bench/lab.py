"""The lab that the boards and the database agree on: which machines there are and whose card opens which."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_MACHINE = 101  # a board that was reset calls itself 1
CROWD = 1000  # machines when the power returns everywhere at once
_GROUPS = 10  # a member may use the machines of one group


@dataclass(frozen=True, slots=True)
class Lab:
    machines: int
    members: int

    @property
    def machine_ids(self) -> range:
        return range(FIRST_MACHINE, FIRST_MACHINE + self.machines)

    @property
    def spare_id(self) -> int:
        """One more machine, whose board does nothing in the daily business."""
        return FIRST_MACHINE + self.machines

    @property
    def all_ids(self) -> range:
        """Everybody once the lab has grown."""
        return range(FIRST_MACHINE, FIRST_MACHINE + max(CROWD, self.machines + 1))

    def authorized(self, machine_id: int) -> range:
        """Numbers of the members who may use it."""
        return range(machine_id % _GROUPS, self.members, _GROUPS)

    def cards(self, machine_id: int) -> list[str]:
        return [card_uid(member) for member in self.authorized(machine_id)]


def card_uid(member: int) -> str:
    return f"{0x4A000000 + member * 0x1F31:08x}"
