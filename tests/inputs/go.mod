// The pins of the real charts and manifests that the tests use; nothing here is built. A module's
// zip holds its whole repository, and go.sum the checksums of the zips. To change a version, edit it
// here, empty go.sum and run GOFLAGS=-mod=mod go mod download -json MODULE@VERSION for each.
module leadsman.dev/inputs

go 1.26

require (
	github.com/argoproj/argo-cd/v3 v3.6.1
	github.com/cert-manager/cert-manager v1.21.2
	github.com/cilium/cilium v1.20.2
	github.com/fluxcd/flux2 v0.41.2
	github.com/fluxcd/source-controller v1.9.0
	github.com/kyverno/kyverno v1.19.1
	github.com/open-policy-agent/gatekeeper/v3 v3.23.1
	github.com/prometheus-operator/prometheus-operator v0.85.0
	github.com/stefanprodan/podinfo v1.8.1-0.20250910200901-e86405a8674e
	go.universe.tf/metallb v0.16.2
	istio.io/istio v0.0.0-20260827124520-eed52ebb66ad
	k8s.io/ingress-nginx v0.0.0-20240708192948-52c50467d67d
	sigs.k8s.io/cluster-api v1.14.2
	sigs.k8s.io/metrics-server v0.9.0
)
