#include <stdio.h>
#include <string.h>

void conditions(int x, char *p, char *q) {
  // ruleid: c.assignment-in-condition
  if (x = 1) {
    puts("one");
  }
  // ok: c.assignment-in-condition
  if (x == 1) {
    puts("one");
  }
  // ok: c.assignment-in-condition
  while (x = next(p)) {
    puts("next");
  }
  // ruleid: c.strcmp-against-one
  if (strcmp(p, q) == 1) puts("after");
  // ok: c.strcmp-against-one
  if (strcmp(p, q) > 0) puts("after");
  // ruleid: c.sizeof-of-sizeof
  size_t n = sizeof(sizeof(x));
  // ok: c.sizeof-of-sizeof
  size_t m = sizeof(x);
  // ruleid: c.same-operands
  if (x == x) puts("always");
  // ok: c.same-operands
  if (x != x) puts("not a number");
  // ok: c.same-operands
  if (x == n) puts("perhaps");
}

void lines(FILE *f) {
  char line[80];
  // ruleid: c.feof-controls-loop
  while (!feof(f)) {
    fgets(line, sizeof(line), f);
    puts(line);
  }
  // ok: c.feof-controls-loop
  while (!feof(f)) {
    if (!fgets(line, sizeof(line), f)) break;
    puts(line);
  }
}

void chars(FILE *f) {
  char c;
  int d;
  // ruleid: c.eof-in-char
  while ((c = getc(f)) != EOF) {
    putchar(c);
  }
  // ok: c.eof-in-char
  while ((d = getc(f)) != EOF) {
    putchar(d);
  }
}

int count(const char *s, char *out, char **parts, int n) {
  int spaces = 0;
  // ruleid: c.strlen-in-loop-condition
  for (size_t i = 0; i < strlen(s); i++) {
    if (s[i] == ' ') spaces++;
  }
  size_t length = strlen(s);
  // ok: c.strlen-in-loop-condition
  for (size_t i = 0; i < length; i++) {
    if (s[i] == ' ') spaces++;
  }
  for (int i = 0; i < n; i++) {
    // ruleid: c.strcat-in-loop
    strcat(out, parts[i]);
  }
  // ok: c.strcat-in-loop
  strcat(out, s);
  return spaces;
}

long number(const char *s) {
  // ruleid: c.errno-not-cleared
  long n = strtol(s, NULL, 10);
  if (errno == ERANGE) {
    return -1;
  }
  return n;
}

long cleared(const char *s) {
  errno = 0;
  // ok: c.errno-not-cleared
  long n = strtol(s, NULL, 10);
  if (errno == ERANGE) {
    return -1;
  }
  return n;
}
