#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node { int value; char *name; };

void input(FILE *f) {
  char line[64];
  // ruleid: c.gets
  gets(line);
  // ok: c.gets
  fgets(line, sizeof(line), f);
  // ruleid: c.scanf-unbounded-string
  scanf("%s", line);
  // ruleid: c.scanf-unbounded-string
  fscanf(f, "%d %[a-z]", &n, line);
  // ok: c.scanf-unbounded-string
  scanf("%63s", line);
  // ok: c.scanf-unbounded-string
  sscanf(line, "%d", &n);
}

int main(int argc, char **argv) {
  char path[32];
  // ruleid: c.environment-copied-unbounded
  strcpy(path, getenv("HOME"));
  // ruleid: c.environment-copied-unbounded
  strcat(path, argv[1]);
  // ok: c.environment-copied-unbounded
  snprintf(path, sizeof(path), "%s", argv[1]);
  // ok: c.environment-copied-unbounded
  strcpy(path, "/tmp");
  return 0;
}

void format(const char *name, int n) {
  char text[40];
  // ruleid: c.sprintf-into-local-array
  sprintf(text, "hello %s", name);
  // ok: c.sprintf-into-local-array
  sprintf(text, "%d", n);
  // ok: c.sprintf-into-local-array
  sprintf(text, "hello %s", "world");
  // ok: c.sprintf-into-local-array
  snprintf(text, sizeof(text), "hello %s", name);
  // ruleid: c.sprintf-onto-itself, c.sprintf-into-local-array
  sprintf(text, "%s, %s", text, name);
  // ok: c.sprintf-onto-itself
  sprintf(text, "%d, %d", n, n);
}

void grow(struct node **list, size_t n) {
  char *p = malloc(10);
  // ruleid: c.realloc-loses-pointer
  p = realloc(p, n);
  // ok: c.realloc-loses-pointer
  char *bigger = realloc(p, n);
  if (bigger) p = bigger;
  char *old = p;
  // ok: c.realloc-loses-pointer
  p = realloc(p, n);
  if (p == NULL) free(old);
  // ok: c.realloc-loses-pointer
  p = realloc(p, n);
  if (!p) die("out of memory");
  // ok: c.realloc-loses-pointer
  p = realloc(p, n);
  if (p == NULL) {
    perror("realloc");
    exit(1);
  }
  free(p);
}

int twice(char *p, int failed) {
  // ruleid: c.double-free
  free(p);
  if (failed) puts("failed");
  free(p);
  return 0;
}

int once(char *p, int failed) {
  if (failed) {
    // ok: c.double-free
    free(p);
    return 1;
  }
  // ok: c.double-free
  free(p);
  p = malloc(3);
  free(p);
  return 0;
}

int filled_again(char *p, int failed) {
  // ok: c.double-free
  free(p);
  if (asprintf(&p, "%d", failed) < 0) puts("failed");
  free(p);
  return 0;
}

int either(char *left, char *right, int failed) {
  if (failed) goto fail;
  // ok: c.double-free
  free(right);
  free(left);
  return 0;

fail:
  free(right);
  free(left);
  return 1;
}

int loop(char **rows, int n) {
  for (int i = 0; i < n; i++) {
    // ok: c.double-free
    free(rows[i]);
  }
  free(rows);
  return 0;
}

int after(struct node *p) {
  // ruleid: c.use-after-free
  free(p);
  return p->value;
}

int before(struct node *p) {
  int v = p->value;
  // ok: c.use-after-free
  free(p);
  return v;
}

char *copy(const char *s) {
  // ruleid: c.malloc-without-terminator
  char *d = malloc(strlen(s));
  // ok: c.malloc-without-terminator
  char *e = malloc(strlen(s) + 1);
  strcpy(d, s);
  return d;
}

void clear(char *p, size_t n) {
  // ruleid: c.sizeof-pointer-parameter
  memset(p, 0, sizeof(p));
  char local[10];
  // ok: c.sizeof-pointer-parameter
  memset(local, 0, sizeof(local));
  // ok: c.sizeof-pointer-parameter
  memset(p, 0, n);
  // ruleid: c.memset-length-zero
  memset(p, n, 0);
  // ok: c.memset-length-zero
  memset(p, 0, n);
}

void copies(char *d, const char *s, size_t n) {
  char all[100] = "x";
  // ruleid: c.strncpy-length-of-source
  strncpy(d, s, strlen(s));
  // ok: c.strncpy-length-of-source
  strncpy(d, s, n);
  // ruleid: c.strncat-whole-size
  strncat(all, s, sizeof(all));
  // ok: c.strncat-whole-size
  strncat(all, s, sizeof(all) - strlen(all) - 1);
}

char *label(int n) {
  char text[20];
  snprintf(text, sizeof(text), "%d", n);
  // ruleid: c.returns-local-array
  return text;
}

char *kept(int n) {
  static char text[20];
  snprintf(text, sizeof(text), "%d", n);
  // ok: c.returns-local-array
  return text;
}

void frames(int n) {
  // ok: c.alloca-in-loop
  char *one = alloca(10);
  for (int i = 0; i < n; i++) {
    // ruleid: c.alloca-in-loop
    char *p = alloca(10);
  }
}
