# ruleid: secret-in-log
logger.info("paying", token=token)
# ruleid: secret-in-log
logger.info(f"paying with {request.token}")
# ruleid: secret-in-log
logger.warning("refused %s", payment_token)
# ruleid: secret-in-log
logger.info("request", extra={"authorization": headers["authorization"]})
# ruleid: secret-in-log
logger.info("request", authorization=request.headers.get("authorization"))
# ruleid: secret-in-log
logger.debug(event)
# ruleid: secret-in-log
logger.info("request", body=event["body"])
# ruleid: secret-in-log
logger.append_keys(secret=self._secret)
# ruleid: secret-in-log
self._logger.error("bad cursor", secret=cursor_secret)
# ruleid: secret-in-log
tracer.put_metadata("body", body)
# ok: secret-in-log
logger.info("the token was refused", order_id=order_id)
# ok: secret-in-log
logger.append_keys(request_id=event["requestContext"]["requestId"])
# ok: secret-in-log
logger.info("token")
# ok: secret-in-log
verifier.verify(token)


# ruleid: event-in-log
@logger.inject_lambda_context(log_event=True)
def pay(event, context): ...


# ruleid: event-in-log
@tracer.capture_lambda_handler(capture_response=True)
def get_order(event, context): ...


# ok: event-in-log
@tracer.capture_lambda_handler(capture_response=False)
def list_orders(event, context): ...


# ruleid: scan
client.scan(TableName=orders)
# ruleid: scan
client.get_paginator("scan")
# ok: scan
client.query(TableName=orders)

# ruleid: filter-expression
client.query(TableName=orders, FilterExpression="#status = :status")
# ruleid: filter-expression
query = {"TableName": orders, "FilterExpression": "#status = :status"}
# ok: filter-expression
client.query(TableName=orders, KeyConditionExpression="customer_id = :customer_id")

# ruleid: audit-entry-changed
client.update_item(TableName=self._audit, Key=key)
# ruleid: audit-entry-changed
actions = [{"Delete": {"TableName": audit_table, "Key": key}}]
# ruleid: audit-entry-changed
change_item(self._audit, key, before, after)
# ok: audit-entry-changed
change_item(self._orders, key, before, after)
# ok: audit-entry-changed
actions = [{"Put": {"TableName": self._audit, "Item": item}}]
