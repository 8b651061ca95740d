#include <stdio.h>
#include "local.h"
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#ifdef DEBUG
static int debug_level = 1, *other;
#else
extern int debug_level;
#endif
typedef struct node { int value; struct node *next; char name[16]; } node_t;
enum color { RED, GREEN = 2 };
union u { int i; float f; };
static const char *names[2] = {"a", "b" "c"};
int (*callback)(int, void *);
unsigned long long count(const node_t *head, ...);

static int *walk(node_t *head, int (*visit)(node_t *), unsigned flags[]) {
  for (int i = 0; head != NULL && i < 10; i++, head = head->next) {
    if (!visit(head)) continue; else if (head->value & 1) break; else { goto out; }
  }
  while (--count) { (*head).value += sizeof(int) * sizeof head; }
  do { x = y = 1; } while (0);
  switch (flags[0]) { case RED: case 2: puts("x"); break; default: return (int *)malloc(4); }
out:
  free(&head), head = (struct node){.value = 'c', .next = 0};
  ;
  return flags ? &a[1] : NULL;
}
