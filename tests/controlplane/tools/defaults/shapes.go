package main

import (
	"encoding/json"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

// A shape fills an empty object in one way.
type shape func(object reflect.Value)

// A place is the way from an object to something in it: indices of fields; all else is allocated.
type place []int

// What a text is set to; a value that it is found in depends on others.
const probe = "probe"

var (
	marshaler   = reflect.TypeFor[json.Marshaler]()
	definitions = openapi.GetOpenAPIDefinitions(func(path string) spec.Ref { return spec.Ref{} })
)

// shapes returns the ways in which a kind is tried.
func shapes(scheme *runtime.Scheme, kind schema.GroupVersionKind) []shape {
	object, err := scheme.New(kind)
	check(err)
	found := []shape{func(reflect.Value) {}, func(object reflect.Value) { fill(object, nil) }}
	visit(reflect.TypeOf(object).Elem(), nil, nil, func(way place, owner reflect.Type, field reflect.StructField) {
		found = append(found, func(object reflect.Value) { reach(object, way) })
		for _, value := range append(enumeration(owner, field), probe) {
			found = append(found, func(object reflect.Value) { give(reach(object, way), value) })
		}
	})
	return found
}

// visit calls see for every field below a type, but not into a type that is within itself.
func visit(kind reflect.Type, way place, above []reflect.Type, see func(place, reflect.Type, reflect.StructField)) {
	for hasElements(kind) {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct || encodesItself(kind) {
		return
	}
	for _, one := range above {
		if one == kind {
			return
		}
	}
	for index := range kind.NumField() {
		field := kind.Field(index)
		if !field.IsExported() || field.Name == "TypeMeta" || field.Name == "ObjectMeta" && len(way) == 0 || field.Name == "Status" {
			continue
		}
		here := append(append(place{}, way...), index)
		see(here, kind, field)
		visit(field.Type, here, append(above, kind), see)
	}
}

// reach allocates what is on the way to a place and the place itself, and returns it; the zero Value
// where the way leads through a map, whose values cannot be filled in place.
func reach(value reflect.Value, way place) reflect.Value {
	value = allocate(value)
	if len(way) == 0 {
		return value
	}
	if value.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return reach(value.Field(way[0]), way[1:])
}

// allocate makes a pointer, list or map hold something empty, where that is a struct, and returns it.
func allocate(value reflect.Value) reflect.Value {
	kind := value.Type()
	switch value.Kind() {
	case reflect.Pointer:
		// A pointer to a scalar would be a value that was given.
		if kind.Elem().Kind() != reflect.Struct || encodesItself(kind.Elem()) {
			return value
		}
		value.Set(reflect.New(kind.Elem()))
		return value.Elem()
	case reflect.Slice:
		if innermost(kind).Kind() == reflect.Struct && !encodesItself(innermost(kind)) {
			value.Set(reflect.MakeSlice(kind, 1, 1))
			return allocate(value.Index(0))
		}
	}
	return value
}

// fill allocates all that there is in a value, up to types within themselves.
func fill(value reflect.Value, above []reflect.Type) {
	value = allocate(value)
	if value.Kind() != reflect.Struct || encodesItself(value.Type()) {
		return
	}
	for _, one := range above {
		if one == value.Type() {
			return
		}
	}
	for index := range value.NumField() {
		if value.Type().Field(index).IsExported() {
			fill(value.Field(index), append(above, value.Type()))
		}
	}
}

// give sets a scalar, a pointer to one, or a list or map with one.
func give(value reflect.Value, text string) {
	if !value.IsValid() {
		return
	}
	kind := value.Type()
	switch {
	case kind == reflect.TypeFor[resource.Quantity]():
		value.Set(reflect.ValueOf(resource.MustParse("7")))
	case kind == reflect.TypeFor[intstr.IntOrString]():
		value.Set(reflect.ValueOf(intstr.FromInt32(7)))
	case kind.Kind() == reflect.String:
		value.SetString(text)
	case kind.Kind() == reflect.Bool:
		value.SetBool(true)
	case value.CanInt():
		value.SetInt(7)
	case kind.Kind() == reflect.Pointer && isScalar(kind.Elem()):
		value.Set(reflect.New(kind.Elem()))
		give(value.Elem(), text)
	case kind.Kind() == reflect.Slice && isScalar(kind.Elem()):
		value.Set(reflect.MakeSlice(kind, 1, 1))
		give(value.Index(0), text)
	case kind.Kind() == reflect.Map && isScalar(kind.Elem()):
		element := reflect.New(kind.Elem()).Elem()
		give(element, text)
		value.Set(reflect.MakeMap(kind))
		value.SetMapIndex(reflect.ValueOf("key").Convert(kind.Key()), element)
	}
}

func isScalar(kind reflect.Type) bool {
	return !hasElements(kind) && !isPlainStruct(kind)
}

func isTime(kind reflect.Type) bool {
	kind = innermost(kind)
	return kind == reflect.TypeFor[metav1.Time]() || kind == reflect.TypeFor[metav1.MicroTime]()
}

func isPlainStruct(kind reflect.Type) bool {
	return kind.Kind() == reflect.Struct && !encodesItself(kind)
}

func isText(kind reflect.Type) bool { return kind.Kind() == reflect.String }

// enumeration returns the values that OpenAPI allows for a field.
func enumeration(owner reflect.Type, field reflect.StructField) []string {
	if !isText(innermost(field.Type)) {
		return nil
	}
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	definition, ok := definition(owner)
	if !ok {
		return nil
	}
	property := definition.Schema.Properties[name]
	if property.Items != nil && property.Items.Schema != nil {
		property = *property.Items.Schema
	}
	var found []string
	for _, value := range property.Enum {
		if text, ok := value.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

func definition(kind reflect.Type) (common.OpenAPIDefinition, bool) {
	for _, name := range []string{component(kind), kind.PkgPath() + "." + kind.Name()} {
		if found, ok := definitions[name]; ok {
			return found, true
		}
	}
	return common.OpenAPIDefinition{}, false
}

func innermost(kind reflect.Type) reflect.Type {
	for hasElements(kind) {
		kind = kind.Elem()
	}
	return kind
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
