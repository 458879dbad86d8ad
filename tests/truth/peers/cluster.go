package main

import (
	"context"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// managedBy is a label that everybody uses; Helm's value of it is a mark as well.
const managedBy = "app.kubernetes.io/managed-by"

// The marks that a delivery tool puts on what it delivers, beside what the manifests say. What it
// would compare has them, so an object of its own has to be given them before it is compared.
var (
	ownLabels = []string{
		"kustomize.toolkit.fluxcd.io/name",
		"kustomize.toolkit.fluxcd.io/namespace",
	}
	ownAnnotations = []string{
		"meta.helm.sh/release-name",
		"meta.helm.sh/release-namespace",
		"argocd.argoproj.io/tracking-id",
	}
)

// A cluster is the way to the API server, without a limit of the client's own.
type cluster struct {
	config  *rest.Config
	http    *http.Client
	mapper  meta.RESTMapper // looks again for a kind that it does not know
	dynamic dynamic.Interface
}

func connect() (*cluster, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, client)
	if err != nil {
		return nil, err
	}
	dynamic, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	return &cluster{config: config, http: client, mapper: mapper, dynamic: dynamic}, nil
}

// complete makes the desired object what a delivery tool sends: with the marks of whoever delivered
// the live one, and without a namespace where the kind has none.
func (c *cluster) complete(ctx context.Context, desired *unstructured.Unstructured) error {
	mapping, err := c.mapping(desired)
	if err != nil {
		return err
	}
	switch namespaced := mapping.Scope.Name() == meta.RESTScopeNameNamespace; {
	case !namespaced:
		desired.SetNamespace("")
	case desired.GetNamespace() == "":
		desired.SetNamespace(metav1.NamespaceDefault)
	}
	live, err := c.live(ctx, desired)
	if err != nil || live == nil {
		return err
	}
	names := ownLabels
	if live.GetLabels()[managedBy] == "Helm" {
		names = append(slices.Clone(names), managedBy)
	}
	if labels := adopted(desired.GetLabels(), live.GetLabels(), names); len(labels) > 0 {
		desired.SetLabels(labels)
	}
	if annotations := adopted(desired.GetAnnotations(), live.GetAnnotations(), ownAnnotations); len(annotations) > 0 {
		desired.SetAnnotations(annotations)
	}
	return nil
}

// live is the object in the cluster, in the version that is desired, or nil.
func (c *cluster) live(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	mapping, err := c.mapping(desired)
	if err != nil {
		return nil, err
	}
	live, err := c.dynamic.Resource(mapping.Resource).Namespace(desired.GetNamespace()).
		Get(ctx, desired.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

func (c *cluster) mapping(object *unstructured.Unstructured) (*meta.RESTMapping, error) {
	kind := object.GroupVersionKind()
	return c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
}

func adopted(own, live map[string]string, names []string) map[string]string {
	for _, name := range names {
		value, there := live[name]
		if _, said := own[name]; !there || said {
			continue
		}
		if own == nil {
			own = map[string]string{}
		}
		own[name] = value
	}
	return own
}
