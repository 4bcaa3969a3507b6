from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

urlpatterns = [
    path("", include("telemetry.urls")),
    path("", include("members.urls")),
    path("logout/", LogoutView.as_view(next_page="dashboard"), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
