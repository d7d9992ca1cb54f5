# The image of pipeloom: its musl executable on Alpine, as an ordinary user, in /data.
#
#   docker run -it --rm -v "$PWD:/data" ghcr.io/pipeloom/pipeloom demo --db ./wal_demo.db --num-tasks 10 -vv

FROM node:24-alpine3.22 AS build
WORKDIR /pipeloom
RUN npm install --global bun@1.4.5
COPY package.json bun.lock bunfig.toml ./
RUN bun run setup
COPY . .
# The build has no checkout to ask.
ARG PIPELOOM_COMMIT=unknown
RUN PIPELOOM_COMMIT="$PIPELOOM_COMMIT" bun run build

FROM alpine:3.22
LABEL org.opencontainers.image.title="pipeloom" \
      org.opencontainers.image.description="Run many tasks at once, with every state and row in one SQLite file" \
      org.opencontainers.image.source="https://github.com/pipeloom/pipeloom" \
      org.opencontainers.image.licenses="MIT"
# 1000 is the first user of most machines, so that a mounted folder is writable. For others:
# docker run --user "$(id -u):$(id -g)" …
RUN apk add --no-cache ca-certificates libstdc++ tzdata \
 && adduser -D -H -h /data -u 1000 pipeloom \
 && install -d -o pipeloom -g pipeloom /data
COPY --from=build /pipeloom/dist/pipeloom /usr/local/bin/pipeloom
USER pipeloom
WORKDIR /data
VOLUME ["/data"]
ENTRYPOINT ["pipeloom"]
CMD ["--help"]
