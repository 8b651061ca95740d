#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct node *make(void) {
  // ruleid: c.sizeof-pointer-allocation
  struct node *first = malloc(sizeof(first));
  // ok: c.sizeof-pointer-allocation
  struct node *second = malloc(sizeof(*second));
  // ok: c.sizeof-pointer-allocation
  struct node *third = malloc(sizeof(struct node));
  return first;
}

int decide(int a, int b, const char *name) {
  // ruleid: c.string-compared-by-address
  if (name == "root") return 1;
  // ok: c.string-compared-by-address
  if (strcmp(name, "root") == 0) return 1;
  size_t room = a - b;
  // ruleid: c.unsigned-below-zero
  if (room < 0) return 1;
  // ok: c.unsigned-below-zero
  if (a < 0) return 1;
  return 0;
}
