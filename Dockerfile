# Base images come without a registry's name: say where they are with --build-arg. To build the same
# again, pin them by digest, which `docker buildx imagetools inspect IMAGE` prints:
#   --build-arg GO_IMAGE=REGISTRY/golang:1.27@sha256:DIGEST
#   --build-arg PYTHON_IMAGE=REGISTRY/python:3.13-slim@sha256:DIGEST
ARG GO_IMAGE=golang:1.27
ARG PYTHON_IMAGE=python:3.13-slim

# Helm and Kustomize, built from source: the versions are pinned in go.mod, every module's checksum
# is in go.sum.
FROM ${GO_IMAGE} AS tools
WORKDIR /src
COPY tests/controlplane/tools/go.mod tests/controlplane/tools/go.sum ./
ENV CGO_ENABLED=0 GOFLAGS=-mod=readonly
RUN mkdir /out \
    && HELM_VERSION="$(go list -m -f '{{.Version}}' helm.sh/helm/v4)" \
    && go build -trimpath \
        -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=${HELM_VERSION}" \
        -o /out/ helm.sh/helm/v4/cmd/helm sigs.k8s.io/kustomize/kustomize/v5

FROM ${PYTHON_IMAGE} AS package
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY operator/requirements.txt operator/build-requirements.txt operator/
RUN python3 -m venv --without-pip /opt/leadsman \
    && python3 -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r operator/build-requirements.txt \
    && /opt/build/bin/pip --python /opt/leadsman/bin/python install --only-binary :all: \
        --require-hashes -r operator/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator/leadsman operator/leadsman
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/build/bin/pip --python /opt/leadsman/bin/python install --no-deps --no-index /dist/*.whl

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="leadsman" \
    org.opencontainers.image.description="Tells how far live Kubernetes clusters have drifted from Git" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}"
# ssh refuses to run as a user that has no name.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 65532 leadsman \
    && useradd --uid 65532 --gid 65532 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin \
        leadsman \
    && install -d -o 65532 -g 65532 /var/cache/leadsman
COPY --from=tools /out/ /usr/local/bin/
COPY --from=package /opt/leadsman /opt/leadsman
ENV PATH=/opt/leadsman/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["leadsman"]
CMD ["run"]
