# ruleid: docker.latest-image
FROM nginx:latest
# ok: docker.latest-image
# ok: docker.untagged-image
FROM nginx:1.25 AS web
# ruleid: docker.untagged-image
FROM nginx
# ok: docker.untagged-image
FROM nginx@sha256:0123
# ok: docker.untagged-image
FROM web
# ok: docker.untagged-image
FROM $BASE
# ok: docker.untagged-image
FROM scratch
# ruleid: docker.outdated-image
FROM debian:stretch-slim
# ruleid: docker.outdated-image
FROM node:14-alpine
# ok: docker.outdated-image
FROM node:20-alpine
# ok: docker.outdated-image
FROM debian:bookworm
# ruleid: docker.install-without-yes, docker.package-lists-kept
RUN apt-get update && apt-get install -y curl
# ok: docker.install-without-yes, docker.package-lists-kept
RUN apt-get update && apt-get install -y curl \
  && rm -rf /var/lib/apt/lists/*
# ok: docker.install-without-yes
RUN apt-get -qqy install curl
# ok: docker.package-lists-kept
RUN --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y curl
# ruleid: docker.update-alone
RUN apt-get update
# ok: docker.update-alone
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
# ruleid: docker.pip-cache-kept
RUN pip3 install --no-cache-dir requests
# ok: docker.pip-cache-kept
RUN pip install --no-cache-dir requests
# ok: docker.pip-cache-kept
RUN --mount=type=cache,target=/root/.cache pip install requests
# ruleid: docker.apk-cache-kept
RUN apk add --no-cache curl
# ok: docker.apk-cache-kept
RUN apk add --no-cache curl
# ruleid: docker.add-from-network
ADD https://example.com/x.tar.gz /x
# ok: docker.add-from-network
ADD --checksum=sha256:0123 https://example.com/x.tar.gz /x
# ok: docker.add-from-network
ADD x.tar.gz /x
# ruleid: docker.script-over-plain-http
RUN curl -sL http://example.com/install.sh | bash -
# ok: docker.script-over-plain-http
RUN curl -sL https://example.com/install.sh -o install.sh
# ruleid: docker.secret-in-env
ENV A=1 DB_PASSWORD=kd83hs9dkf
# ok: docker.secret-in-env
ENV DB_PASSWORD=$PASSWORD
# ok: docker.secret-in-env
ENV DB_PASSWORD_FILE=/run/secrets/db
# ruleid: docker.secret-in-build-argument
ARG NPM_AUTH_TOKEN
# ok: docker.secret-in-build-argument
ARG VERSION=1
# ok: docker.ends-as-root
USER root
# ruleid: docker.world-writable
RUN mkdir /data && chmod -R 777 /data
# ok: docker.world-writable
RUN chmod 755 /data
# ruleid: docker.certificate-not-checked
RUN curl -k https://example.com -o x
# ruleid: docker.certificate-not-checked
ENV NODE_TLS_REJECT_UNAUTHORIZED=0
# ok: docker.certificate-not-checked
RUN curl -fsS https://example.com -o x
# ruleid: docker.signature-not-checked
RUN apt-get update && apt-get install -y --allow-unauthenticated x && rm -rf /var/lib/apt/lists/*
# ok: docker.signature-not-checked
RUN echo --allow-unauthenticated
# ruleid: docker.credentials-copied
COPY .env /app/
# ok: docker.credentials-copied
COPY .env.example /app/
# ruleid: docker.shell-form-entrypoint
ENTRYPOINT python app.py
# ok: docker.shell-form-entrypoint
ENTRYPOINT ["python", "app.py"]
# ok: docker.shell-form-entrypoint
ENTRYPOINT exec python app.py
# ruleid: docker.several-commands
CMD first
CMD ["second"]
FROM alpine:3.20
# ok: docker.several-commands
CMD only
# ruleid: docker.cd-without-effect
RUN cd /app
# ok: docker.cd-without-effect
RUN cd /app && make
# ruleid: docker.export-without-effect
RUN export A=b
# ok: docker.export-without-effect
RUN export A=b && make
# ruleid: docker.service-without-effect
RUN service nginx start
# ok: docker.service-without-effect
RUN service nginx start && nginx -t
# ruleid: docker.maintainer
LABEL org.opencontainers.image.authors="someone"
# ok: docker.maintainer
LABEL org.opencontainers.image.authors="someone"
USER app
# ruleid: docker.ends-as-root
USER root
