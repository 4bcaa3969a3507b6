from machines.models.machines import MAX_MACHINE_ID, Authorization, Machine, MachineType, add_to_odometer
from machines.models.maintenance import LCD_COLUMNS, Intervention, MaintenancePlan, follow_interventions
from machines.models.uses import LONGEST_USE, TOO_LONG, EndReason, Use, hold_machines, locked_use, whole_second

__all__ = [
    "LCD_COLUMNS",
    "LONGEST_USE",
    "MAX_MACHINE_ID",
    "TOO_LONG",
    "Authorization",
    "EndReason",
    "Intervention",
    "Machine",
    "MachineType",
    "MaintenancePlan",
    "Use",
    "add_to_odometer",
    "follow_interventions",
    "hold_machines",
    "locked_use",
    "whole_second",
]
