"""Errors the way the Kubernetes API reports them."""

from __future__ import annotations

from kubelore.types import JsonObject


class ApiError(Exception):
    """Becomes a Status object. `reason` is the API's word for the code."""

    def __init__(self, code: int, reason: str, message: str, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.details = code, reason, details or {}

    def status(self) -> JsonObject:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def not_found(resource: str, name: str, group: str = "") -> ApiError:
    details = {"name": name, "group": group, "kind": resource.partition(".")[0]}
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', details)


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def not_recorded(message: str) -> ApiError:
    return ApiError(403, "NotRecorded", message)
