#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int steps(int n) {
  int i = 0;
  // ruleid: c.endless-loop
  while (i >= 0) {
    printf("%d\n", i);
    i = (i + 1) % 256;
  }
  return n;
}

static int is_positive(int a) { return a > 0; }

void calls(void) {
  // ruleid: c.endless-loop
  while (is_positive(1)) puts("again");
}

int ends(int n, int wanted) {
  // ok: c.endless-loop
  for (int i = 0; i < n; i++) printf("%d", i);
  int left = 100;
  // ok: c.endless-loop
  while (left > 0) left--;
  // ok: c.endless-loop
  while (1) puts("a server");
  return wanted;
}

int leaves(const int *list) {
  int i = 0;
  // ok: c.endless-loop
  while (i >= 0) {
    if (list[i] == 0) return i;
    i = (i + 1) % 256;
  }
  return 0;
}

int sum(int *list, int size, int index) {
  if (index == size) index = 0;
  // ruleid: c.endless-recursion
  return list[index] + sum(list, size, index + 1);
}

int factorial(int n) {
  if (n < 2) return 1;
  // ok: c.endless-recursion
  return n * factorial(n - 1);
}

void give_up(int n) {
  if (n == 0) exit(1);
  // ok: c.endless-recursion
  give_up(n - 1);
}

void fits(void) {
  int large = INT_MAX;
  // ruleid: c.number-overflow
  large = large + 1;
  unsigned none = 0;
  // ruleid: c.number-underflow
  none--;
  char small = CHAR_MIN;
  // ruleid: c.number-underflow
  char less = small - 1;
  // ok: c.number-underflow
  int wide = small - 1;
  // ok: c.number-overflow
  unsigned all = -1;
  printf("%d %u %d %d %u", large, none, less, wide, all);
}

void addresses(void) {
  long number = strtol(getenv("A"), NULL, 10);
  int *pointer = (int *)number;
  // ruleid: c.external-pointer
  printf("%d", *pointer);
  char *word;
  scanf("%ms", &word);
  // ok: c.external-pointer
  putchar(word[0]);
}

void allocations(void) {
  unsigned size;
  scanf("%u", &size);
  // ruleid: c.external-allocation-size
  char *memory = malloc(size);
  free(memory);
  if (size > 4096) return;
  // ok: c.external-allocation-size
  memory = malloc(size);
  free(memory);
}

static int counter, other, last;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void *count(void *unused) {
  // ruleid: c.unlocked-shared-write
  counter++;
  return unused;
}

void *count_alone(void *unused) {
  // ok: c.unlocked-shared-write
  other++;
  return unused;
}

void *count_locked(void *unused) {
  pthread_mutex_lock(&mutex);
  // ok: c.unlocked-shared-write
  last++;
  pthread_mutex_unlock(&mutex);
  return unused;
}

void start(void) {
  pthread_t threads[6];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, count, NULL);
  pthread_create(&threads[2], NULL, count_alone, NULL);
  pthread_create(&threads[3], NULL, count_locked, NULL);
  pthread_create(&threads[4], NULL, count_locked, NULL);
}

int failures(const char *path) {
  char line[100];
  // ruleid: c.pointer-compared-as-number
  if (fgets(line, sizeof line, stdin) < 0) return 1;
  // ok: c.pointer-compared-as-number
  if (fgets(line, sizeof line, stdin) == NULL) return 1;
  FILE *file = fopen(path, "r");
  // ruleid: c.pointer-compared-as-number
  if (file == -1) return 1;
  int length = strlen(path);
  // ok: c.pointer-compared-as-number
  if (length < 0) return 1;
  return 0;
}

static char *history;

int keeps(void) {
  // ok: c.memory-leak
  history = malloc(10);
  if (history == NULL) return 1;
  return 0;
}

void assembled(void) {
  unsigned low;
  __asm__ volatile("rdtsc" : "=a"(low));
  // ok: c.uninitialised-use
  printf("%u", low);
  int unused;
  // ok: c.uninitialised-use
  (void)unused;
}

void counted(int wanted) {
  int table[10] = {0};
  int count = 0;
  for (int i = 0; i < 20; i++)
    if (i == wanted) count++;
  // ok: c.buffer-overread
  printf("%d", table[count]);
}
