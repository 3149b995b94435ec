# capi-lint alone: a static binary in an empty image, run by nobody.
#   docker build -t capi-lint .
#   helm template fleet charts/fleet | docker run --rm -i capi-lint
FROM rust:1.88-slim AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs LICENSE NOTICE README.md ./
COPY schemas schemas
COPY src src
COPY scripts scripts
COPY fixtures fixtures
RUN binaries=$(scripts/release.sh) \
    && mkdir -p /image/work \
    && cp "$binaries/capi-lint" "$binaries/capi-lint-post-render" LICENSE NOTICE /image/

FROM scratch
COPY --from=build /image/ /
ENV PATH=/
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/capi-lint"]
