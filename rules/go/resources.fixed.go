package shop

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"
)

func save(path string, in io.Reader) error {
	out, err := os.Create(path)
	if err != nil {
		// ruleid: go.error-not-wrapped
		return fmt.Errorf("create %s: %w", path, err)
	}
	// ruleid: go.close-error-lost
	defer out.Close()
	_, err = io.Copy(out, in)
	return err
}

func saveAll(path string, in io.Reader) error {
	out, err := os.Create(path)
	if err != nil {
		// ok: go.error-not-wrapped
		return fmt.Errorf("create %s: %w", path, err)
	}
	// ok: go.close-error-lost
	defer out.Close()
	if _, err = io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

func load(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	// ok: go.close-error-lost
	defer in.Close()
	return io.ReadAll(in)
}

func touch(path string) {
	out, err := os.Create(path)
	if err != nil {
		// ok: go.error-not-wrapped
		log.Print(fmt.Errorf("%v", err))
		return
	}
	// ok: go.close-error-lost
	defer out.Close()
}

func stream(w http.ResponseWriter, r *http.Request) {
	// ruleid: go.response-writer-upgraded-unchecked
	w.(http.Flusher).Flush()
	// ok: go.response-writer-upgraded-unchecked
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	// ok: go.response-writer-upgraded-unchecked
	w.(*recorder).Flush()
}

func contexts(parent context.Context) {
	// ruleid: go.cancel-lost
	ctx, _ := context.WithTimeout(parent, time.Second)
	// ok: go.cancel-lost
	other, cancel := context.WithCancel(ctx)
	defer cancel()
	work(other)
}

func signals() {
	c := make(chan os.Signal)
	// ruleid: go.signal-channel-unbuffered
	signal.Notify(c, os.Interrupt)
	buffered := make(chan os.Signal, 1)
	// ok: go.signal-channel-unbuffered
	signal.Notify(buffered, os.Interrupt)
}

func maps() {
	// ruleid: go.write-to-nil-map
	var m map[string]int
	m["a"] = 1
	// ok: go.write-to-nil-map
	var n map[string]int
	n = make(map[string]int)
	n["a"] = 1
}

func serve(h http.Handler) {
	// ruleid: go.server-without-timeouts
	s := &http.Server{Addr: ":80", Handler: h}
	// ok: go.server-without-timeouts
	t := &http.Server{Addr: ":80", Handler: h, ReadHeaderTimeout: time.Second}
	// ok: go.server-without-timeouts
	u := &http.Server{Addr: ":80", Handler: h}
	u.ReadHeaderTimeout = time.Second
	run(s, t, u)
}

func query(db *sql.DB) error {
	// ruleid: go.rows-not-closed
	rows, err := db.Query("SELECT id FROM items")
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := rows.Scan(); err != nil {
			return err
		}
	}
	return nil
}

func queryClosed(db *sql.DB) error {
	// ok: go.rows-not-closed
	rows, err := db.Query("SELECT id FROM items")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(); err != nil {
			return err
		}
	}
	return nil
}

func report(path string) {
	out, err := os.Create(path)
	if err != nil {
		// ok: go.defer-skipped-by-exit
		log.Fatal(err)
	}
	defer out.Close()
	if err := write(out); err != nil {
		// ruleid: go.defer-skipped-by-exit
		log.Fatal(err)
	}
}
