// Command peers asks established tools whether an object has drifted, through their own libraries:
// one tool for each first argument. It reads a case per line and writes an answer per line, as JSON,
// until its input ends; answers come in any order. The cluster is the one of $KUBECONFIG.
//
//	{"id": "1", "manager": "kustomize-controller", "desired": {"apiVersion": "v1", ...}}
//	{"id": "1", "drift": true, "paths": ["/data/colour"], "error": ""}
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"github.com/go-logr/logr"
	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
)

// atOnce is how many cases are under way; most of the time they wait for the API server.
const atOnce = 8

// A peer compares what is desired with what is live. It gives the two documents that it compares, of
// which the first is nil where nothing is live; they need not be given where nothing differs.
type peer interface {
	compare(ctx context.Context, desired *unstructured.Unstructured, manager string) (drift bool, live, predicted any, err error)
}

var peers = map[string]func(*cluster) (peer, error){
	"kubectl":             newKubectl(false),
	"kubectl-server-side": newKubectl(true),
	"flux":                newFlux,
	"argo":                newArgo(false),
	"argo-server-side":    newArgo(true),
}

type question struct {
	ID      string          `json:"id"`
	Desired json.RawMessage `json:"desired"`
	Manager string          `json:"manager"`
}

type answer struct {
	ID    string   `json:"id"`
	Drift bool     `json:"drift"`
	Paths []string `json:"paths"`
	Error string   `json:"error"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string, in io.Reader, out io.Writer) error {
	if len(arguments) != 1 || peers[arguments[0]] == nil {
		return errors.New("usage: peers argo|argo-server-side|flux|kubectl|kubectl-server-side")
	}
	logrus.SetLevel(logrus.ErrorLevel)
	ctrl.SetLogger(logr.Discard())
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	cluster, err := connect()
	if err != nil {
		return err
	}
	peer, err := peers[arguments[0]](cluster)
	if err != nil {
		return err
	}
	if closer, ok := peer.(io.Closer); ok {
		defer closer.Close()
	}
	return answerAll(cluster, peer, in, out)
}

func answerAll(cluster *cluster, peer peer, in io.Reader, out io.Writer) error {
	var (
		lines   = bufio.NewReader(in)
		encoder = json.NewEncoder(out)
		writing sync.Mutex
		free    = make(chan struct{}, atOnce)
		running sync.WaitGroup
	)
	defer running.Wait()
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			answer := answerOne(cluster, peer, line)
			writing.Lock()
			defer writing.Unlock()
			if err := encoder.Encode(answer); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		})
	}
}

// answerOne turns every failure into an answer: the next case may fare better.
func answerOne(cluster *cluster, peer peer, line []byte) (said answer) {
	said.Paths = []string{}
	defer func() {
		if problem := recover(); problem != nil {
			said.Error = fmt.Sprintf("panic: %v\n%s", problem, debug.Stack())
		}
	}()
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		said.Error = err.Error()
		return said
	}
	said.ID = asked.ID
	desired := &unstructured.Unstructured{}
	// Unlike encoding/json this keeps integers, as all these tools read them.
	if err := utiljson.Unmarshal(asked.Desired, &desired.Object); err != nil {
		said.Error = err.Error()
		return said
	}
	ctx := context.Background()
	if err := cluster.complete(ctx, desired); err != nil {
		said.Error = err.Error()
		return said
	}
	drift, live, predicted, err := peer.compare(ctx, desired, asked.Manager)
	if err != nil {
		said.Error = err.Error()
		return said
	}
	said.Drift = drift
	if drift {
		said.Paths, err = differences(live, predicted)
		if err != nil {
			said.Error = err.Error()
		}
	}
	return said
}
