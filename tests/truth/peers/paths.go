package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// differences lists the places where two documents differ, as JSON pointers: those of the live one
// where it has them. Elements of a list are told apart by their name if all have one of their own.
func differences(live, predicted any) ([]string, error) {
	before, err := plain(live)
	if err != nil {
		return nil, err
	}
	after, err := plain(predicted)
	if err != nil {
		return nil, err
	}
	found := []string{}
	walk("", before, after, &found)
	slices.Sort(found)
	return slices.Compact(found), nil
}

// plain gives a document in the types of encoding/json, so that equal numbers are of one type.
func plain(document any) (value any, err error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	return value, json.Unmarshal(text, &value)
}

func walk(path string, before, after any, found *[]string) {
	if reflect.DeepEqual(before, after) {
		return
	}
	switch before := before.(type) {
	case map[string]any:
		if after, ok := after.(map[string]any); ok {
			walkMap(path, before, after, found)
			return
		}
	case []any:
		if after, ok := after.([]any); ok {
			walkList(path, before, after, found)
			return
		}
	}
	*found = append(*found, path)
}

func walkMap(path string, before, after map[string]any, found *[]string) {
	for name, old := range before {
		if now, ok := after[name]; ok {
			walk(below(path, name), old, now, found)
		} else {
			*found = append(*found, below(path, name))
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			*found = append(*found, below(path, name))
		}
	}
}

func walkList(path string, before, after []any, found *[]string) {
	old, now := names(before), names(after)
	if old == nil || now == nil {
		for index := range max(len(before), len(after)) {
			if index < len(before) && index < len(after) {
				walk(below(path, strconv.Itoa(index)), before[index], after[index], found)
			} else {
				*found = append(*found, below(path, strconv.Itoa(index)))
			}
		}
		return
	}
	var order []int
	for index, name := range old {
		place := below(path, strconv.Itoa(index))
		if other := slices.Index(now, name); other >= 0 {
			order = append(order, other)
			walk(place, before[index], after[other], found)
		} else {
			*found = append(*found, place)
		}
	}
	if !slices.IsSorted(order) {
		*found = append(*found, path)
	}
	for index, name := range now {
		if !slices.Contains(old, name) {
			*found = append(*found, below(path, strconv.Itoa(index)))
		}
	}
}

// names are those of a list's elements, or nil unless each has one of its own.
func names(list []any) []string {
	found := make([]string, 0, len(list))
	for _, element := range list {
		fields, _ := element.(map[string]any)
		name, ok := fields["name"].(string)
		if !ok || slices.Contains(found, name) {
			return nil
		}
		found = append(found, name)
	}
	return found
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

func below(path, name string) string {
	return path + "/" + escape.Replace(name)
}
