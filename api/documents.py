"""What every route says in the OpenAPI document about the errors it may answer with."""

from litestar.openapi.datastructures import ResponseSpec

from api.problems import Problem

STATUSES = {
    400: "Malformed: every wrong field is named.",
    401: "No token, or none that counts.",
    403: "Known, and not allowed.",
    404: "Not there, or not for the caller to know of.",
    405: "Another method.",
    409: "Something else was recorded first.",
    410: "The patient was erased.",
    412: "The stream has another version than If-Match says.",
    413: "Too large.",
    415: "Another content type than JSON.",
    422: "Rejected by a rule.",
    500: "A bug, with the id of the incident.",
    503: "Try again a little later; nothing was stored, unless the code is append.unknown.",
}

PROBLEMS = {
    status: ResponseSpec(
        Problem, description=description, media_type="application/problem+json", generate_examples=False
    )
    for status, description in STATUSES.items()
}
