package flows

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v4"
)

var word = regexp.MustCompile(`^\w+$`)

func users(w http.ResponseWriter, r *http.Request, db *sql.DB) {
	name := r.FormValue("name")
	// ruleid: go.request-to-sql
	db.Query("SELECT * FROM users WHERE name = '" + name + "'")
	query := fmt.Sprintf("SELECT * FROM users WHERE name = '%s'", r.URL.Query().Get("name"))
	// ruleid: go.request-to-sql
	db.QueryRowContext(r.Context(), query)
	// ok: go.request-to-sql
	db.Query("SELECT * FROM users WHERE name = ?", name)
	page, _ := strconv.Atoi(r.FormValue("page"))
	// ok: go.request-to-sql
	db.Query(fmt.Sprintf("SELECT * FROM users LIMIT 10 OFFSET %d", page))
	order := r.FormValue("order")
	if !slices.Contains([]string{"name", "age"}, order) {
		return
	}
	// ok: go.request-to-sql
	db.Query("SELECT * FROM users ORDER BY " + order)
	vars := mux.Vars(r)
	// ruleid: go.request-to-sql
	db.Exec("DELETE FROM users WHERE id = " + vars["id"])
	// ok: go.request-to-sql
	cache.Query(name)
}

type search struct{ Name string }

func ginUsers(c *gin.Context) {
	var input search
	c.ShouldBindJSON(&input)
	// ruleid: go.request-to-sql
	db.Raw("SELECT * FROM users WHERE name = '" + input.Name + "'")
	// ruleid: go.request-to-sql
	db.Where("name = '" + c.Param("name") + "'").Find(&found)
	// ok: go.request-to-sql
	db.Where("name = ?", c.Param("name")).Find(&found)
	// ruleid: go.request-to-command
	exec.Command("sh", "-c", "convert "+c.Query("file")).Run()
	// ruleid: go.request-to-path
	c.File("/srv/files/" + c.Query("file"))
	// ruleid: go.request-to-redirect
	c.Redirect(302, c.DefaultQuery("next", "/"))
	// ok: go.request-to-redirect
	c.Redirect(302, "/users/"+c.Param("name"))
	// ok: go.request-to-page
	c.JSON(200, gin.H{"name": c.Query("name")})
}

func echoPage(c echo.Context) error {
	// ruleid: go.request-to-page
	return c.HTML(200, "<b>"+c.QueryParam("name")+"</b>")
}

func ping(w http.ResponseWriter, r *http.Request) {
	host := r.URL.Query().Get("host")
	// ruleid: go.request-to-command
	exec.Command("bash", "-c", "ping -c 1 "+host).Run()
	// ruleid: go.request-to-command
	exec.CommandContext(r.Context(), r.FormValue("tool"), "-v").Run()
	// ok: go.request-to-command
	exec.Command("ping", "-c", "1", host).Run()
	if !word.MatchString(host) {
		return
	}
	// ok: go.request-to-command
	exec.Command("bash", "-c", "ping -c 1 "+host).Run()
}

func files(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	path := filepath.Join("/srv/files", name)
	// ruleid: go.request-to-path
	file, _ := os.Open(path)
	// ruleid: go.request-to-path
	http.ServeFile(w, r, "/srv/files/"+name)
	// ok: go.request-to-path
	os.ReadFile(filepath.Join("/srv/files", filepath.Base(name)))
	// ok: go.request-to-path
	os.ReadFile("/srv/files" + filepath.Clean("/"+name))
	// ok: go.request-to-path
	os.WriteFile("/srv/log", []byte(name), 0o600)
	if !filepath.IsLocal(name) {
		return
	}
	// ok: go.request-to-path
	os.ReadFile(filepath.Join("/srv/files", name))
	io.Copy(w, file)
}

func pages(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	// ruleid: go.request-to-page
	fmt.Fprintf(w, "<b>Hello %s</b>", name)
	// ruleid: go.request-to-page
	w.Write([]byte("<b>Hello " + name + "</b>"))
	// ruleid: go.request-to-page
	io.WriteString(w, fmt.Sprintf("<p>%s</p>", name))
	// ruleid: go.request-to-page
	note := template.HTML("<i>" + name + "</i>")
	// ok: go.request-to-page
	fmt.Fprintf(w, "<b>Hello %s</b>", html.EscapeString(name))
	// ok: go.request-to-page
	fmt.Fprintf(w, "hello %s", name)
	// ok: go.request-to-page
	fmt.Fprintf(os.Stderr, "<error> %s", name)
	// ok: go.request-to-page
	page.Execute(w, name)
	body, _ := json.Marshal(map[string]string{"name": name})
	// ok: go.request-to-page
	w.Write(body)
	// ruleid: go.request-to-template
	template.New("page").Parse("<p>" + name + "</p>")
	// ok: go.request-to-template
	template.New("page").Parse("<p>{{.}}</p>")
	show(note)
}

func addresses(w http.ResponseWriter, r *http.Request, client *http.Client) {
	next := r.FormValue("next")
	// ruleid: go.request-to-redirect
	http.Redirect(w, r, next, http.StatusFound)
	// ok: go.request-to-redirect
	http.Redirect(w, r, "/login?next="+url.QueryEscape(next), http.StatusFound)
	// ok: go.request-to-redirect
	http.Redirect(w, r, "/users/"+next, http.StatusFound)
	// ok: go.request-to-redirect
	http.Redirect(w, r, r.URL.Path+"/", http.StatusFound)
	if strings.HasPrefix(next, "/") {
		// ok: go.request-to-redirect
		http.Redirect(w, r, next, http.StatusFound)
	}
	// ruleid: go.request-to-url
	http.Get(r.FormValue("url"))
	// ruleid: go.request-to-url
	client.Get("http://" + r.FormValue("host") + "/status")
	// ok: go.request-to-url
	http.Get("https://api.example/items/" + r.FormValue("id"))
	target, _ := http.NewRequest("GET", "https://api.example/?q="+url.QueryEscape(next), nil)
	// ok: go.request-to-url
	client.Do(target)
}

func resetSequence(ctx context.Context, table string) {
	// Nobody gives it what a request says.
	// ok: go.request-to-sql
	db.Exec(fmt.Sprintf("SELECT setval('%s', max(id)) FROM %s", table, table))
}

func statementOf(name string) string {
	return fmt.Sprintf("SELECT * FROM users WHERE name = '%s'", name)
}

func statements(w http.ResponseWriter, r *http.Request) {
	resetSequence(r.Context(), "users")
	// ruleid: go.request-to-sql
	db.Query(statementOf(r.FormValue("name")))
	// ok: go.request-to-sql
	db.Query(statementOf("admin"))
}
