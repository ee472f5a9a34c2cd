# The server with its page and the bundled model. Every package is the file whose hash is in locks/
# (`.ci/lock.py` writes them). Build arguments, all of which docs/hosting.md explains:
# - PYTHON_IMAGE: by tag as it stands here; python@sha256:... pins it.
# - TORCH_LOCK: another lock of PyTorch, for its CPU builds, which make the image some gigabytes
#   smaller; PIP_EXTRA_INDEX_URL then names their index. PIP_* are pip's own.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG TORCH_LOCK=locks/torch.txt
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# jsonnet has no wheel for Linux on ARM.
# hadolint ignore=DL3008  # Debian keeps no old versions, so a pinned one could not be had for long
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
WORKDIR /src
# What changes seldom comes first: this layer is kept until a dependency changes.
COPY locks locks
RUN /opt/venv/bin/pip install --require-hashes -r locks/serve.txt -r "${TORCH_LOCK}" \
 && pip install --require-hashes -r locks/build.txt
COPY . .
RUN python -m build --wheel --no-isolation \
 && /opt/venv/bin/pip install --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /cache lm-debugger \
 && install --directory --owner=lm-debugger /cache /cache/huggingface /cache/index
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/cache/huggingface \
    HF_HUB_DISABLE_TELEMETRY=1 \
    LM_DEBUGGER_CACHE_DIR=/cache/index \
    LM_DEBUGGER_HOST=0.0.0.0 \
    LM_DEBUGGER_PORT=8000
# By number, so that a cluster can tell that it is not root.
USER 10001
# Nothing else is ever written: the root file system may be read-only.
VOLUME ["/cache/huggingface", "/cache/index", "/tmp"]
WORKDIR /cache
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['LM_DEBUGGER_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["lm-debugger", "serve"]
