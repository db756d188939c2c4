"""The same work on FastAPI: uvicorn fastapi_peer:app, settings in the environment.

LEAN=1: coroutines on the loop, plain JSON answers. Otherwise as tutorials have it: functions in the thread pool (SQLite) and
response models that every answer is checked against.
"""
import os
import sqlite3
import threading
import uuid
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import List, Optional

import asyncpg
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Extra, Field, constr

SECRET = os.environ["SECRET"]
DATABASE = os.environ["DATABASE"]
LEAN = os.environ.get("LEAN") == "1"
FULL = os.environ.get("FULL") == "1"
POSTGRES = DATABASE.startswith("postgres://")
COLUMNS = ["id", "title", "body", "author", "state", "priority", "amount", "due_at", "created_at", "changed_at"]
SELECT = "SELECT " + ", ".join(COLUMNS) + " FROM things"

app = FastAPI()


class State(str, Enum):
    open = "open"
    waiting = "waiting"
    done = "done"


class ThingIn(BaseModel):
    title: constr(min_length=1, max_length=200)
    body: constr(max_length=10000)
    state: State
    priority: int = Field(3, ge=1, le=5)
    amount: constr(regex=r"^[0-9]{1,10}\.[0-9]{2}$")
    due_at: datetime

    class Config:
        extra = Extra.forbid


class Thing(BaseModel):
    id: int
    title: str
    body: str
    author: str
    state: State
    priority: int
    amount: str
    due_at: datetime
    created_at: datetime
    changed_at: datetime


class Things(BaseModel):
    items: List[Thing]


class Made(BaseModel):
    id: uuid.UUID
    created_at: datetime


def who(authorization: Optional[str] = Header(None)):
    if not authorization or not authorization.startswith("Bearer "):
        raise HTTPException(401, "send a token")
    try:
        claims = jwt.decode(authorization[7:], SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401, "the token is not good")
    return claims


async def who_async(authorization: Optional[str] = Header(None)):
    return who(authorization)


# ---- SQLite: a connection a thread ----

threads = threading.local()


def sqlite():
    if not hasattr(threads, "connection"):
        connection = sqlite3.connect(DATABASE, isolation_level=None, timeout=10)
        connection.execute("PRAGMA synchronous = " + ("FULL" if FULL else "NORMAL"))
        threads.connection = connection
    return threads.connection


def find(tenant, key):
    row = sqlite().execute(SELECT + " WHERE tenant_id = ? AND id = ?", (tenant, key)).fetchone()
    if row is None:
        raise HTTPException(404)
    return dict(zip(COLUMNS, row))


def find_all(tenant, after):
    rows = sqlite().execute(SELECT + " WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT 50", (tenant, after))
    return {"items": [dict(zip(COLUMNS, row)) for row in rows]}


def insert(claims, thing):
    made, now = str(uuid.uuid4()), datetime.now(timezone.utc).isoformat()
    sqlite().execute(
        "INSERT INTO things_made (tenant_id, id, title, body, author, state, priority, amount, due_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (claims["tenant"], made, thing.title, thing.body, claims["sub"], thing.state.value, thing.priority, thing.amount,
         thing.due_at.isoformat(), now),
    )
    return {"id": made, "created_at": now}


# ---- PostgreSQL: asyncpg's pool ----


@app.on_event("startup")
async def start():
    if POSTGRES:
        app.state.pool = await asyncpg.create_pool(DATABASE, min_size=4, max_size=4)


def plain(row):
    found = dict(row)
    found["amount"] = str(found["amount"])
    for name in ("due_at", "created_at", "changed_at"):
        found[name] = found[name].isoformat()
    return found


async def find_pg(tenant, key):
    row = await app.state.pool.fetchrow(SELECT + " WHERE tenant_id = $1 AND id = $2", tenant, key)
    if row is None:
        raise HTTPException(404)
    return plain(row)


async def find_all_pg(tenant, after):
    rows = await app.state.pool.fetch(SELECT + " WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 50", tenant, after)
    return {"items": [plain(row) for row in rows]}


async def insert_pg(claims, thing):
    made, now = uuid.uuid4(), datetime.now(timezone.utc)
    await app.state.pool.execute(
        "INSERT INTO things_made (tenant_id, id, title, body, author, state, priority, amount, due_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        claims["tenant"], made, thing.title, thing.body, claims["sub"], thing.state.value, thing.priority,
        Decimal(thing.amount), thing.due_at, now,
    )
    return {"id": str(made), "created_at": now.isoformat()}


# ---- the operations, each in both manners ----

if POSTGRES:
    models = {} if LEAN else {"response_model": Thing}

    @app.get("/api/v1/things/{key}", **models)
    async def get_thing(key: int, claims=Depends(who_async)):
        found = await find_pg(claims["tenant"], key)
        return JSONResponse(found) if LEAN else found

    @app.get("/api/v1/things", **({} if LEAN else {"response_model": Things}))
    async def list_things(after: int = 0, claims=Depends(who_async)):
        found = await find_all_pg(claims["tenant"], after)
        return JSONResponse(found) if LEAN else found

    @app.post("/api/v1/things", status_code=201, **({} if LEAN else {"response_model": Made}))
    async def create_thing(thing: ThingIn, claims=Depends(who_async)):
        made = await insert_pg(claims, thing)
        return JSONResponse(made, 201) if LEAN else made

elif LEAN:

    @app.get("/api/v1/things/{key}")
    async def get_thing(key: int, claims=Depends(who_async)):
        return JSONResponse(find(claims["tenant"], key))

    @app.get("/api/v1/things")
    async def list_things(after: int = 0, claims=Depends(who_async)):
        return JSONResponse(find_all(claims["tenant"], after))

    @app.post("/api/v1/things", status_code=201)
    async def create_thing(thing: ThingIn, claims=Depends(who_async)):
        return JSONResponse(insert(claims, thing), 201)

else:

    @app.get("/api/v1/things/{key}", response_model=Thing)
    def get_thing(key: int, claims=Depends(who)):
        return find(claims["tenant"], key)

    @app.get("/api/v1/things", response_model=Things)
    def list_things(after: int = 0, claims=Depends(who)):
        return find_all(claims["tenant"], after)

    @app.post("/api/v1/things", status_code=201, response_model=Made)
    def create_thing(thing: ThingIn, claims=Depends(who)):
        return insert(claims, thing)
