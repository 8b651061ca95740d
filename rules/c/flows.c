#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#ifdef _WIN32
#define SHELL_PATH "cmd.exe"
#define RUN _popen
#else
#define SHELL_PATH "/bin/sh"
#define RUN system
#endif
#define COMMAND text

int main(int argc, char *argv[]) {
  char command[256];
  snprintf(command, sizeof command, "ping -c 1 %s", argv[1]);
  // ruleid: c.input-to-command
  system(command);
  snprintf(command, sizeof command, "ping -c %d localhost", atoi(argv[2]));
  // ok: c.input-to-command
  system(command);
  // ok: c.input-to-command
  system("uptime");
  // ok: c.input-to-path
  FILE *given = fopen(argv[1], "r");
  // ok: c.input-to-format
  printf("%s", argv[1]);
  // ruleid: c.input-to-format
  printf(argv[1]);
  return given == NULL;
}

void run(FILE *in, int from) {
  char line[128], command[256] = "convert ";
  if (fgets(line, sizeof line, in) == NULL) return;
  strcat(command, line);
  // ruleid: c.input-to-command
  FILE *out = popen(command, "r");
  char name[64];
  recv(from, name, sizeof name, 0);
  // ruleid: c.input-to-command
  execl("/bin/sh", "sh", "-c", name, NULL);
  // ok: c.input-to-command
  execl("/usr/bin/convert", "convert", name, NULL);
  char tool[64] = "backup --to ";
  strcat(tool, getenv("TARGET"));
  // ruleid: c.input-to-command
  system(tool);
  // ok: c.input-to-command
  system(getenv("EDITOR"));
  pclose(out);
}

int is_valid_host(const char *host);

void checked(void) {
  char host[64], command[128];
  fgets(host, sizeof host, stdin);
  if (!is_valid_host(host)) return;
  sprintf(command, "ping %s", host);
  // ok: c.input-to-command
  system(command);
  char word[64];
  scanf("%63s", word);
  for (int i = 0; word[i]; i++)
    if (!isalnum(word[i])) return;
  sprintf(command, "ping %s", word);
  // ok: c.input-to-command
  system(command);
}

void serve(int peer) {
  char name[64], path[128];
  read(peer, name, sizeof name);
  snprintf(path, sizeof path, "/srv/files/%s", name);
  // ruleid: c.input-to-path
  FILE *file = fopen(path, "r");
  if (strstr(path, "..") != NULL) return;
  // ok: c.input-to-path
  remove(path);
  char plain[128];
  snprintf(plain, sizeof plain, "/srv/files/%d.txt", atoi(name));
  // ok: c.input-to-path
  remove(plain);
  fclose(file);
}

void query(sqlite3 *db) {
  char id[32], sql[128];
  scanf("%31s", id);
  sprintf(sql, "SELECT * FROM users WHERE id = '%s'", id);
  // ruleid: c.input-to-sql
  sqlite3_exec(db, sql, NULL, NULL, NULL);
  char *quoted = sqlite3_mprintf("SELECT * FROM users WHERE id = %Q", id);
  // ok: c.input-to-sql
  sqlite3_exec(db, quoted, NULL, NULL, NULL);
  sqlite3_stmt *statement;
  // ok: c.input-to-sql
  sqlite3_prepare_v2(db, "SELECT * FROM users WHERE id = ?", -1, &statement, NULL);
  int number;
  scanf("%d", &number);
  sprintf(sql, "SELECT * FROM users WHERE id = %d", number);
  // ok: c.input-to-sql
  sqlite3_exec(db, sql, NULL, NULL, NULL);
}

void formats(FILE *in) {
  char text[128];
  fgets(text, sizeof text, in);
  // ruleid: c.input-to-format
  fprintf(stderr, text);
  // ruleid: c.input-to-format
  syslog(LOG_INFO, text);
  // ok: c.input-to-format
  fprintf(stderr, "%s", text);
  // ok: c.input-to-format
  fputs(text, stderr);
}

void through_macros(int from) {
  char text[100] = "ls ";
  size_t used = strlen(text);
  // ok: c.input-to-command
  RUN(COMMAND);
  // What is written behind a part of the buffer is in the buffer.
  recv(from, (char *)(text + used), sizeof text - used - 1, 0);
  // ruleid: c.input-to-command
  RUN(COMMAND);
  // ruleid: c.input-to-command
  execl(SHELL_PATH, "sh", "-c", COMMAND, NULL);
}
