package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/rest"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/cmd/diff"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/scheme"
)

// attempts is how often kubectl diff reads an object that keeps changing, before it compares without
// the lock of its resourceVersion: k8s.io/kubectl pkg/cmd/diff/diff.go, maxRetries.
const attempts = 4

// kubectl decides as `kubectl diff` does, or as `kubectl diff --server-side --force-conflicts`. The
// two texts that it compares are those that kubectl writes into files for diff(1).
type kubectl struct {
	serverSide bool
	lock       sync.Mutex
	current    *kubectlTools
}

type kubectlTools struct {
	factory cmdutil.Factory
	root    openapi3.Root
}

// parsedOnce keeps the schemas of built-in kinds, which no process of kubectl is asked for as often as
// this one. Those of custom resources may change while it lives.
type parsedOnce struct {
	openapi3.Root
	specs sync.Map
}

// GVSpec gives a document that must not be written to.
func (r *parsedOnce) GVSpec(version schema.GroupVersion) (*spec3.OpenAPI, error) {
	if spec, ok := r.specs.Load(version); ok {
		return spec.(*spec3.OpenAPI), nil
	}
	spec, err := r.Root.GVSpec(version)
	if err == nil && scheme.Scheme.IsVersionRegistered(version) {
		r.specs.Store(version, spec)
	}
	return spec, err
}

func newKubectl(serverSide bool) func(*cluster) (peer, error) {
	return func(*cluster) (peer, error) {
		return &kubectl{serverSide: serverSide}, nil
	}
}

func (k *kubectl) compare(_ context.Context, desired *unstructured.Unstructured, manager string) (bool, any, any, error) {
	tools, err := k.tools(nil)
	if err != nil {
		return false, nil, nil, err
	}
	drift, live, merged, err := k.diff(tools, desired, manager)
	// A process of kubectl lives for one command, and knows the kinds of its beginning.
	if meta.IsNoMatchError(err) {
		if tools, err = k.tools(tools); err == nil {
			drift, live, merged, err = k.diff(tools, desired, manager)
		}
	}
	return drift, live, merged, err
}

// tools are those of the last call, or new ones if they are the ones that are too old.
func (k *kubectl) tools(old *kubectlTools) (*kubectlTools, error) {
	k.lock.Lock()
	defer k.lock.Unlock()
	if k.current != old && k.current != nil {
		return k.current, nil
	}
	flags := genericclioptions.NewConfigFlags(true).WithWrapConfigFn(func(config *rest.Config) *rest.Config {
		config.QPS = -1
		return config
	})
	factory := cmdutil.NewFactory(cmdutil.NewMatchVersionFlags(flags))
	client, err := factory.OpenAPIV3Client()
	if err != nil {
		return nil, err
	}
	k.current = &kubectlTools{factory: factory, root: &parsedOnce{Root: openapi3.NewRoot(client)}}
	return k.current, nil
}

func (k *kubectl) diff(tools *kubectlTools, desired *unstructured.Unstructured, manager string) (drift bool, live, merged any, err error) {
	text, err := desired.MarshalJSON()
	if err != nil {
		return false, nil, nil, err
	}
	if manager == "" {
		manager = apply.FieldManagerClientSideApply
		if k.serverSide {
			manager = "kubectl"
		}
	}
	err = tools.factory.NewBuilder().
		Unstructured().
		NamespaceParam(desired.GetNamespace()).DefaultNamespace().
		Stream(bytes.NewReader(text), "case").
		Flatten().
		Do().
		Visit(func(info *resource.Info, err error) error {
			if err != nil {
				return err
			}
			drift, live, merged, err = k.diffOne(tools, info, manager)
			return err
		})
	return drift, live, merged, err
}

// diffOne follows k8s.io/kubectl pkg/cmd/diff/diff.go, DiffOptions.Run.
func (k *kubectl) diffOne(tools *kubectlTools, info *resource.Info, manager string) (bool, any, any, error) {
	local := info.Object.DeepCopyObject()
	for attempt := 1; ; attempt++ {
		if err := info.Get(); apierrors.IsNotFound(err) {
			info.Object = nil
		} else if err != nil {
			return false, nil, nil, err
		}
		object := diff.InfoObject{
			LocalObj:        local,
			Info:            info,
			Encoder:         scheme.DefaultJSONEncoder(),
			OpenAPIGetter:   tools.factory,
			OpenAPIV3Root:   tools.root,
			Force:           attempt == attempts,
			ServerSideApply: k.serverSide,
			FieldManager:    manager,
			ForceConflicts:  k.serverSide,
			IOStreams:       genericiooptions.NewTestIOStreamsDiscard(),
		}
		merged, err := object.Merged()
		if apierrors.IsConflict(err) && attempt < attempts {
			continue
		}
		if err != nil {
			return false, nil, nil, err
		}
		// With server-side apply kubectl holds no lock, and would show what somebody wrote meanwhile.
		if attempt < attempts && written(object.Live(), merged) {
			continue
		}
		return compareTexts(object.Live(), merged)
	}
}

// written tells whether a live object changed before it was merged, which a dry run does not do.
func written(live, merged runtime.Object) bool {
	if live == nil {
		return false
	}
	before, err := meta.Accessor(live)
	if err != nil {
		return false
	}
	after, err := meta.Accessor(merged)
	return err == nil && before.GetResourceVersion() != after.GetResourceVersion()
}

// compareTexts follows k8s.io/kubectl pkg/cmd/diff/diff.go, Differ.Diff, which masks the values of
// Secrets; equal texts are what diff(1) exits 0 for.
func compareTexts(live, merged runtime.Object) (bool, any, any, error) {
	live, merged = withoutManagedFields(live), withoutManagedFields(merged)
	if kind := merged.GetObjectKind().GroupVersionKind(); kind.Version == "v1" && kind.Kind == "Secret" && live != nil {
		masker, err := diff.NewMasker(live, merged)
		if err != nil {
			return false, nil, nil, fmt.Errorf("mask: %w", err)
		}
		live, merged = masker.From(), masker.To()
	}
	var before, after bytes.Buffer
	printer := diff.Printer{}
	if err := printer.Print(live, &before); err != nil {
		return false, nil, nil, err
	}
	if err := printer.Print(merged, &after); err != nil {
		return false, nil, nil, err
	}
	return !bytes.Equal(before.Bytes(), after.Bytes()), live, merged, nil
}

func withoutManagedFields(object runtime.Object) runtime.Object {
	if object == nil {
		return nil
	}
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object
}
