package shop

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
)

func files(paths []string) {
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return
		}
		// ruleid: go.defer-in-loop
		defer file.Close()
	}
	for _, path := range paths {
		go func() {
			file, err := os.Open(path)
			if err != nil {
				return
			}
			// ok: go.defer-in-loop
			defer file.Close()
		}()
	}
	// ruleid: go.error-discarded
	first, _ := os.Open(paths[0])
	// ok: go.error-discarded
	second, err := os.Open(paths[0])
	// ok: go.defer-in-loop
	defer first.Close()
}

func decode(data []byte, into *order) error {
	// ruleid: go.unmarshal-error-ignored
	json.Unmarshal(data, into)
	// ok: go.unmarshal-error-ignored
	err := json.Unmarshal(data, into)
	if err != nil {
		return err
	}
	// ok: go.unmarshal-error-ignored
	if err := json.Unmarshal(data, into); err != nil {
		return err
	}
	// ok: go.unmarshal-error-ignored
	return json.Unmarshal(data, into)
}

func fetch(url string) error {
	// ruleid: go.response-used-before-error-check
	resp, err := http.Get(url)
	defer resp.Body.Close()
	if err != nil {
		return err
	}
	// ok: go.response-used-before-error-check
	other, err := http.Get(url)
	if err != nil {
		return err
	}
	defer other.Body.Close()
	return nil
}

func pointers(orders []order) (out []*order) {
	for _, o := range orders {
		// ruleid: go.loop-variable-address-kept
		out = append(out, &o)
	}
	for i := range orders {
		// ok: go.loop-variable-address-kept
		out = append(out, &orders[i])
	}
	return out
}

func start(work func()) {
	var wg sync.WaitGroup
	// ruleid: go.waitgroup-add-in-goroutine
	go func() {
		wg.Add(1)
		defer wg.Done()
		work()
	}()
	wg.Add(1)
	// ok: go.waitgroup-add-in-goroutine
	go func() {
		defer wg.Done()
		work()
	}()
	wg.Wait()
}

func (s *store) get(key string) string {
	// ruleid: go.lock-without-unlock-on-return
	s.mu.Lock()
	if s.closed {
		return ""
	}
	value := s.values[key]
	s.mu.Unlock()
	return value
}

func (s *store) get_well(key string) string {
	// ok: go.lock-without-unlock-on-return
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ""
	}
	return s.values[key]
}

// ruleid: go.mutex-copied
func guarded(mu sync.Mutex, work func()) {
	mu.Lock()
	work()
}

// ok: go.mutex-copied
func guarded_well(mu *sync.Mutex, work func()) {
	mu.Lock()
	work()
}

func compare(a, b order) bool {
	// ruleid: go.comparison-with-itself
	if a.id == a.id {
		return true
	}
	// ok: go.comparison-with-itself
	return a.id == b.id
}

func text(lines []string, db *sql.DB) string {
	out := ""
	for _, line := range lines {
		// ruleid: go.regexp-compile-in-loop
		word := regexp.MustCompile(`\w+`)
		// ruleid: go.string-concatenation-in-loop
		out += word.FindString(line)
		// ruleid: go.n-plus-one-query
		row := db.QueryRow("SELECT name FROM users WHERE id = ?", line)
		// ok: go.n-plus-one-query
		db.Exec("INSERT INTO log VALUES (?)", line)
		// ok: go.regexp-compile-in-loop
		own := regexp.MustCompile(line)
	}
	var b strings.Builder
	count := 0
	for _, line := range lines {
		b.WriteString(line)
		// ok: go.string-concatenation-in-loop
		count += 1
	}
	// ok: go.n-plus-one-query
	rows := db.QueryRow("SELECT 1")
	// ok: go.regexp-compile-in-loop
	return regexp.MustCompile(`\s+`).FindString(out)
}
