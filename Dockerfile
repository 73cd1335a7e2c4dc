# Two images from one file:
#
#   docker build --target train -t vitrina-train .     docker run -v shop:/data ... vitrina-train train --data /data/shop ...
#   docker build --target serve -t vitrina-serve .     docker run -v shop:/data:ro -p 50051:50051 vitrina-serve
#
# They meet on disk only: the registry in /data/registry. Every wheel is pinned by hash; nothing is
# built from source. Both run as user 10001 and need no capability. With --read-only, keep the volume
# /app/numba: numba refuses a cache that it cannot write to.

ARG PYTHON=3.11
FROM python:${PYTHON}-slim AS base
# One processor name for kernels compiled here and run elsewhere; give a newer one with --build-arg.
ARG CPU=generic
ENV PYTHONPATH=/app/src \
    PYTHONUNBUFFERED=1 \
    NUMBA_CPU_NAME=${CPU} \
    NUMBA_CACHE_DIR=/app/numba
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin vitrina
WORKDIR /app
ENTRYPOINT ["python", "-m", "vitrina"]

FROM base AS train
COPY requirements/train.txt requirements/train.txt
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/train.txt
COPY models/recipes models/recipes
COPY models/placements models/placements
COPY src src
# A shop of a few hundred orders: training it compiles every kernel of the default recipe, and gives
# the serve stage a bundle to do the same with.
RUN mkdir /tmp/shop \
 && awk 'BEGIN { print "user_id,order_id,item_id,timestamp"; for (n = 0; n < 900; n++) printf "u%d,o%d,i%d,%d\n", (n / 3) % 50, n / 3, (n * n) % 41, 1700000000 + n * 3600 }' > /tmp/shop/events.csv \
 && python -m vitrina train --data /tmp/shop --recipe models/recipes/default.toml --registry /tmp/registry --no-judge \
 && chown -R 10001:10001 /app/numba
VOLUME ["/app/numba"]
USER 10001:10001
CMD ["--help"]

FROM base AS serve
COPY requirements/serve.txt requirements/serve.txt
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/serve.txt
COPY src src
# Without any trainer library: opens that bundle, answers its probes as in training, compiles on the way.
RUN --mount=type=bind,from=train,source=/tmp/registry,target=/tmp/registry \
    python -m vitrina verify /tmp/registry/2* \
 && chown -R 10001:10001 /app/numba
VOLUME ["/app/numba"]
USER 10001:10001
EXPOSE 50051 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-m", "vitrina", "healthcheck", "127.0.0.1:50051"]
# The worker processes drain for up to 10 seconds.
STOPSIGNAL SIGTERM
CMD ["serve", "--registry", "/data/registry", "--host", "0.0.0.0", "--port", "50051", "--workers", "2", "--metrics-port", "9090", "--tokens", "/data/tokens.json"]
