import json


def authorize(event, context):
    """Who comes as `Bearer good` may pass; what this function got goes on as part of the context."""
    allowed = event["identitySource"] == ["Bearer good"]
    return {"isAuthorized": allowed, "context": {"customer_id": "alice", "authorizer_event": json.dumps(event)}}
