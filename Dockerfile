# One image for every process of the platform. By itself it runs all of them on one machine:
#   docker run --init -p 127.0.0.1:8000:8000 -v aiplatform:/var/lib/aiplatform IMAGE
# docker-compose.yml runs each in a container of its own.

ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1
# A package index of one's own, as --build-arg; pip reads these from the environment. They stay in
# this stage.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
RUN python -m venv /venv
COPY requirements.txt /tmp/requirements.txt
# Wheels only: nothing is compiled here, and no setup.py of a stranger runs.
RUN /venv/bin/pip install --only-binary=:all: --requirement /tmp/requirements.txt
# The engine's kernels, for every kind of processor that the image may meet. Debian's compiler of the
# base image's release: pinned with it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
COPY inference/engine/kernels /tmp/kernels
RUN python /tmp/kernels/build.py --every --into /kernels

FROM ${PYTHON} AS final
# A fixed id, so that the owner of a volume's files is known beforehand.
RUN groupadd --gid 10001 aiplatform \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin aiplatform \
    && install --directory --owner=10001 --group=10001 --mode=0700 \
        /var/lib/aiplatform /var/lib/aiplatform/models /run/aiplatform \
    && install --directory --owner=10001 --group=10001 --mode=0755 /var/lib/aiplatform/static
COPY --from=build /venv /venv
COPY --from=build /kernels /kernels
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    VAR_DIR=/var/lib/aiplatform \
    RUN_DIR=/run/aiplatform \
    KERNELS_DIR=/kernels
RUN python -m compileall -q aiplatform accounts inference
USER 10001:10001
VOLUME /var/lib/aiplatform
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --start-interval=1s \
    CMD ["python", "deploy/healthcheck.py"]
CMD ["sh", "-c", "python manage.py first_run && exec python manage.py serve"]
