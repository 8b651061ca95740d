package main

import (
	"fmt"
	str "strings"
	. "math"
	_ "net/http/pprof"
	"gopkg.in/yaml.v3"
)

const A, b = 1, iota

var (
	x    int = 1
	p, q     = f()
)

type Server struct {
	Name, addr string `json:"name"`
	*Embedded
}
type Shape interface{ Area(scale float64) float64 }
type Alias = map[string][]int

func (s *Server) Run(ctx context.Context, args ...string) (n int, err error) {
	if v, ok := m["k"]; ok && v > 1 {
		x++
	} else if x == nil {
		return 0, fmt.Errorf("bad: %w", err)
	} else {
		x += 1
	}
	for i := 0; i < 10; i++ {
		continue
	}
	for k, v := range m {
		s.addr = k + v[1:2]
	}
	for {
		break
	}
outer:
	switch y := x.(type) {
	case int, string:
		go func() { ch <- 1 }()
	default:
		defer s.Close()
	}
	switch {
	case x > 1:
		fallthrough
	case a:
		goto outer
	}
	select {
	case v := <-ch:
		_ = v
	default:
	}
	t := &Server{Name: "a", list: []int{1, 2}, f: func(a, b int) bool { return *a == b }}
	var z, w = 'c', `raw`
	a, b := b, a
	return len(s.(Shape).Area(1.5)), nil
}

func Map[T any, U comparable](in []T) []U { return make([]U, 0, len(in)) }
