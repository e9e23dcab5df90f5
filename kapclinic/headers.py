"""Headers that every answer carries, beside those of Django and django-csp."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# What no page here uses is closed to everything in it; passkeys belong to this address alone.
_CLOSED = (
    "accelerometer", "autoplay", "bluetooth", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(
    [f"{feature}=()" for feature in _CLOSED]
    + [f"publickey-credentials-{use}=(self)" for use in ("create", "get")]
)


# What a browser forgets when its sign-in is over. Not "cookies": the session's own is taken back by name, and what a device
# keeps beside it (keys switched off) is nobody's secret.
CLEAR_SITE_DATA = '"cache", "storage"'


def _is_over(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether somebody signed out with this request, or the browser is told that its session is no more."""
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    return getattr(request, "has_signed_out", False) or (cookie is not None and not cookie.value)


class HeadersMiddleware:
    """Keeps other sites from embedding an answer, closes the device's features, lets no cache keep what views make, and has
    the browser forget the clinic when a sign-in is over."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if not request.path.startswith(settings.STATIC_URL):
            # Error pages, redirects and whatever has no gate of its own as well.
            response.headers.setdefault("Cache-Control", "no-store, private")
        if _is_over(request, response):
            response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
        return response
