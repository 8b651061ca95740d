# escape=\
# Every form of instruction.
ARG VERSION=1.2
FROM --platform=linux/amd64 registry.example.com:5000/team/app:${VERSION:-1}@sha256:abc AS build
FROM scratch
ENV A=1 B="two words"
ENV LEGACY some value
LABEL a.b="c"
RUN apt-get update && apt-get install -y \
    # a comment between
    curl=7.0 "quoted word" \
  && rm -rf /var/lib/apt/lists/* || true; echo $(date +%s) 2>&1
RUN ["executable", "param"]
COPY --from=build /a /b
COPY <<EOF /etc/motd
hello
EOF
RUN <<SCRIPT
set -e
make install
SCRIPT
USER root
EXPOSE 80/tcp
HEALTHCHECK --interval=5m CMD curl -f http://localhost/
HEALTHCHECK NONE
ONBUILD RUN make
not an instruction
CMD echo done
