package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	enginediff "github.com/argoproj/argo-cd/gitops-engine/v3/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/sync/hook"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/utils/tracing"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
)

// argo decides as Argo CD's application controller does: argoproj/argo-cd controller/state.go,
// CompareAppState, with the settings of an argocd-cm that is empty.
type argo struct {
	cluster    *cluster
	serverSide bool
	kubectl    *kube.KubectlCmd

	lock    sync.Mutex
	current *argoTools
}

// argoTools know the kinds that were there when they were made.
type argoTools struct {
	parser *managedfields.GvkParser
	runner *enginediff.K8sServerSideDryRunner
	close  func()
}

func newArgo(serverSide bool) func(*cluster) (peer, error) {
	return func(cluster *cluster) (peer, error) {
		kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
		return &argo{cluster: cluster, serverSide: serverSide, kubectl: kubectl}, nil
	}
}

func (a *argo) Close() error {
	if a.current != nil {
		a.current.close()
	}
	return nil
}

func (a *argo) compare(ctx context.Context, desired *unstructured.Unstructured, manager string) (bool, any, any, error) {
	// It runs hooks, and compares them with nothing.
	if hook.IsHook(desired) {
		return false, nil, nil, nil
	}
	if manager == "" {
		manager = common.ArgoCDSSAManager
	}
	live, err := a.cluster.live(ctx, desired)
	if err != nil {
		return false, nil, nil, err
	}
	tools, err := a.tools(nil)
	if err != nil {
		return false, nil, nil, err
	}
	result, err := a.diff(ctx, tools, live, desired, manager)
	// Argo CD makes its tools anew when a CRD changes.
	if err != nil && tooOld(err) {
		if tools, err = a.tools(tools); err == nil {
			result, err = a.diff(ctx, tools, live, desired, manager)
		}
	}
	if err != nil {
		return false, nil, nil, err
	}
	return result.Modified, json.RawMessage(result.NormalizedLive), json.RawMessage(result.PredictedLive), nil
}

func (a *argo) diff(ctx context.Context, tools *argoTools, live, desired *unstructured.Unstructured, manager string) (enginediff.DiffResult, error) {
	// What util/settings/settings.go, GetResourceOverrides, makes of no settings.
	overrides := map[string]v1alpha1.ResourceOverride{
		"*/*": {IgnoreDifferences: v1alpha1.OverrideIgnoreDiff{JSONPointers: []string{"/status"}}},
	}
	builder := argodiff.NewDiffConfigBuilder().
		WithDiffSettings(nil, overrides, false, normalizers.IgnoreNormalizerOpts{}).
		WithTracking(common.LabelKeyAppInstance, string(v1alpha1.TrackingMethodAnnotation)).
		WithNoCache().
		WithLogger(logr.Discard()).
		WithGVKParser(tools.parser).
		WithManager(manager).
		WithServerSideDiff(a.serverSide)
	if a.serverSide {
		builder.WithServerSideDryRunner(tools.runner)
	}
	config, err := builder.Build()
	if err != nil {
		return enginediff.DiffResult{}, err
	}
	return argodiff.StateDiff(ctx, live, desired, config)
}

// tools are those of the last call, or new ones if they are the ones that are too old.
func (a *argo) tools(old *argoTools) (*argoTools, error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.current != old && a.current != nil {
		return a.current, nil
	}
	_, parser, err := a.kubectl.LoadOpenAPISchema(a.cluster.config)
	if err != nil {
		return nil, err
	}
	applier, remove, err := a.kubectl.ManageServerSideDiffDryRuns(a.cluster.config)
	if err != nil {
		return nil, err
	}
	if a.current != nil {
		remove = both(a.current.close, remove) // others may still use the old ones
	}
	a.current = &argoTools{parser: parser, runner: enginediff.NewK8sServerSideDryRunner(applier), close: remove}
	return a.current, nil
}

// tooOld tells whether an error may come from a schema of before a CRD's change.
func tooOld(err error) bool {
	for _, sign := range []string{"no matches for kind", "unable to resolve parseableType", "field not declared in schema"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

func both(first, second func()) func() {
	return func() {
		first()
		second()
	}
}
