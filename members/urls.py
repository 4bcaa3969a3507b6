from django.urls import path

from members import views
from members.agreement_page import agreement

urlpatterns = [
    path("agreement/", agreement, name="agreement"),
    path("agreement/<int:version>/", agreement, name="agreement_version"),
    path("password/forgotten/", views.Forgotten.as_view(), name="password_reset"),
    path("password/sent/", views.LinkSent.as_view(), name="password_reset_done"),
    path("password/<uidb64>/<token>/", views.NewPassword.as_view(), name="password_reset_confirm"),
    path("invitation/<uidb64>/<token>/", views.Invitation.as_view(), name="invitation"),
]
