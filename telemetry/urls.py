from django.urls import path

from telemetry.views.blocking import block, unblock
from telemetry.views.dashboard import dashboard
from telemetry.views.health import healthz, status_json
from telemetry.views.machine import machine
from telemetry.views.remote import request_machine
from telemetry.views.screens import open_screen
from telemetry.views.statistics import statistics, statistics_csv, statistics_xlsx

urlpatterns = [
    path("", dashboard, name="dashboard"),
    path("healthz", healthz, name="healthz"),
    path("status.json", status_json, name="status_json"),
    path("machines/<int:machine_id>/", machine, name="machine"),
    path("machines/<int:machine_id>/block/", block, name="block_machine"),
    path("machines/<int:machine_id>/unblock/", unblock, name="unblock_machine"),
    path("machines/<int:machine_id>/request/", request_machine, name="request_machine"),
    path("screen/", open_screen, name="open_screen"),
    path("statistics/", statistics, name="statistics"),
    path("statistics.csv", statistics_csv, name="statistics_csv"),
    path("statistics.xlsx", statistics_xlsx, name="statistics_xlsx"),
]
