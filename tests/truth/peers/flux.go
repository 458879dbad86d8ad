package main

import (
	"context"

	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// flux decides as kustomize-controller does before it applies an object, see
// fluxcd/kustomize-controller internal/controller/kustomization_controller.go, apply.
type flux struct {
	client client.Client
}

func newFlux(cluster *cluster) (peer, error) {
	client, err := client.New(cluster.config, client.Options{HTTPClient: cluster.http, Mapper: cluster.mapper})
	return &flux{client: client}, err
}

func (f *flux) compare(ctx context.Context, desired *unstructured.Unstructured, manager string) (bool, any, any, error) {
	if manager == "" {
		manager = "kustomize-controller"
	}
	// The list, not the object alone: only it leaves Roles as they are.
	if err := normalize.UnstructuredList([]*unstructured.Unstructured{desired}); err != nil {
		return false, nil, nil, err
	}
	owner := ssa.Owner{Field: manager, Group: "kustomize.toolkit.fluxcd.io"}
	entry, live, predicted, err := ssa.NewResourceManager(f.client, nil, owner).
		Diff(ctx, desired, ssa.DefaultDiffOptions())
	if err != nil {
		return false, nil, nil, err
	}
	switch entry.Action {
	case ssa.ConfiguredAction:
		return true, compared(live), compared(predicted), nil
	case ssa.CreatedAction:
		return true, nil, desired.Object, nil
	default:
		return false, nil, nil, nil
	}
}

// compared is the part of an object that Flux compares: fluxcd/pkg/ssa manager_diff.go, hasDrifted.
func compared(object *unstructured.Unstructured) map[string]any {
	part := map[string]any{}
	for name, value := range object.Object {
		if name != "metadata" && name != "status" {
			part[name] = value
		}
	}
	metadata := map[string]any{}
	if labels := object.GetLabels(); len(labels) > 0 {
		metadata["labels"] = labels
	}
	if annotations := object.GetAnnotations(); len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	part["metadata"] = metadata
	return part
}
