// capi-oracle says, for each object of some manifests, what a Kubernetes API server that holds the given CRDs would say
// to it: accept or reject, and why. It runs the server's own code for custom resources (k8s.io/apiextensions-apiserver)
// as a library. Admission webhooks are not part of it.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
)

// Exit statuses.
const (
	allAccepted = 0 // or of an unknown kind
	someRefused = 1
	failed      = 2
)

// flags are the command line. See -h.
type flags struct {
	settings
	crds, old            []string
	list, quiet, summary bool
	exportTo, storage    string
	kubeconfig           string
	workers              int
	mutate               int
	seed                 uint64
	streams              []string
}

func parseFlags() (f flags, ok bool) {
	several := func(to *[]string) func(string) error {
		return func(s string) error { *to = append(*to, s); return nil }
	}
	flag.Func("crds", "`folder` (searched in depth) or file of CRDs; may be repeated", several(&f.crds))
	flag.Func("old", "`folder` or file of objects as they are in the cluster: the same objects are judged as updates; may be repeated", several(&f.old))
	flag.StringVar(&f.client, "client", "create", "create: as kubectl create and apply; warn: as Helm 3 and Helm 4 with --server-side=false, unknown fields only warn; apply: server-side apply, as Helm 4 and Flux")
	flag.StringVar(&f.namespace, "namespace", "default", "namespace for namespaced objects that name none")
	flag.BoolVar(&f.yamlBody, "yaml-body", false, "refuse duplicate keys, as the server does when it is sent the YAML itself")
	flag.BoolVar(&f.all, "all", false, "go on to validation after unknown fields (the server stops there)")
	flag.BoolVar(&f.defaulted, "defaulted", false, "print the resulting object, pruned and with defaults")
	flag.BoolVar(&f.quiet, "quiet", false, "print only what is not accepted; with -server, only where the server differs")
	flag.BoolVar(&f.summary, "summary", false, "print counts and times to standard error")
	flag.IntVar(&f.workers, "j", runtime.NumCPU(), "how many streams to judge at a time")
	flag.BoolVar(&f.list, "list", false, "prepare every kind, print them all, and stop")
	flag.StringVar(&f.exportTo, "export-crds", "", "write the CRDs to this `file`, fit for a server without conversion webhooks, and stop")
	flag.StringVar(&f.storage, "storage", "", "with -export-crds: the `version` to store, for CRDs that serve it")
	flag.StringVar(&f.kubeconfig, "server", "", "`kubeconfig` of a server on this machine: put each create to it too (as a dry run) and compare")
	flag.IntVar(&f.mutate, "mutate", 0, "derive this many objects from those of the streams and from the schemas, judge each for all clients, print objects and verdicts")
	flag.Uint64Var(&f.seed, "seed", 1, "with -mutate: the same seed gives the same objects")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: capi-oracle -crds DIR [flags] [FILE|DIR|-]...")
		flag.PrintDefaults()
	}
	flag.Parse()
	f.streams = flag.Args()
	if len(f.streams) == 0 {
		f.streams = []string{"-"}
	}
	ok = len(f.crds) > 0 && slices.Contains([]string{"create", "warn", "apply"}, f.client)
	return f, ok
}

func main() { os.Exit(run()) }

func run() int {
	f, ok := parseFlags()
	if !ok {
		flag.Usage()
		return failed
	}
	klog.LogToStderr(false) // the libraries' own log
	klog.SetOutput(io.Discard)
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	defer out.Flush()
	status, err := f.do(out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "capi-oracle:", err)
		return failed
	}
	return status
}

// do does what the flags ask for.
func (f *flags) do(out io.Writer) (int, error) {
	start := time.Now()
	kinds, err := loadKinds(f.crds, os.Stderr)
	if err != nil {
		return failed, err
	}
	loaded := time.Now()
	switch {
	case f.list:
		return kinds.list(out), nil
	case f.exportTo != "":
		return allAccepted, kinds.export(f.exportTo, f.storage)
	case f.mutate > 0:
		var streams []string
		for _, s := range f.streams {
			streams = append(streams, manifestsIn(s)...)
		}
		return allAccepted, kinds.mutate(streams, f.mutate, f.seed, f.settings, f.workers, out)
	}
	b := bench{kinds: kinds, use: f.settings}
	if f.kubeconfig != "" {
		if b.server, err = newServer(f.kubeconfig); err != nil {
			return failed, err
		}
		b.use.defaulted = true
	}
	if err := b.loadOld(f.old); err != nil {
		return failed, err
	}

	var streams []string
	for _, s := range f.streams {
		streams = append(streams, manifestsIn(s)...)
	}
	t := tally{verdicts: map[string]int{}, agreement: map[string]int{}}
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for s := range inOrder(streams, f.workers, b.judgeStream) {
		if s.err != nil {
			fmt.Fprintln(os.Stderr, "capi-oracle:", s.err)
			t.unread++
		}
		for _, j := range s.judgements {
			t.count(&j)
			if f.quiet && f.unremarkable(&j) {
				continue
			}
			if err := lines.Encode(j); err != nil {
				return failed, err
			}
		}
	}
	if f.summary {
		took := time.Since(loaded)
		fmt.Fprintf(os.Stderr, "capi-oracle: %d kinds loaded in %s; %d streams, %d objects %v in %s (%.0f objects/s)\n",
			len(kinds.order), loaded.Sub(start).Round(time.Millisecond), len(streams), t.objects, t.verdicts,
			took.Round(time.Millisecond), float64(t.objects)/took.Seconds())
		if b.server != nil {
			fmt.Fprintf(os.Stderr, "capi-oracle: verdicts here/of the server %v, with the same details %d\n", t.agreement, t.same)
		}
	}
	return t.status(), nil
}

