#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 10
#define TWICE (2 * SIZE_OF_ROW)
#define release(p) free(p)
#define LINE buffer
#define outside_number() (atoi(getenv("N")) ^ 1)
#define both(a, b) ((a) + (b))
#define grown(p, n) realloc((p), (n))
#ifdef _WIN32
#define take _malloc
#else
#define take malloc
#endif

void sizes(void) {
  char buffer[SIZE];
  // ruleid: c.buffer-overflow
  buffer[SIZE] = 'a';
  // ok: c.buffer-overflow
  buffer[SIZE - 1] = 'a';
  // ruleid: c.buffer-overflow
  strcpy(LINE, "0123456789");
  // ok: c.buffer-overflow
  strcpy(LINE, "012345678");
}

void names(void) {
  char *memory = take(10);
  // ruleid: c.unchecked-pointer
  memory[0] = 'a';
  release(memory);
  // ruleid: c.use-after-free
  putchar(memory[0]);
}

void values(void) {
  int table[10] = {0};
  int index = outside_number();
  if (index >= 0) {
    // ruleid: c.buffer-overread
    printf("%d", table[index]);
  }
  if (index >= 0 && index < SIZE) {
    // ok: c.buffer-overread
    printf("%d", table[index]);
  }
  int sum = both(4, 6);
  // ruleid: c.buffer-overread
  printf("%d", table[sum]);
  // ok: c.buffer-overread
  printf("%d", table[both(4, 5)]);
}
