// A PostgreSQL server for tests in Python: prints the URL of an empty store, ends with its standard input.

#include <cstdio>

#include "wrench/storage/testing/postgres_server.hpp"

int main() {
  auto& server = wrench::storage::testing::PostgresServer::shared();
  std::printf("%s\n", server.tcp_url(server.new_schema_url()).c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
