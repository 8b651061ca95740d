#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item { int id; char name[16]; };

size_t statistics(char *buf, size_t size, int full, int n) {
  size_t len = 0;
  // ok: c.snprintf-length-accumulates
  len += snprintf(buf + len, size - len, "items: %d\n", n);
  if (full) {
    // ruleid: c.snprintf-length-accumulates
    len += snprintf(buf + len, size - len, "more: %d\n", n);
  }
  for (int i = 0; i < n; i++) {
    if (len >= size) break;
    // ok: c.snprintf-length-accumulates
    len += snprintf(buf + len, size - len, "%d\n", i);
  }
  if (len < size) {
    // ok: c.snprintf-length-accumulates
    len += snprintf(buf + len, size - len, "end\n");
  }
  // ruleid: c.snprintf-length-accumulates
  len += snprintf(&buf[len], size - len, "%d\n", n);
  return len;
}

int words(const char *text, unsigned char *bytes, int c) {
  int n = 0;
  char first = text[0];
  // ruleid: c.character-class-of-char
  while (*text && isspace(*text)) text++;
  // ruleid: c.character-class-of-char
  if (isdigit(text[n])) n++;
  // ruleid: c.character-class-of-char
  if (isupper(first)) n++;
  // ok: c.character-class-of-char
  if (isspace((unsigned char)*text)) n++;
  // ok: c.character-class-of-char
  if (isspace(*bytes)) n++;
  // ok: c.character-class-of-char
  if (isspace(c)) n++;
  return n;
}

void checks(struct item *item, int n) {
  // ruleid: c.assert-with-side-effect
  assert(n++ < 10);
  // ruleid: c.assert-with-side-effect
  assert((item = find(n)) != NULL);
  // ok: c.assert-with-side-effect
  assert(item->id == n);
  // ok: c.assert-with-side-effect
  assert(item->id <= n + 1);
}

void lines(FILE *f, char *other) {
  char line[80];
  while (fgets(line, sizeof(line), f)) {
    // ruleid: c.newline-cut-off-unchecked
    line[strlen(line) - 1] = '\0';
    // ok: c.newline-cut-off-unchecked
    line[strcspn(line, "\n")] = '\0';
    // ok: c.newline-cut-off-unchecked
    if (line[0] != '\0') line[strlen(line) - 1] = '\0';
    // ok: c.newline-cut-off-unchecked
    line[strlen(line) - 1] = '.';
    // ok: c.newline-cut-off-unchecked
    other[strlen(other) - 1] = '\0';
  }
}

void copies(const char *name, char *path, const char *file) {
  char text[64];
  // ruleid: c.strcpy-into-local-array
  strcpy(text, name);
  // ok: c.strcpy-into-local-array
  strcpy(text, "name");
  // ok: c.strcpy-into-local-array
  if (strlen(path) < sizeof(text)) strcpy(text, path);
  if (strlen(file) >= sizeof(text)) return;
  // ok: c.strcpy-into-local-array
  strcpy(text, file);
}

void bounded(struct item *item, const char *name) {
  char text[64];
  char prompt[64];
  // ruleid: c.strncpy-unterminated
  strncpy(item->name, name, sizeof(item->name));
  // ok: c.strncpy-unterminated
  strncpy(text, name, sizeof(text));
  text[sizeof(text) - 1] = '\0';
  // ok: c.strncpy-unterminated
  strncpy(prompt, "> ", sizeof(prompt));
}

struct item *create(const char *name, size_t n) {
  // ruleid: c.allocation-used-unchecked
  struct item *item = malloc(sizeof(*item));
  item->id = 1;
  // ruleid: c.allocation-used-unchecked
  char *copy = malloc(n);
  memcpy(copy, name, n);
  // ok: c.allocation-used-unchecked
  struct item *other = malloc(sizeof(*other));
  if (!other) return NULL;
  other->id = 2;
  char **list;
  // ok: c.allocation-used-unchecked
  if (!(list = malloc(sizeof(*list)))) return NULL;
  list[0] = NULL;
  // ok: c.allocation-used-unchecked
  char *mine = xmalloc(n);
  memcpy(mine, name, n);
  return item;
}
