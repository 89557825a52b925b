"""The design that courses teach, as a peer: FastAPI and Redis, idempotency by get and then set, a gateway over HTTP.

Run by one uvicorn worker. REDIS is Redis' address, GATEWAY the gateway's.
"""

import json
import os
import uuid
from typing import Any

import httpx
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from redis.asyncio import Redis

app = FastAPI()
redis = Redis.from_url(os.environ["REDIS"], decode_responses=True)
gateway = httpx.AsyncClient(base_url=os.environ["GATEWAY"], trust_env=False)
KEPT_SECONDS = 24 * 60 * 60
PRICES = {"mug": 1800, "tea": 950}


class Line(BaseModel):
    product_id: str
    quantity: int


class NewOrder(BaseModel):
    items: list[Line]


class NewPayment(BaseModel):
    order_id: str
    token: str
    amount: int
    currency: str


class Link(BaseModel):
    transaction_id: str


@app.post("/orders", status_code=201)
async def create_order(body: NewOrder, customer: str = Header()) -> dict[str, Any]:
    total = sum(PRICES[line.product_id] * line.quantity for line in body.items)
    order = {"id": uuid.uuid4().hex, "customer": customer, "status": "created", "total_amount": total}
    await redis.set(f"order:{order['id']}", json.dumps(order))
    await redis.lpush(f"orders:{customer}", order["id"])
    return order


@app.post("/pay", status_code=201)
async def pay(body: NewPayment, idempotency_key: str = Header()) -> dict[str, Any]:
    kept = await redis.get(f"key:{idempotency_key}")
    if kept:
        return {**json.loads(kept), "duplicate": True}
    answer = await gateway.post("/charges", json=body.model_dump())
    payment = {"transaction_id": answer.json()["id"], "order_id": body.order_id, "status": "succeeded"}
    await redis.set(f"key:{idempotency_key}", json.dumps(payment), ex=KEPT_SECONDS)
    await redis.set(f"payment:{payment['transaction_id']}", json.dumps(payment))
    return {**payment, "duplicate": False}


@app.patch("/orders/{order_id}/pay")
async def mark_order_paid(order_id: str, body: Link) -> dict[str, Any]:
    order, payment = await redis.mget(f"order:{order_id}", f"payment:{body.transaction_id}")
    if not order or not payment:
        raise HTTPException(404)
    paid = {**json.loads(order), "status": "paid", "payment_transaction_id": body.transaction_id}
    await redis.set(f"order:{order_id}", json.dumps(paid))
    return paid


@app.get("/orders")
async def list_orders(customer: str = Header()) -> dict[str, Any]:
    ids = await redis.lrange(f"orders:{customer}", 0, 9)
    found = await redis.mget([f"order:{order_id}" for order_id in ids]) if ids else []
    return {"orders": [json.loads(order) for order in found if order]}
