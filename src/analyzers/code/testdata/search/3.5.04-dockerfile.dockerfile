# ruleid: image
FROM debian
# ok: image
FROM debian:12
# ok: image
FROM debian@sha256:0123
# ruleid: command
RUN dnf update && \
  dnf clean all
# ok: command
RUN dnf update curl
# ok: command
RUN echo dnf update
# ruleid: words
RUN apt-get update \
  # with a comment in between
  && apt-get install curl
# ok: words
RUN apt-get install -y curl
# ruleid: json-form
SHELL ["/bin/sh", "-c"]
# ok: json-form
SHELL ["/bin/bash", "-c"]
# ruleid: flag
COPY --chown=1:1 --from=build /a /b
# ok: flag
COPY --chown=1:1 /a /b
# ruleid: pair
ENV A=0 DEBUG=1
# ok: pair
ENV DEBUG=0
# ruleid: order
USER root
RUN make
CMD run
