package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

type store struct {
	mu sync.Mutex
	db *sql.DB
}

func show(w http.ResponseWriter, r *http.Request) {
	// ruleid: go.database-opened-per-request
	db, err := sql.Open("pgx", dsn)
	use(db, err)
	// ruleid: go.request-body-unbounded
	body, err := io.ReadAll(r.Body)
	use(body, err)
}

func showWell(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	// ok: go.request-body-unbounded
	body, err := io.ReadAll(r.Body)
	use(body, err)
}

func fetch(resp *http.Response) {
	// ok: go.request-body-unbounded
	body, err := io.ReadAll(resp.Body)
	use(body, err)
	// ok: go.database-opened-per-request
	db, err := sql.Open("pgx", dsn)
	use(db, err)
}

func load(urls []string, db *sql.DB, names []string) error {
	// ok: go.client-made-in-loop
	shared := &http.Transport{MaxIdleConns: 10}
	for _, url := range urls {
		// ruleid: go.client-made-in-loop
		transport := &http.Transport{MaxIdleConns: 10}
		// ruleid: go.request-in-loop
		resp, err := http.Get(url)
		use(resp, err, transport, shared)
	}
	for _, url := range urls {
		go func() {
			// ok: go.request-in-loop
			resp, err := http.Get(url)
			use(resp, err)
		}()
	}
	for _, name := range names {
		// ruleid: go.row-inserted-in-loop
		db.Exec("INSERT INTO names VALUES ($1)", name)
		// ok: go.row-inserted-in-loop
		db.Exec("SELECT 1", name)
	}
	// ok: go.row-inserted-in-loop
	_, err := db.Exec("INSERT INTO names VALUES ($1)", names[0])
	return err
}

func (s *store) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	// ruleid: go.sleep-with-lock
	time.Sleep(time.Second)
	// ruleid: go.request-with-lock
	resp, err := http.Get("http://x")
	use(resp, err)
}

func (s *store) pauseWell() {
	// ok: go.request-with-lock
	resp, err := http.Get("http://x")
	s.mu.Lock()
	use(resp, err)
	s.mu.Unlock()
	// ok: go.sleep-with-lock
	time.Sleep(time.Second)
}

func wait(in chan int, out []int) []int {
	for {
		select {
		case x := <-in:
			use(x)
		// ruleid: go.timer-per-turn
		case <-time.After(5 * time.Minute):
			return out
		}
	}
}

func once(in chan int) {
	select {
	case x := <-in:
		use(x)
	// ok: go.timer-per-turn
	case <-time.After(5 * time.Minute):
	}
	for {
		select {
		case x := <-in:
			use(x)
		// ok: go.timer-per-turn
		case <-time.After(time.Millisecond):
			return
		}
	}
}

func write(lines []string) error {
	f, err := os.Create("out")
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	for _, line := range lines {
		// ruleid: go.unbuffered-writes-in-loop
		fmt.Fprintln(f, line)
		// ok: go.unbuffered-writes-in-loop
		fmt.Fprintln(buffered, line)
	}
	// ok: go.unbuffered-writes-in-loop
	fmt.Fprintln(f, "end")
	return buffered.Flush()
}

func same(a, b string) bool {
	// ruleid: go.case-folded-comparison
	if strings.ToLower(a) == strings.ToLower(b) {
		return true
	}
	// ok: go.case-folded-comparison
	if strings.ToLower(a) == "x" {
		return true
	}
	// ok: go.case-folded-comparison
	return strings.EqualFold(a, b)
}

func spin(done chan bool) {
	// ruleid: go.busy-wait
	for {
		select {
		case <-done:
			return
		default:
		}
	}
}

func poll(done chan bool) {
	// ok: go.busy-wait
	for {
		select {
		case <-done:
			return
		default:
			work()
		}
	}
}
