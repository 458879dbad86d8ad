// Command defaults tells what the API server fills in where nothing is given.
//
// It runs the defaulting functions of Kubernetes over objects of every version of every kind, and
// converts them to the internal version and back, as the API server does with all it stores: over
// empty objects, with each optional struct and list alone, with all of them, and with each value of
// each enumeration that OpenAPI knows. It prints one JSON object: by type, as OpenAPI names it, and
// field the values that were written where there was none, with null for those times when none was.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// written holds by type and field the JSON values that were seen to be written.
type written map[string]map[string][]json.RawMessage

func main() {
	found := written{}
	for _, scheme := range schemes() {
		for kind := range scheme.AllKnownTypes() {
			if kind.Version == runtime.APIVersionInternal || !isObject(scheme, kind) {
				continue
			}
			found.kind(scheme, kind)
		}
	}
	for _, fields := range found {
		for _, values := range fields {
			slices.SortFunc(values, func(one, other json.RawMessage) int {
				return strings.Compare(string(one), string(other))
			})
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

// isObject leaves out lists, options and the like: what has no metadata of its own.
func isObject(scheme *runtime.Scheme, kind schema.GroupVersionKind) bool {
	object, err := scheme.New(kind)
	check(err)
	metadata := reflect.ValueOf(object).Elem().FieldByName("ObjectMeta")
	return metadata.IsValid()
}

// kind tries a kind in every way.
func (found written) kind(scheme *runtime.Scheme, kind schema.GroupVersionKind) {
	for _, shape := range shapes(scheme, kind) {
		before, err := scheme.New(kind)
		check(err)
		shape(reflect.ValueOf(before).Elem())
		after := before.DeepCopyObject()
		if !roundTrip(scheme, kind, after) {
			continue
		}
		one, other := reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem()
		for _, side := range []reflect.Value{one, other} {
			if status := side.FieldByName("Status"); status.IsValid() {
				status.SetZero()
			}
			side.FieldByName("TypeMeta").SetZero()
		}
		found.compare(one, other, "")
	}
}

// roundTrip does with an object what the API server does before it stores it and after it read it;
// false for what it could not even convert.
func roundTrip(scheme *runtime.Scheme, kind schema.GroupVersionKind, object runtime.Object) (done bool) {
	defer func() {
		// Some functions rely on what validation would have refused.
		if recover() != nil {
			done = false
		}
	}()
	scheme.Default(object)
	internal := schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal}
	stored, err := scheme.UnsafeConvertToVersion(object.DeepCopyObject(), internal)
	if err != nil {
		return false
	}
	back, err := scheme.UnsafeConvertToVersion(stored, kind.GroupVersion())
	if err != nil {
		return false
	}
	scheme.Default(back)
	reflect.ValueOf(object).Elem().Set(reflect.ValueOf(back).Elem())
	return true
}

// compare notes what stands in after where before has a zero. owner is the type whose fields these
// are in OpenAPI, which for an embedded struct is the one around it.
func (found written) compare(before, after reflect.Value, owner string) {
	switch before.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !before.IsNil() && !after.IsNil() {
			found.compare(before.Elem(), after.Elem(), "")
		}
	case reflect.Slice:
		for index := range min(before.Len(), after.Len()) {
			found.compare(before.Index(index), after.Index(index), "")
		}
	case reflect.Map:
		for _, key := range before.MapKeys() {
			if value := after.MapIndex(key); value.IsValid() {
				found.compare(before.MapIndex(key), value, "")
			}
		}
	case reflect.Struct:
		// Of metadata the functions fill in labels and annotations; those have rules of their own.
		if encodesItself(before.Type()) || before.Type().Name() == "ObjectMeta" {
			return
		}
		if owner == "" {
			owner = component(before.Type())
		}
		for index := range before.NumField() {
			field := before.Type().Field(index)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case name == "-" || !field.IsExported():
			case name == "" && field.Anonymous:
				found.compare(before.Field(index), after.Field(index), owner)
			case before.Field(index).IsZero() && !isPlainStruct(field.Type):
				found.note(owner, name, after.Field(index))
			default:
				found.compare(before.Field(index), after.Field(index), "")
			}
		}
	}
}

// note takes down what was written into a field; an empty list or map is nothing, any time is now.
func (found written) note(owner, field string, value reflect.Value) {
	text := []byte("null")
	isEmpty := (value.Kind() == reflect.Slice || value.Kind() == reflect.Map) && value.Len() == 0
	if isTime(value.Type()) && !value.IsZero() {
		text = []byte(`"now"`)
	} else if !value.IsZero() && !isEmpty {
		var err error
		text, err = json.Marshal(value.Interface())
		check(err)
	}
	if found[owner] == nil {
		found[owner] = map[string][]json.RawMessage{}
	}
	for _, known := range found[owner][field] {
		if string(known) == string(text) {
			return
		}
	}
	found[owner][field] = append(found[owner][field], text)
}
