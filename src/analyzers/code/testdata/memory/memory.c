#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sizes(void) {
  char buffer[10];
  for (int i = 0; i <= 10; i++) {
    // ruleid: c.buffer-overflow
    buffer[i] = 'a';
  }
  for (int i = 0; i < 10; i++) {
    // ok: c.buffer-overflow
    buffer[i] = 'a';
  }
  char small[4];
  // ruleid: c.buffer-overflow
  strcpy(small, "four");
  // ok: c.buffer-overflow
  strcpy(small, "two");
  char text[] = "abc";
  // ruleid: c.buffer-overread
  putchar(text[4]);
  // ok: c.buffer-overread
  putchar(text[3]);
}

void copies(const char *from, int n) {
  char *to = malloc(100);
  if (to == NULL) return;
  // ruleid: c.buffer-overflow
  memcpy(to, from, 101);
  // ok: c.buffer-overflow
  memcpy(to, from, 100);
  // ok: c.buffer-overflow
  memcpy(to, from, n);
  char *before = to - 8;
  // ruleid: c.buffer-underwrite
  strncpy(before, from, 4);
  // ruleid: c.buffer-underread
  putchar(before[0]);
  // ruleid: c.free-inside
  free(to + 1);
}

void outside(void) {
  int index;
  int table[10] = {0};
  if (scanf("%d", &index) != 1) return;
  if (index >= 0) {
    // ruleid: c.buffer-overread
    printf("%d", table[index]);
  }
  if (index < 10) {
    // ruleid: c.buffer-underread
    printf("%d", table[index]);
  }
  if (index >= 0 && index < 10) {
    // ok: c.buffer-overread
    printf("%d", table[index]);
    // ruleid: c.division-by-zero
    printf("%d", 100 / index);
  }
  if (index != 0) {
    // ok: c.division-by-zero
    printf("%d", 100 / index);
  }
}

void numbers(void) {
  int count = 0;
  fscanf(stdin, "%d", &count);
  // ruleid: c.external-number-overflow
  int more = count + 1;
  // ruleid: c.external-number-underflow
  int fewer = count - 1;
  // ruleid: c.negative-size
  char *memory = malloc(count);
  if (count > 0 && count < 1000) {
    // ok: c.external-number-overflow
    more = count + 1;
    // ok: c.negative-size
    char *checked = malloc(count);
    free(checked);
  }
  free(memory);
}

int nulls(int kind) {
  int *pointer = NULL;
  if (kind == 2) {
    // ruleid: c.null-dereference
    return *pointer;
  }
  if (kind == 1) pointer = &kind;
  if (pointer != NULL) {
    // ok: c.null-dereference
    return *pointer;
  }
  char *memory = malloc(10);
  // ruleid: c.unchecked-pointer
  memory[0] = 'a';
  free(memory);
  char *checked = malloc(10);
  if (!checked) return 1;
  // ok: c.unchecked-pointer
  checked[0] = 'a';
  free(checked);
  return 0;
}

void freed(int again) {
  char *memory = malloc(10);
  if (memory == NULL) return;
  memory[0] = 'a';
  free(memory);
  // ruleid: c.use-after-free
  putchar(memory[0]);
  if (again) {
    // ruleid: c.double-free
    free(memory);
  }
  memory = NULL;
  // ok: c.double-free
  free(memory);
  char local[10];
  char *alias = local;
  // ruleid: c.free-of-no-heap
  free(alias);
}

char *leaks(int size) {
  char *memory = malloc(100);
  if (memory == NULL) return NULL;
  if (size > 100) {
    // ruleid: c.memory-leak
    return NULL;
  }
  // ok: c.memory-leak
  return memory;
}

struct list {
  char *memory;
};

void kept(struct list *list) {
  char *memory = malloc(100);
  if (memory == NULL) return;
  list->memory = memory;
  // ok: c.memory-leak
}

int unset(int kind) {
  int value;
  // ruleid: c.uninitialised-use
  printf("%d", value);
  int sometimes;
  if (kind) sometimes = 1;
  // ok: c.uninitialised-use
  if (kind) printf("%d", sometimes);
  int other;
  if (kind) other = 1;
  else other = 2;
  // ok: c.uninitialised-use
  printf("%d", other);
  int filled;
  // ok: c.uninitialised-use
  scanf("%d", &filled);
  int table[4];
  // ruleid: c.uninitialised-use
  int first = table[0];
  return first + filled;
}

static void release(char *memory) { free(memory); }

static char *fetch(int size) { return malloc(size); }

void across(void) {
  char *memory = fetch(8);
  if (memory == NULL) return;
  // ruleid: c.buffer-overflow
  memset(memory, 0, 9);
  release(memory);
  // ruleid: c.use-after-free
  memory[0] = 'a';
}

void unknown(char *given, int n) {
  // ok: c.null-dereference
  given[n] = 'a';
  char *line = lookup(given);
  // ok: c.unchecked-pointer
  line[0] = 'b';
  for (int i = 0; i < n; i++) {
    // ok: c.buffer-overflow
    given[i] = 'c';
  }
}

union number {
  int whole;
  int same;
};

struct pair {
  int first, second;
};

void members(struct pair given) {
  int table[10] = {0};
  union number number;
  number.whole = 10;
  // ruleid: c.buffer-overread
  printf("%d", table[number.same]);
  struct pair pair;
  pair.first = 10;
  pair.second = 9;
  // ruleid: c.buffer-overread
  printf("%d", table[pair.first]);
  // ok: c.buffer-overread
  printf("%d", table[pair.second]);
  pair = given;
  // ok: c.buffer-overread
  printf("%d", table[pair.first]);
  struct pair seen;
  seen.first = 10;
  change(&seen);
  // ok: c.buffer-overread
  printf("%d", table[seen.first]);
}

void blocks(void) {
  int index = 3;
  int *pointer = &index;
  int table[4] = {0};
  {
    int index = *pointer;
    index = 4;
    *pointer = index;
  }
  {
    int index = *pointer;
    // ruleid: c.buffer-overread
    printf("%d", table[index]);
  }
  {
    int index = 0;
    // ok: c.buffer-overread
    printf("%d", table[index]);
  }
}

int calls_before(void) {
  static unsigned calls = 0;
  // ok: c.number-underflow
  calls--;
  static char *kept;
  // ok: c.memory-leak
  kept = malloc(10);
  static char text[] = "abc";
  static int table[10];
  // ok: c.uninitialised-use
  return table[0] + (kept != NULL) + text[0];
}
