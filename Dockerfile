# The fakes as a service. They listen on loopback, so share the host's network:
#   docker build -t twohop . && docker run --rm --network host twohop
# prints the variables with which clients find them; arguments go to `twohop serve`, in place of those below.
FROM python:3.11-slim

COPY pyproject.toml README.md LICENSE /src/
COPY runtime /src/runtime
COPY fakes /src/fakes
COPY exporter /src/exporter
COPY contracts /src/contracts
COPY cli /src/cli
RUN pip install --no-cache-dir /src && rm -rf /src && useradd --create-home twohop

USER twohop
WORKDIR /home/twohop
ENV TWOHOP_CONTROL_PORT=8697
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['TWOHOP_CONTROL_PORT'] + '/v1/ready', timeout=2)"]
ENTRYPOINT ["/bin/sh", "-c", "exec twohop serve --control-port \"$TWOHOP_CONTROL_PORT\" \"$@\"", "serve"]
CMD ["--cell"]
