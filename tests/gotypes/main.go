// Command gotypes tells which fields of the Kubernetes API's Go types keep their zero.
//
// It prints one JSON object: the name of each type that a kind of the built-in API reaches, as the
// API server's OpenAPI names it, and of its JSON fields those that are written although they hold
// a zero value, and left out where nothing was given: for these a zero and absence differ. All
// others are either left out where they are zero (omitempty, omitzero) or always written.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistrationv1beta1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

var marshaler = reflect.TypeFor[json.Marshaler]()

// types are the fields that keep their zero, by the name of the type.
type types map[string][]string

func main() {
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme,
		apiextensionsv1.AddToScheme,
		apiextensionsv1beta1.AddToScheme,
		apiregistrationv1.AddToScheme,
		apiregistrationv1beta1.AddToScheme,
	} {
		check(add(known))
	}
	found := types{}
	for name, kind := range known.AllKnownTypes() {
		if name.Version != runtime.APIVersionInternal {
			found.add(kind)
		}
	}
	check(json.NewEncoder(os.Stdout).Encode(found))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// add takes in a type and all that it reaches.
func (known types) add(kind reflect.Type) {
	for hasElements(kind) {
		if kind.Kind() == reflect.Map {
			known.add(kind.Key())
		}
		kind = kind.Elem()
	}
	// What encodes itself has no fields that anybody sees.
	if kind.Kind() != reflect.Struct || encodesItself(kind) {
		return
	}
	name := component(kind)
	if _, ok := known[name]; ok {
		return
	}
	known[name] = []string{}
	kept := known.fields(kind)
	known[name] = kept
}

// fields returns which fields of a struct keep their zero, with those of structs that stand in it
// as if they were its own.
func (known types) fields(kind reflect.Type) []string {
	kept := []string{}
	for index := range kind.NumField() {
		field := kind.Field(index)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case name == "" && field.Anonymous && !encodesItself(field.Type):
			kept = append(kept, known.fields(field.Type)...)
		case name == "":
			check(fmt.Errorf("%v.%s has no JSON name", kind, field.Name))
		default:
			if keepsZero(field.Type, "," + options + ",") {
				kept = append(kept, name)
			}
			known.add(field.Type)
		}
	}
	return kept
}

// keepsZero tells whether a field that holds a zero is written, and one that was not given is not.
//
// An empty list or map never counts as given: etcd holds the built-in API as protobuf, which has no
// empty list. A pointer to an empty struct is there in protobuf too.
func keepsZero(kind reflect.Type, options string) bool {
	switch kind.Kind() {
	case reflect.Pointer:
		element := kind.Elem().Kind()
		if element == reflect.Pointer || element == reflect.Slice || element == reflect.Map {
			check(fmt.Errorf("a pointer to %v: say what the API server does with an empty one", kind.Elem()))
		}
		return true
	case reflect.Interface:
		return true
	case reflect.Slice, reflect.Map:
		if strings.Contains(options, ",omitzero,") {
			check(fmt.Errorf("%v with omitzero: say what the API server does with an empty one", kind))
		}
	}
	return false
}

func hasElements(kind reflect.Type) bool {
	switch kind.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return true
	default:
		return false
	}
}

func encodesItself(kind reflect.Type) bool {
	return kind.Implements(marshaler) || reflect.PointerTo(kind).Implements(marshaler)
}

// component names a type as OpenAPI does: the domain of its package reversed, then all else.
func component(kind reflect.Type) string {
	domain, path, _ := strings.Cut(kind.PkgPath(), "/")
	labels := strings.Split(domain, ".")
	for left, right := 0, len(labels)-1; left < right; left, right = left+1, right-1 {
		labels[left], labels[right] = labels[right], labels[left]
	}
	return strings.Join(append(labels, strings.Split(path, "/")...), ".") + "." + kind.Name()
}
