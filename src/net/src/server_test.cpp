#include "wrench/net/server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace wrench::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { ::close(fd_); }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&&) = delete;

  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// Until the answer ends with `end`, or with the connection.
  std::string read(std::string_view end = "") {
    std::string out;
    char buffer[4096];
    while (end.empty() || !out.ends_with(end)) {
      const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
      if (size <= 0) return size < 0 ? out + " (timeout)" : out;
      out.append(buffer, static_cast<std::size_t>(size));
    }
    return out;
  }
  std::string ask(std::string_view path, std::string_view end) {
    send("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return read(end);
  }

 private:
  int fd_;
};

class ServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Server> start(ServerConfig config = {}) {
    auto server = Server::start(
        std::move(config), [](const RequestHead&, const std::string&) { return Admission{1 << 20, std::nullopt}; },
        [this](std::unique_ptr<Request> request, Reply reply) { serve(std::move(request), std::move(reply)); }, clock_);
    EXPECT_TRUE(server.ok()) << describe(server.error());
    return std::move(*server);
  }
  void serve(std::unique_ptr<Request> request, Reply reply) {
    const std::string_view path = request->head.path;
    if (path == "/later") {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(reply));
      return;
    }
    if (path == "/dropped") return;
    Response out{
        .status = 200, .content_type = "text/plain", .body = std::string(path) + "." + request->body, .fields = {}};
    if (path == "/large") out.body = std::string(8 << 20, 'x') + "end";
    reply(std::move(out));
  }
  void answer_all() {
    std::vector<Reply> replies;
    {
      const std::lock_guard lock(mutex_);
      replies.swap(waiting_);
    }
    for (Reply& reply : replies) reply({.status = 200, .content_type = "text/plain", .body = "late.", .fields = {}});
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  template <class F>
  static bool eventually(F&& is_so) {
    for (int i = 0; i < 1000; ++i) {
      if (is_so()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  SystemClock clock_;
  std::mutex mutex_;
  std::vector<Reply> waiting_;
};

TEST_F(ServerTest, AnswersOneConnectionManyTimes) {
  const auto server = start();
  Client client(server->port());
  for (int i = 0; i < 100; ++i) EXPECT_THAT(client.ask("/a", "/a."), StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_TRUE(eventually([&] { return server->stats().requests == 100; }));
  EXPECT_EQ(server->stats().accepted, 1U);
}

TEST_F(ServerTest, AnswersOfOtherThreadsComeBackInOrder) {
  const auto server = start();
  Client client(server->port());
  client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  answer_all();
  EXPECT_THAT(client.read("/b."), HasSubstr("late.HTTP/1.1 200"));
}

TEST_F(ServerTest, WhoIsGoneMissesTheAnswer) {
  const auto server = start();
  {
    Client client(server->port());
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  }
  answer_all();
  EXPECT_TRUE(eventually([&] { return server->stats().open == 0; }));
  EXPECT_THAT(Client(server->port()).ask("/a", "/a."), EndsWith("/a."));
}

TEST_F(ServerTest, AReplyMayOutliveTheServer) {
  auto server = start();
  Client client(server->port());
  client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  server.reset();
  answer_all();
  EXPECT_EQ(client.read(), "");
}

TEST_F(ServerTest, ARequestThatIsDroppedIsAnswered) {
  const auto server = start();
  Client client(server->port());
  EXPECT_THAT(client.ask("/dropped", "}\n"), StartsWith("HTTP/1.1 500 "));
}

TEST_F(ServerTest, SendsMoreThanASocketTakes) {
  const auto server = start();
  Client client(server->port());
  EXPECT_GT(client.ask("/large", "end").size(), std::size_t{8} << 20);
  EXPECT_THAT(client.ask("/a", "/a."), EndsWith("/a."));
}

TEST_F(ServerTest, RefusesAndCloses) {
  const auto server = start();
  Client client(server->port());
  client.send("GET / HTTP/1.1\nHost: h\n\n");
  const std::string out = client.read();
  EXPECT_THAT(out, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(out, HasSubstr("\"row\":\"G3\""));
}

TEST_F(ServerTest, SlowConnectionsAreClosedWhileOthersAreServed) {
  ServerConfig config;
  config.limits.head_us = 300 * kMicrosPerMs;
  const auto server = start(std::move(config));
  std::vector<Client> slow;
  for (int i = 0; i < 100; ++i) {
    slow.emplace_back(server->port());
    slow.back().send("GET / HT");
  }
  Client client(server->port());
  EXPECT_THAT(client.ask("/a", "/a."), EndsWith("/a."));
  for (Client& one : slow) EXPECT_THAT(one.read(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(client.ask("/a", "/a."), EndsWith("/a."));
  EXPECT_TRUE(eventually([&] { return server->stats().timed_out == 100; }));
}

TEST_F(ServerTest, MakesRoomByClosingWhoIsIdleAndRefusesOtherwise) {
  ServerConfig config;
  config.connections_max = 2;
  const auto server = start(std::move(config));
  Client idle(server->port());
  idle.ask("/a", "/a.");
  Client busy(server->port());
  busy.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  Client third(server->port());
  third.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(idle.read(), "") << "closed";
  ASSERT_TRUE(eventually([&] { return waiting() == 2; }));
  Client fourth(server->port());
  EXPECT_THAT(fourth.read(), StartsWith("HTTP/1.1 503 "));
  answer_all();
  EXPECT_THAT(third.read("late."), EndsWith("late."));
}

TEST_F(ServerTest, WithoutDescriptorsItRefusesAndGoesOnLater) {
  const auto server = start();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 200;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> taken;
  for (int fd = 0; (fd = ::dup(STDERR_FILENO)) >= 0;) taken.push_back(fd);
  ::close(taken.back());  // For the client.
  taken.pop_back();
  std::vector<std::string> answers;
  for (int i = 0; i < 3; ++i) answers.push_back(Client(server->port()).read());
  for (const int fd : taken) ::close(fd);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const std::string& answer : answers) EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Client(server->port()).ask("/a", "/a."), EndsWith("/a."));
  EXPECT_EQ(server->stats().refused, 3U);
}

TEST_F(ServerTest, DrainsWhatWasAsked) {
  const auto server = start();
  Client idle(server->port());
  idle.ask("/a", "/a.");
  Client busy(server->port());
  busy.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  EXPECT_FALSE(server->drain(50 * kMicrosPerMs)) << "somebody waits";
  EXPECT_EQ(idle.read(), "");
  answer_all();
  const std::string out = busy.read();
  EXPECT_THAT(out, EndsWith("late."));
  EXPECT_THAT(out, HasSubstr("Connection: close"));
  EXPECT_TRUE(server->drain(5 * kMicrosPerSecond));
}

TEST_F(ServerTest, SaysWhyItCantListen) {
  const auto server = start();
  ServerConfig config;
  config.port = server->port();
  const auto again = Server::start(config, {}, {}, clock_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, "net.in_use");
  config.address = "localhost";
  EXPECT_EQ(Server::start(config, {}, {}, clock_).error().code, "net.address");
}

}  // namespace
}  // namespace wrench::net