// tally counts judgements.
type tally struct {
	objects, unread, same int
	verdicts, agreement   map[string]int
}

func (t *tally) count(j *judgement) {
	t.objects++
	t.verdicts[j.Verdict]++
	if j.Server != nil {
		t.agreement[j.Verdict+"/"+j.Server.Verdict]++
		if j.Server.Same {
			t.same++
		}
	}
}

func (t *tally) status() int {
	switch {
	case t.unread > 0:
		return failed
	case t.verdicts["reject"]+t.verdicts["unparsable"] > 0:
		return someRefused
	}
	return allAccepted
}

// unremarkable is what -quiet leaves out.
func (f *flags) unremarkable(j *judgement) bool {
	if f.kubeconfig == "" {
		return j.Verdict == "accept"
	}
	return j.Server == nil || j.Server.Agrees && j.Server.Same
}

// bench judges streams.
type bench struct {
	kinds  *kindSet
	use    settings
	server *server // nil unless asked for
	old    map[objectKey]*document
}

// objectKey tells objects apart, whatever version they are written in.
type objectKey struct {
	kind            schema.GroupKind
	namespace, name string
}

func (b *bench) key(d document) objectKey {
	key := objectKey{d.Object.GroupVersionKind().GroupKind(), d.Object.GetNamespace(), d.Object.GetName()}
	if k := b.kinds.all[d.Object.GroupVersionKind()]; k != nil && !k.namespaced() {
		key.namespace = ""
	} else if k != nil && key.namespace == "" {
		key.namespace = b.use.namespace
	}
	return key
}

func (b *bench) loadOld(paths []string) error {
	b.old = map[objectKey]*document{}
	for _, p := range paths {
		for _, file := range manifestsIn(p) {
			data, err := readAll(file)
			if err != nil {
				return err
			}
			for _, d := range readStream(data) {
				if d.Err == nil {
					b.old[b.key(d)] = &d
				}
			}
		}
	}
	return nil
}

// judged is a stream with its judgements.
type judged struct {
	judgements []judgement
	err        error
}

func (b *bench) judgeStream(file string) (s judged) {
	data, err := readAll(file)
	if err != nil {
		return judged{err: err}
	}
	for n, d := range readStream(data) {
		var old *document
		if d.Err == nil {
			old = b.old[b.key(d)]
		}
		j := b.kinds.judge(d, old, b.use)
		j.Index = n
		if file != "-" {
			j.File = file
		}
		if k := b.kinds.all[d.gvk()]; k != nil && b.server != nil && d.Err == nil {
			j.Server = b.server.ask(k, d, &j, b.use.client)
			j.Defaulted = nil
		}
		s.judgements = append(s.judgements, j)
	}
	return s
}

// inOrder calls f on each item, some at a time, and yields the results in the items' order.
func inOrder[T, R any](items []T, atATime int, f func(T) R) func(yield func(R) bool) {
	return func(yield func(R) bool) {
		results := make([]chan R, len(items))
		for i := range results {
			results[i] = make(chan R, 1)
		}
		next := make(chan int)
		stop := make(chan struct{})
		var workers sync.WaitGroup
		for range max(1, atATime) {
			workers.Go(func() {
				for i := range next {
					results[i] <- f(items[i])
				}
			})
		}
		workers.Go(func() {
			defer close(next)
			for i := range items {
				select {
				case next <- i:
				case <-stop:
					return
				}
			}
		})
		for _, result := range results {
			if !yield(<-result) {
				break
			}
		}
		close(stop)
		workers.Wait()
	}
}

// list prints the kinds, each with what is wrong with its schema.
func (set *kindSet) list(out io.Writer) int {
	faulty := 0
	for _, gvk := range set.order {
		k, scope, state := set.all[gvk], "cluster", "ok"
		if k.namespaced() {
			scope = "namespaced"
		}
		if err := k.ready(); err != nil {
			state = err.Error()
			faulty++
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", gvk.GroupVersion(), gvk.Kind, scope, state)
	}
	fmt.Fprintf(os.Stderr, "capi-oracle: %d kinds, %d of them faulty\n", len(set.order), faulty)
	if faulty > 0 {
		return someRefused
	}
	return allAccepted
}

func readAll(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(file)
}

// manifestsIn gives the YAML and JSON files of a folder and its subfolders, sorted; a file is its own list.
func manifestsIn(path string) (files []string) {
	if st, err := os.Stat(path); err != nil || !st.IsDir() {
		return []string{path}
	}
	_ = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch filepath.Ext(p) {
		case ".yaml", ".yml", ".json":
			if err == nil && !e.IsDir() {
				files = append(files, p)
			}
		}
		return nil
	})
	slices.Sort(files)
	return files
}
