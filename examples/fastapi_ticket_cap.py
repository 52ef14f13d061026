"""A FastAPI app in which no ticket may cost more than five cents, and all of them ten an hour.

    pip install fastapi uvicorn
    python examples/fastapi_ticket_cap.py        a local server, or OpenAI with OPENAI_API_KEY
    curl -X POST localhost:8000/tickets/17/answers

402 means that the ticket is used up and waiting will not help; 429 says in Retry-After when the
hour is over.
"""

import os
import time
from contextlib import asynccontextmanager, nullcontext

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from openai import AsyncOpenAI

from costspan import Budget, BudgetExceeded, CostTracker, Instrumentor, attribution
from costspan.testing import LLMServer

costs = CostTracker(
    budgets=[
        Budget("one ticket", usd=0.05, per="session", action="block"),
        Budget("all tickets", usd=0.10, window="hour", action="block"),
    ]
)
Instrumentor().instrument(costs=costs)


@asynccontextmanager
async def lifespan(app):
    """One client for all requests; without a key, of a server that answers 1,000 tokens."""
    local = not os.environ.get("OPENAI_API_KEY")
    with LLMServer() if local else nullcontext() as server:
        headers = {"x-costspan-scenario": "tokens=10/1000"}
        where = {"base_url": server.openai_url, "api_key": "none", "default_headers": headers}
        async with AsyncOpenAI(**where if local else {}) as app.state.client:
            yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(BudgetExceeded)
async def no_more(request: Request, stopped: BudgetExceeded) -> JSONResponse:
    """What a caller can act on; the message with the amounts stays in the log."""
    body = {"error": "budget_exceeded", "budget": stopped.budget, "scope": stopped.scope}
    if stopped.resets_at is None:
        return JSONResponse(body, status_code=402)
    seconds = max(1, round(stopped.resets_at - time.time()))
    return JSONResponse(body, status_code=429, headers={"Retry-After": str(seconds)})


@app.post("/tickets/{ticket}/answers")
async def answer(ticket: str, request: Request) -> dict:
    with attribution(session=ticket, endpoint="answers") as spent:
        done = await request.app.state.client.chat.completions.create(
            model="gpt-5.2",
            max_completion_tokens=1000,
            messages=[{"role": "user", "content": f"What is to be done for ticket {ticket}?"}],
        )
        left = costs.remaining("one ticket")
    return {
        "answer": done.choices[0].message.content,
        "cost_usd": float(spent.cost_usd),
        "left_usd": float(left),
    }


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
