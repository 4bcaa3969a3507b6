from django.urls import path

from telemetry.views.dashboard import dashboard

urlpatterns = [
    path("", dashboard, name="dashboard"),
]
