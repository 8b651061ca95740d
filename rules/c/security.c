#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

void formats(char *name, FILE *f, struct user *u) {
  // ruleid: c.format-string
  printf(name);
  // ruleid: c.format-string
  fprintf(f, u->name);
  // ruleid: c.format-string
  syslog(LOG_INFO, name);
  // ok: c.format-string
  printf("%s", name);
  // ok: c.format-string
  printf("done\n");
  // ok: c.format-string
  printf(MESSAGE);
  // ok: c.format-string
  printf(_("translated"));
}

void commands(char *name) {
  char line[100];
  snprintf(line, sizeof(line), "rm %s", name);
  // ruleid: c.shell-command-from-variable
  system(line);
  // ruleid: c.shell-command-from-variable
  FILE *p = popen(line, "r");
  // ruleid: c.shell-command-from-variable
  execl("/bin/sh", "sh", "-c", line, NULL);
  // ok: c.shell-command-from-variable
  system("ls -l");
  // ok: c.shell-command-from-variable
  popen("uptime", "r");
}

void more_commands(const char *configured) {
  // ok: c.shell-command-from-variable
  system(configured);
}

int main(int argc, char **argv) {
  char line[100];
  sprintf(line, "rm %s", argv[1]);
  // ok: c.shell-command-from-variable
  system(line);
}

void numbers(int signal) {
  char line[100];
  snprintf(line, sizeof(line), "kill -9 %d", signal);
  // ok: c.shell-command-from-variable
  system(line);
}

void names(void) {
  char name[] = "/tmp/fooXXXXXX";
  // ruleid: c.predictable-temporary-name
  mktemp(name);
  // ok: c.predictable-temporary-name
  mkstemp(name);
}

void secrets(unsigned char *salt, int n) {
  // ruleid: c.secret-from-rand
  int token = rand() % 1000000;
  for (int i = 0; i < n; i++) {
    // ruleid: c.secret-from-rand
    salt[i] = rand() & 0xff;
  }
  // ok: c.secret-from-rand
  int dice = rand() % 6 + 1;
}

void paths(const char *path) {
  if (access(path, W_OK) == 0) {
    // ruleid: c.check-then-use-of-path
    FILE *f = fopen(path, "w");
  }
  // ok: c.check-then-use-of-path
  FILE *g = fopen(path, "r");
}

void drop(uid_t uid) {
  // ruleid: c.privileges-drop-unchecked
  setuid(uid);
  // ok: c.privileges-drop-unchecked
  if (setuid(uid) != 0) abort();
}

void tls(SSL_CTX *ctx, CURL *curl) {
  // ruleid: c.tls-verification-off
  SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
  // ok: c.tls-verification-off
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  // ruleid: c.tls-verification-off
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  // ok: c.tls-verification-off
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  // ruleid: c.weak-cipher
  EVP_EncryptInit_ex(c, EVP_des_cbc(), NULL, key, iv);
  // ok: c.weak-cipher
  EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv);
}

void modes(const char *path) {
  // ruleid: c.world-writable-file
  chmod(path, 0666);
  // ruleid: c.world-writable-file
  open(path, O_CREAT | O_WRONLY, 0777);
  // ok: c.world-writable-file
  open(path, O_CREAT | O_WRONLY, 0666);
  // ok: c.world-writable-file
  mkdir(path, 0777);
  // ok: c.world-writable-file
  chmod(path, 0644);
  // ruleid: c.umask-zero
  umask(0);
  // ok: c.umask-zero
  umask(022);
}
