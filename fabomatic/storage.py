from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Scripts import each other by the name that changes with their content, so that none is ever an old one."""

    support_js_module_import_aggregation = True
