"""The mock payment gateway of the course's design: charges whatever it is sent, after some milliseconds."""

import asyncio
import uuid
from collections import Counter
from typing import Any

from fastapi import FastAPI, Request

app = FastAPI()
charges: Counter[str] = Counter()
CHARGE_SECONDS = 0.02


@app.post("/charges")
async def charge(request: Request) -> dict[str, Any]:
    body = await request.json()
    await asyncio.sleep(CHARGE_SECONDS)
    charges[body["order_id"]] += 1
    return {"id": uuid.uuid4().hex}


@app.get("/charges")
async def list_charges() -> dict[str, int]:
    return dict(charges)
