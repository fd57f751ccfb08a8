"""The API's own description, made readable: what /api shows."""

from typing import Any

EXAMPLES = {  # what a curl line needs beside the address
    "/api/translate": " -H 'Content-Type: image/jpeg' --data-binary @photo.jpg -o translated.png",
    "/api/batch": " -F pictures=@one.jpg -F pictures=@two.png -o pictures.zip",
    "/api/jobs": " -F picture=@photo.jpg",
    "/api/jobs/{job}/picture": " -o translated.png",
    "/api/runs/{name}/samples/{file}": " -o sample.png",
}

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"picture": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
MANY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "pictures": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            }
        },
    }
}


def endpoints(schema: dict[str, Any], root: str) -> dict[str, list[dict[str, Any]]]:
    """The endpoints of an OpenAPI schema by tag, each with a curl line."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method, about in methods.items():
            described = {
                "method": method.upper(),
                "path": path,
                "text": about.get("description", about.get("summary", "")),
                "parameters": [parameter(each) for each in about.get("parameters", ())],
                "curl": curl(root, path, method.upper()),
            }
            groups.setdefault(about.get("tags", ["more"])[0], []).append(described)
    return groups


def parameter(about: dict[str, Any]) -> dict[str, str]:
    """A parameter in words."""
    schema = about["schema"]
    choices = schema.get("enum")
    kind = " or ".join(map(str, choices)) if choices else str(schema.get("type", ""))
    default = schema.get("default")
    text = about.get("description", "")
    if default not in (None, ""):
        text = f"{text}{'; ' if text else ''}default {str(default).lower()}"
    return {"name": about["name"], "kind": kind, "text": text, "in": about["in"]}


def curl(root: str, path: str, method: str) -> str:
    """A line that works once the words in capitals are replaced."""
    named = path.replace("{", "").replace("}", "") if "{" not in path else capitals(path)
    verb = "" if method == "GET" or "batch" in path or path == "/api/jobs" else f" -X {method}"
    verb = "" if path == "/api/translate" else verb
    follow = " -N" if path.endswith("/events") else ""
    return f"curl{follow}{verb} {root.rstrip('/')}{named}{EXAMPLES.get(path, '')}"


def capitals(path: str) -> str:
    """/api/jobs/{job} -> /api/jobs/JOB"""
    parts = path.split("/")
    return "/".join(part.strip("{}").upper() if part.startswith("{") else part for part in parts)
