# capi-lint alone: a static binary in an empty image, run by nobody.
#   docker build -t capi-lint .
#   helm template fleet charts/fleet | docker run --rm -i capi-lint
FROM rust:1.88-alpine AS build
# Helper programs are built for the machine (musl as well); the C start files come from musl-dev.
RUN apk add --no-cache musl-dev=~1
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs LICENSE NOTICE README.md ./
COPY schemas schemas
COPY src src
RUN cargo build --release --locked --bins \
    && mkdir -p /image/work \
    && cp target/release/capi-lint target/release/capi-lint-post-render LICENSE NOTICE /image/

FROM scratch
COPY --from=build /image/ /
ENV PATH=/
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/capi-lint"]
