# One process with everything in it:
#   docker build -t tingqing .
#   docker run --rm -p 127.0.0.1:8000:8000 tingqing
#
# The default build takes torch as PyPI has it: on x86-64 a CUDA build, about 3 GB to download. On a server without a
# graphics card, give pip the index of PyTorch's CPU builds (README.md has its address):
#   docker build --build-arg PIP_EXTRA_INDEX_URL=<that index> -t tingqing .
# Without CLAP, and so without torch (basic mode: acoustic measures alone):
#   docker build --build-arg EXTRAS= -t tingqing .
FROM python:3.11-slim

WORKDIR /srv/tingqing
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY labels/ labels/
COPY web_client/ web_client/
COPY server/ server/

ARG PIP_EXTRA_INDEX_URL
ARG EXTRAS=clap,cpu
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".${EXTRAS:+[$EXTRAS]}"

RUN useradd --system --no-create-home --shell /usr/sbin/nologin tingqing
USER tingqing
# Outside the sources: what runs is what was installed.
WORKDIR /

# Inside a container loopback reaches nobody, so the server listens on every address, and says so with --insecure: a
# new container has no keys. Publish the port on the host's loopback as above, or mount a folder of keys, name it with
# TINGQING_DATA_DIR (docs/access.md), and put a proxy with TLS before it, or name a certificate with TINGQING_TLS_CERT and
# TINGQING_TLS_KEY (docs/tls.md); without TLS a browser on another machine gives no microphone.
EXPOSE 8000
ENTRYPOINT ["tingqing"]
CMD ["serve", "--host", "0.0.0.0", "--insecure"]

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request as u; tls = bool(os.environ.get('TINGQING_TLS_CERT')); u.urlopen(f\"http{'s' * tls}://127.0.0.1:{os.environ.get('TINGQING_PORT', '8000')}/healthz\", timeout=4, context=ssl._create_unverified_context() if tls else None)"]
