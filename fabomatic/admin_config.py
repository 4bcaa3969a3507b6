"""Apart from `apps.py`, which the worker loads, too: it has no use for Django's admin."""

from django.contrib.admin.apps import AdminConfig


class LabAdminConfig(AdminConfig):
    default_site = "fabomatic.admin_site.LabAdminSite"
