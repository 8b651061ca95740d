#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

void take(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  if (q->used == 0) {
    // ruleid: c.wait-without-loop
    pthread_cond_wait(&q->ready, &q->lock);
  }
  while (q->used == 0) {
    // ok: c.wait-without-loop
    pthread_cond_wait(&q->ready, &q->lock);
  }
  pthread_mutex_unlock(&q->lock);
  while (!stop) {
    if (q->used == 0)
      // ok: c.wait-without-loop
      pthread_cond_wait(&q->ready, &q->lock);
  }
}

int put(struct queue *q, int x) {
  // ruleid: c.return-with-lock
  pthread_mutex_lock(&q->lock);
  if (q->used == q->size) {
    return -1;
  }
  q->items[q->used++] = x;
  pthread_mutex_unlock(&q->lock);
  return 0;
}

int put_well(struct queue *q, int x) {
  // ok: c.return-with-lock
  pthread_mutex_lock(&q->lock);
  if (q->used == q->size) {
    pthread_mutex_unlock(&q->lock);
    return -1;
  }
  q->items[q->used++] = x;
  pthread_mutex_unlock(&q->lock);
  return 0;
}

int put_checked(struct queue *q, int x) {
  // ok: c.return-with-lock
  int failed = pthread_mutex_lock(&q->lock);
  if (failed != 0) {
    return -1;
  }
  q->items[q->used++] = x;
  pthread_mutex_unlock(&q->lock);
  return 0;
}

int put_after(struct queue *q, int x) {
  // ok: c.return-with-lock
  pthread_mutex_lock(&q->lock);
  q->items[q->used++] = x;
  pthread_mutex_unlock(&q->lock);
  if (x < 0) {
    return -1;
  }
  return 0;
}

void rest(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  // ruleid: c.sleep-with-lock
  sleep(1);
  pthread_mutex_unlock(&q->lock);
  // ok: c.sleep-with-lock
  sleep(1);
  pthread_mutex_lock(&q->lock);
  q->used = 0;
  pthread_mutex_unlock(&q->lock);
}

int *collect(FILE *in) {
  int *all = NULL, n = 0, size = 0, x;
  while (fscanf(in, "%d", &x) == 1) {
    // ruleid: c.buffer-grows-by-one
    all = realloc(all, (n + 1) * sizeof(int));
    all[n++] = x;
    if (n == size) {
      size *= 2;
      // ok: c.buffer-grows-by-one
      all = realloc(all, size * sizeof(int));
    }
  }
  // ok: c.buffer-grows-by-one
  return realloc(all, (n + 1) * sizeof(int));
}

static void sig_handler(int sig) {
  // ruleid: c.signal-handler-not-safe
  printf("signal %d\n", sig);
  // ok: c.signal-handler-not-safe
  stop = 1;
  // ok: c.signal-handler-not-safe
  _exit(1);
}

static void report(int sig) {
  // ok: c.signal-handler-not-safe
  printf("signal %d\n", sig);
}
