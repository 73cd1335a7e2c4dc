"""What a shop would otherwise write: FastAPI around a model of implicit. Runs in .venv-referees.

python -m serving.otherwise_server MATRIX PORT     MATRIX: customers x items as scipy's .npz

`GET /recommend/{user}?n=20` gives item numbers and scores as JSON; one process, uvloop and httptools, no log of
calls. Known customers only: no rules, no live events, no reasons.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from implicit.nearest_neighbours import BM25Recommender
from scipy.sparse import csr_matrix, load_npz


def main() -> None:
    """Fit and serve, until killed."""
    matrix = csr_matrix(load_npz(sys.argv[1]))
    model = BM25Recommender(K=20, num_threads=1)
    model.fit(matrix, show_progress=False)
    app = FastAPI()

    @app.get("/recommend/{user}")
    async def recommend(user: int, n: int = 20) -> dict[str, Any]:
        """The best items of a customer."""
        items, scores = model.recommend(user, matrix[user], N=n)
        return {"items": items.tolist(), "scores": scores.tolist()}

    print(sys.argv[2], flush=True)
    uvicorn.run(app, port=int(sys.argv[2]), loop="uvloop", http="httptools", access_log=False)


if __name__ == "__main__":
    main()
