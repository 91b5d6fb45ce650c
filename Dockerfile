# One process with everything in it; two targets, cpu (the default) and cuda:
#   docker build -t tingqing .
#   docker run --rm -p 127.0.0.1:8000:8000 -v tingqing-data:/var/lib/tingqing -v tingqing-models:/var/cache/tingqing tingqing
#   docker build --target cuda -t tingqing:cuda .          # then: docker run --gpus all …
#
# The target cpu takes torch as PyPI has it: on x86-64 a CUDA build, about 3 GB to download. Give pip the index of
# PyTorch's CPU builds (README.md has its address) to download 200 MB instead:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=<that index> -t tingqing .
# Without CLAP, and so without torch (basic mode: acoustic measures alone):
#   docker build --build-arg EXTRAS= -t tingqing .
# For builds that can be repeated, name the base by its digest: --build-arg PYTHON_IMAGE=python@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS sources
RUN python -m venv /srv/venv
ENV PATH=/srv/venv/bin:$PATH
WORKDIR /srv/tingqing
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY labels/ labels/
COPY web_client/ web_client/
COPY server/ server/
ARG PIP_EXTRA_INDEX_URL

FROM sources AS build-cpu
ARG EXTRAS=clap,cpu,formats,postgresql
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".${EXTRAS:+[$EXTRAS]}"

FROM sources AS build-cuda
ARG CUDA_EXTRAS=clap,formats,postgresql
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".${CUDA_EXTRAS:+[$CUDA_EXTRAS]}"

FROM ${PYTHON_IMAGE} AS runtime
# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
RUN useradd --system --uid 10001 --home-dir /var/lib/tingqing --shell /usr/sbin/nologin tingqing \
    && install -d -o tingqing -g tingqing -m 0700 /var/lib/tingqing \
    && install -d -o tingqing -g tingqing -m 0755 /var/cache/tingqing
# All that it writes is in the two volumes and /tmp: the root may be read-only (--read-only --tmpfs /tmp). `docker stop`
# kills after 10 s; a longer drain needs a longer grace (compose.yaml).
ENV PATH=/srv/venv/bin:$PATH \
    HOME=/var/lib/tingqing \
    PYTHONDONTWRITEBYTECODE=1 \
    TINGQING_DATA_DIR=/var/lib/tingqing \
    TINGQING_MODEL_CACHE_DIR=/var/cache/tingqing/models \
    TINGQING_LOG_FORMAT=json \
    TINGQING_DRAIN_S=4
VOLUME ["/var/lib/tingqing", "/var/cache/tingqing"]
USER 10001
# Outside the sources: what runs is what was installed.
WORKDIR /

# Inside a container loopback reaches nobody, so the server listens on every address, and says so with --insecure: a
# new container has no keys. Publish the port on the host's loopback as above, or create a key (docker exec …
# tingqing keys create, docs/access.md) and put a proxy with TLS before it, or name a certificate with TINGQING_TLS_CERT
# and TINGQING_TLS_KEY (docs/tls.md); without TLS a browser on another machine gives no microphone.
EXPOSE 8000
ENTRYPOINT ["tingqing"]
CMD ["serve", "--host", "0.0.0.0", "--insecure"]
# Ready is what can score and accepts sessions; a container that drains is not.
HEALTHCHECK --interval=10s --timeout=6s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request as u; e = os.environ.get; s = bool(e('TINGQING_TLS_CERT')); u.urlopen(f\"http{'s' * s}://127.0.0.1:{e('TINGQING_PORT') or 8000}/readyz\", timeout=5, context=ssl._create_unverified_context() if s else None)"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tingqing" \
    org.opencontainers.image.description="Hears, while a patient speaks, whether a doctor will be able to use the recording" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="Apache-2.0 AND MIT"

# torch's CUDA build brings its libraries; the host brings the driver (NVIDIA Container Toolkit).
FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /srv/venv /srv/venv

FROM runtime AS cpu
COPY --from=build-cpu /srv/venv /srv/venv
