from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from fabomatic.language import choose_language

urlpatterns = [
    path("", include("telemetry.urls")),
    path("", include("members.urls")),
    path("logout/", LogoutView.as_view(next_page="dashboard"), name="logout"),
    path("i18n/setlang/", choose_language, name="set_language"),
    path("admin/", admin.site.urls),
]
