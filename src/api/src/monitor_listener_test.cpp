#include "wrench/api/monitor_listener.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace wrench::api {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ask(std::uint16_t port, std::string_view method, std::string_view path,
                std::string_view host = "localhost") {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  const std::string request = std::string(method) + " " + std::string(path) +
                              " HTTP/1.1\r\nHost: " + std::string(host) + "\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  std::string out;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
    out.append(buffer, static_cast<std::size_t>(size));
  ::close(fd);
  return out;
}

class MonitorListenerTest : public ::testing::Test {
 protected:
  std::unique_ptr<MonitorListener> start() {
    auto listener = MonitorListener::start(
        "127.0.0.1", 0,
        {.metrics = [this]() -> Result<std::string> {
           if (metrics_.empty()) return Error("storage.unreachable", "a secret host is away");
           return metrics_;
         },
         .readiness = [this] { return std::vector<ReadinessCheck>{{"store", fault_}, {"disk", std::nullopt}}; }},
        clock_);
    EXPECT_TRUE(listener.ok()) << describe(listener.error());
    return std::move(*listener);
  }
  SystemClock clock_;
  std::string metrics_ = "a_total 1\n";
  std::optional<Error> fault_;
};

TEST_F(MonitorListenerTest, SaysThatItLives) {
  const auto listener = start();
  for (const char* path : {"/health", "/livez", "/health/"}) {
    const std::string out = ask(listener->port(), "GET", path);
    EXPECT_THAT(out, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(out, EndsWith("\r\n\r\n{\"status\":\"healthy\"}\n"));
    EXPECT_THAT(out, HasSubstr("X-Content-Type-Options: nosniff"));
  }
}

TEST_F(MonitorListenerTest, GivesMetrics) {
  const auto listener = start();
  const std::string out = ask(listener->port(), "GET", "/metrics");
  EXPECT_THAT(out, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(out, HasSubstr("\r\n\r\na_total 1\n# HELP wrench_monitoring_connections "));
  EXPECT_THAT(out, HasSubstr("\nwrench_monitoring_connections 1\n"));
  EXPECT_THAT(ask(listener->port(), "GET", "/metrics"), ContainsRegex("\nwrench_monitoring_requests_total [12]\n"));
  EXPECT_THAT(out, HasSubstr("\nwrench_monitoring_refused_total 0\n"));
  EXPECT_THAT(out, HasSubstr("\nwrench_monitoring_timed_out_total 0\n"));
}

TEST_F(MonitorListenerTest, SaysByCodeAloneWhyThereAreNoMetrics) {
  metrics_.clear();
  const auto listener = start();
  const std::string out = ask(listener->port(), "GET", "/metrics");
  EXPECT_THAT(out, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(out, HasSubstr("storage.unreachable"));
  EXPECT_EQ(out.find("secret"), std::string::npos);
}

TEST_F(MonitorListenerTest, SaysWhetherItIsReady) {
  const auto listener = start();
  std::string out = ask(listener->port(), "GET", "/readyz");
  EXPECT_THAT(out, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(out, HasSubstr("{\"name\":\"store\",\"status\":\"ok\",\"code\":\"\"}"));
  fault_ = Error("storage.full", "no space on a secret disk");
  out = ask(listener->port(), "GET", "/readyz");
  EXPECT_THAT(out, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(out, HasSubstr("{\"name\":\"store\",\"status\":\"failed\",\"code\":\"storage.full\"}"));
  EXPECT_EQ(out.find("secret"), std::string::npos);
  fault_.reset();
  listener->say_that_it_ends();
  out = ask(listener->port(), "GET", "/readyz");
  EXPECT_THAT(out, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(out, HasSubstr("\"ending\""));
}

TEST_F(MonitorListenerTest, IsNotForPagesThatCallThemselvesByItsAddress) {
  const auto listener = start();
  EXPECT_THAT(ask(listener->port(), "GET", "/metrics", "evil.example"), StartsWith("HTTP/1.1 421 "));
}

TEST_F(MonitorListenerTest, HasNothingElse) {
  const auto listener = start();
  EXPECT_THAT(ask(listener->port(), "GET", "/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask(listener->port(), "POST", "/metrics"), HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
  EXPECT_THAT(ask(listener->port(), "OPTIONS", "/metrics"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(ask(listener->port(), "HEAD", "/metrics"), EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace wrench::api
