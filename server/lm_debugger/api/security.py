"""What browsers are told to refuse, whatever a reply holds."""

from __future__ import annotations

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
"""No inline script or style, nothing from elsewhere. Pictures to be saved are drawn from blobs."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope",
            "hid", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
            "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
        )
    ),
}  # fmt: skip


def content_security_policy(**changes: str) -> str:
    """The header's value; `style_src="…"` replaces a part."""
    parts = CONTENT_SECURITY_POLICY | {k.replace("_", "-"): v for k, v in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in parts.items())
