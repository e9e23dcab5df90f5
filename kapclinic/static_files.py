"""Which files of the installed packages are collected: those that pages use, not every variant that a package brings."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Django's app for static files, without the variants of Bootstrap and the extensions of htmx that no page loads.

    Collecting and compressing all of them took a minute and 33 MB.
    """

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "css/bootstrap.css*",
        "css/bootstrap.rtl*",
        "css/bootstrap-*",
        "js/bootstrap*",
        "django_htmx/ext/*",
        "django_htmx/htmax*",
        "django_htmx/htmx-4*",
    ]
