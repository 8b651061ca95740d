package main

import (
	"bytes"
	"context"
	"crypto/des"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync/atomic"
	"text/template"

	"github.com/golang-jwt/jwt/v5"
)

func show(w http.ResponseWriter, r *http.Request) {
	user, err := find(r)
	// ruleid: go.handler-goes-on-after-error
	if err != nil {
		http.Error(w, "no such user", http.StatusNotFound)
	}
	render(w, user)
	// ok: go.handler-goes-on-after-error
	if user.closed {
		http.Error(w, "closed", http.StatusGone)
		return
	}
	// ok: go.handler-goes-on-after-error
	if user.late {
		http.Error(w, "late", http.StatusGone)
	} else {
		render(w, user)
	}
}

func last(w http.ResponseWriter, r *http.Request) {
	// ok: go.handler-goes-on-after-error
	if err := run(r); err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
	}
}

func open(url string) error {
	// ruleid: go.response-body-left-open
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return errStatus
	}
	return nil
}

func openWell(url string) (*http.Response, error) {
	// ok: go.response-body-left-open
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	// ok: go.response-body-left-open
	other, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	return other, nil
}

func names(users []User, n int) []string {
	out := make([]string, len(users))
	for _, user := range users {
		// ruleid: go.append-after-made-length
		out = append(out, user.Name)
	}
	right := make([]string, 0, len(users))
	for _, user := range users {
		// ok: go.append-after-made-length
		right = append(right, user.Name)
	}
	filled := make([]string, len(users))
	for i, user := range users {
		filled[i] = user.Name
	}
	for _, user := range users {
		// ok: go.append-after-made-length
		filled = append(filled, user.Mail)
	}
	var none []string
	// ruleid: go.copy-into-nothing
	copy(none, right)
	some := make([]string, len(right))
	// ok: go.copy-into-nothing
	copy(some, right)
	return out
}

func count() {
	// ruleid: go.atomic-result-assigned
	total = atomic.AddInt64(&total, 1)
	// ok: go.atomic-result-assigned
	atomic.AddInt64(&total, 1)
	// ok: go.atomic-result-assigned
	seen := atomic.AddInt64(&total, 1)
	use(seen)
}

func query(w http.ResponseWriter, r *http.Request) {
	// ruleid: go.request-context-ignored
	rows, err := db.QueryContext(context.Background(), "SELECT 1")
	// ok: go.request-context-ignored
	rows, err = db.QueryContext(r.Context(), "SELECT 1")
	use(rows, err)
}

func start() {
	// ok: go.request-context-ignored
	rows, err := db.QueryContext(context.Background(), "SELECT 1")
	use(rows, err)
}

func port(text string) (uint16, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, err
	}
	// ruleid: go.number-cut-after-parse
	return uint16(n), nil
}

func portWell(text string) (uint16, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 65535 {
		return 0, err
	}
	// ok: go.number-cut-after-parse
	m, err := strconv.ParseUint(text, 10, 16)
	use(uint16(m))
	// ok: go.number-cut-after-parse
	return uint16(n), nil
}

func page(w http.ResponseWriter, r *http.Request) {
	t := template.Must(template.ParseFiles("page.html"))
	// ruleid: go.text-template-in-page
	t.Execute(w, r.FormValue("name"))
	var out bytes.Buffer
	// ok: go.text-template-in-page
	t.Execute(&out, 1)
}

func signed(body, given, key []byte, text string) bool {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	// ruleid: go.timing-unsafe-comparison
	if hex.EncodeToString(mac.Sum(nil)) == text {
		return true
	}
	own := mac.Sum(nil)
	// ok: go.timing-unsafe-comparison
	if hmac.Equal(own, given) {
		return true
	}
	// ok: go.timing-unsafe-comparison
	if bytes.Equal(body, given) {
		return true
	}
	// ruleid: go.timing-unsafe-comparison
	return bytes.Equal(own, given)
}

func token(text string, key []byte) {
	// ruleid: go.jwt-not-verified
	jwt.NewParser().ParseUnverified(text, claims)
	// ok: go.jwt-not-verified
	jwt.Parse(text, keys, jwt.WithValidMethods([]string{"RS256"}))
	// ruleid: go.weak-cipher
	des.NewCipher(key)
	// ok: go.weak-cipher
	aes.NewCipher(key)
	// ruleid: go.short-key
	rsa.GenerateKey(random, 1024)
	// ok: go.short-key
	rsa.GenerateKey(random, 3072)
}

func cors(w http.ResponseWriter, r *http.Request) {
	// ruleid: go.any-origin-with-credentials
	w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	// ok: go.any-origin-with-credentials
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if allowed(r.Header.Get("Origin")) {
		// ok: go.any-origin-with-credentials
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	}
}
