#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define digest_of_file EVP_md5

void results(FILE *file, char *data, size_t size) {
  // ruleid: c.result-unchecked
  fread(data, 1, size, file);
  // ok: c.result-unchecked
  if (fread(data, 1, size, file) != size) return;
  // ruleid: c.result-unchecked
  rename("new", "current");
  // ok: c.result-unchecked
  (void)remove("new");
  // ok: c.result-unchecked
  fwrite(data, 1, size, stdout);
  // ok: c.result-unchecked
  fwrite(data, 1, size, file);
  if (ferror(file)) return;
}

int lengths(int length) {
  char line[100];
  // ruleid: c.printed-length-compared-with-zero
  if (snprintf(line, sizeof line, "%d\n", length) == 0) return 1;
  // ok: c.printed-length-compared-with-zero
  if (snprintf(line, sizeof line, "%d\n", length) < 0) return 1;
  return 0;
}

int walk(int *list, int size, int index) {
  if (index == size) return 0;
  // ruleid: c.recursion-with-old-value
  return walk(list, size, index++);
}

int walk_on(int *list, int size, int index) {
  if (index == size) return 0;
  // ok: c.recursion-with-old-value
  return walk_on(list, size, index + 1);
}

float bits(float number) {
  // ruleid: c.bits-read-as-other-type
  long i = *(long *)&number;
  // ruleid: c.bits-read-as-other-type
  float back = *(float *)&i;
  // ok: c.bits-read-as-other-type
  long same = *(long *)&i;
  return back + same;
}

void steps(int count) {
  // ruleid: c.step-taken-back-in-loop
  for (int i = 0; i < count; i++) {
    puts("again");
    i--;
  }
  // ok: c.step-taken-back-in-loop
  for (int i = 0; i < count; i++) {
    if (getchar() == 'x') i--;
  }
}

void passwords(FILE *file, const char *user, const char *password, const char *password_hash) {
  char sql[200];
  // ruleid: c.password-written-as-it-is
  fprintf(file, "%s:%s\n", user, password);
  // ok: c.password-written-as-it-is
  fprintf(file, "%s:%s\n", user, password_hash);
  // ok: c.password-written-as-it-is
  fprintf(stderr, "wrong: %s\n", password);
  // ruleid: c.password-compared-by-database
  snprintf(sql, sizeof sql, "SELECT id FROM users WHERE name = '%s' AND password = '%s'", user, password);
  // ok: c.password-compared-by-database
  snprintf(sql, sizeof sql, "UPDATE users SET password = '%s'", password_hash);
}

void hashes(EVP_MD_CTX *context) {
  // ruleid: c.weak-hash
  EVP_DigestInit_ex(context, EVP_md5(), NULL);
  // ruleid: c.weak-hash
  EVP_DigestInit_ex(context, digest_of_file(), NULL);
  // ok: c.weak-hash
  EVP_DigestInit_ex(context, EVP_sha256(), NULL);
}

void keys(unsigned char *data, int length) {
  // ruleid: c.hard-coded-key
  unsigned char key[8] = {0x60, 0xb7, 0x25, 0xf1, 0x0c, 0x9c, 0x85, 0xc7};
  // ok: c.hard-coded-key
  unsigned char empty_key[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  // ok: c.hard-coded-key
  unsigned char keys_on_keyboard[4] = {'a', 's', 'd', 'f'};
  encrypt_block(data, length, key);
  encrypt_block(data, length, empty_key);
  show(keys_on_keyboard);
}

int logs_in(const char *password, const char *mode) {
  // ruleid: c.password-in-comparison
  if (strcmp(password, "TopSecret!") == 0) return 1;
  // ok: c.password-in-comparison
  if (strcmp(password, "") == 0) return 0;
  // ok: c.password-in-comparison
  if (strcmp(password, "none") == 0) return 0;
  // ok: c.password-in-comparison
  return strcmp(mode, "password") == 0;
}
