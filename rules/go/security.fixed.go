package shop

import (
	"archive/zip"
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"database/sql"
	"fmt"
	"html/template"
	"math/rand"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

func find(db *sql.DB, name string, table string) {
	// ruleid: go.sql-injection
	db.Query(fmt.Sprintf("SELECT * FROM users WHERE name = '%s'", name))
	// ruleid: go.sql-injection
	db.Exec("DELETE FROM users WHERE name = '" + name + "'")
	query := fmt.Sprintf("UPDATE users SET name = '%s'", name)
	// ruleid: go.sql-injection
	db.Exec(query)
	// ok: go.sql-injection
	db.Query("SELECT * FROM users WHERE name = ?", name)
	// ok: go.sql-injection
	db.Query(fmt.Sprintf("SHOW COLUMNS FROM %s", table))
	// ok: go.sql-injection
	db.Query("SELECT * FROM users " + "WHERE id = 1")
}

func archive(path string) {
	// ruleid: go.command-injection
	exec.Command("sh", "-c", "tar czf out.tgz "+path)
	// ruleid: go.command-injection
	exec.Command("/bin/bash", "-c", fmt.Sprintf("rm -rf %s", path))
	// ok: go.command-injection
	exec.Command("tar", "czf", "out.tgz", path)
	// ok: go.command-injection
	exec.Command("sh", "-c", "ls | wc -l")
}

func client(pool *x509.CertPool) {
	// ruleid: go.tls-verification-off
	_ = &tls.Config{InsecureSkipVerify: true}
	// ok: go.tls-verification-off
	_ = &tls.Config{RootCAs: pool}
	// ruleid: go.tls-old-version
	_ = &tls.Config{MinVersion: tls.VersionTLS12}
	// ok: go.tls-old-version
	_ = &tls.Config{MinVersion: tls.VersionTLS12}
	// ruleid: go.ssh-host-key-ignored
	callback := ssh.InsecureIgnoreHostKey()
	// ok: go.ssh-host-key-ignored
	callback = ssh.FixedHostKey(key)
}

func secrets(password string, body []byte) {
	// ruleid: go.weak-password-hash
	sum := md5.Sum([]byte(password))
	// ok: go.weak-password-hash
	etag := sha256.Sum256([]byte(body))
	// ruleid: go.predictable-token
	token := fmt.Sprintf("%x", rand.Int63())
	// ok: go.predictable-token
	delay := rand.Intn(100)
}

func serve(w http.ResponseWriter, r *http.Request, root string) {
	// ruleid: go.xss-template-html
	title := template.HTML("<b>" + r.FormValue("title") + "</b>")
	// ok: go.xss-template-html
	title = template.HTML("<b>Welcome</b>")
	// ok: go.xss-template-html
	picture := template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(bytes))
}

func permissions(path string) {
	// ruleid: go.world-writable-file
	os.Chmod(path, 0777)
	// The umask takes the right away again.
	// ok: go.world-writable-file
	os.WriteFile(path, nil, 0o666)
	// ok: go.world-writable-file
	os.Chmod(path, 0o644)
}

func unpack(archive *zip.ReadCloser, root string) {
	for _, file := range archive.File {
		// ruleid: go.zip-slip
		path := filepath.Join(root, file.Name)
		write(path)
	}
	for _, file := range archive.File {
		if !filepath.IsLocal(file.Name) {
			continue
		}
		// ok: go.zip-slip
		path := filepath.Join(root, file.Name)
		write(path)
	}
}

func main() {
	// ruleid: go.pprof-exposed
	http.ListenAndServe(":8080", nil)
	// ok: go.pprof-exposed
	http.ListenAndServe("localhost:6060", nil)
	// ok: go.pprof-exposed
	http.ListenAndServe(":8080", router)
}
