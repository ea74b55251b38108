# `sluice worker`, on CPU or GPU, and `sluice up`, whose queries need the embedding models.
#   docker build -f infra/docker/worker.Dockerfile -t sluice-worker:cpu .
#   docker build -f infra/docker/worker.Dockerfile -t sluice-worker:cuda --build-arg TORCH=cu130 .
# CUDA comes inside torch's packages: the host needs the driver and the container toolkit only.

FROM python:3.11.15-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CACHE_DIR=/var/cache/pip
# `cpu`, or a release of CUDA that https://download.pytorch.org/whl has torch for.
ARG TORCH=cpu
RUN python -m venv /opt/venv
WORKDIR /opt/sluice
COPY requirements requirements
# torch first and alone, from its own index: everything else is from the default one.
RUN --mount=type=cache,target=/var/cache/pip \
    /opt/venv/bin/pip install --index-url "https://download.pytorch.org/whl/${TORCH}" \
      "torch==$(sed -n 's/^torch==//p' requirements/constraints.txt)"
# Packages and the command, without our own modules: they change with every build, this does not.
COPY pyproject.toml README.md LICENSE ./
RUN --mount=type=cache,target=/var/cache/pip \
    /opt/venv/bin/pip install -c requirements/constraints.txt '.[worker]' \
    && /opt/venv/bin/pip install --no-deps -r requirements/no-deps.txt
COPY . .
RUN echo /opt/sluice > "$(/opt/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/sluice.pth" \
    && /opt/venv/bin/python -m compileall -q schemas infra orchestrator workers demo

FROM python:3.11.15-slim-trixie
RUN groupadd --system --gid 10001 sluice \
    && useradd --system --uid 10001 --gid 10001 --create-home --home-dir /var/lib/sluice sluice \
    && install --directory --owner=sluice --group=sluice /models
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/sluice /opt/sluice
ENV PATH=/opt/venv/bin:$PATH \
    HF_HOME=/models \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SLUICE_HOME=/var/lib/sluice
WORKDIR /etc/sluice
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["sluice"]
CMD ["worker"]
