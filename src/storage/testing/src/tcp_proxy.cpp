#include "wrench/storage/testing/tcp_proxy.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::storage::testing {
namespace {

constexpr int kPollMs = 5;
constexpr int kBacklog = 64;
constexpr std::size_t kChunk = 64 * 1024;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

Result<std::unique_ptr<TcpProxy>> TcpProxy::start(int server_port) {
  std::unique_ptr<TcpProxy> proxy(new TcpProxy);
  proxy->server_port_ = server_port;
  proxy->listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(proxy->listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(proxy->listener_, kBacklog) != 0 ||
      ::getsockname(proxy->listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return errno_error(errno, "listen on 127.0.0.1");
  proxy->port_ = ntohs(address.sin_port);
  proxy->thread_ = std::thread([raw = proxy.get()] { raw->run(); });
  return proxy;
}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  for (Pair& pair : pairs_) close_both(pair);
  ::close(listener_);
}

void TcpProxy::cut_at(std::string text, Cut how) {
  const std::lock_guard lock(mutex_);
  wanted_ = Wanted{std::move(text), how};
}

void TcpProxy::release() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) {
    if (pair.held.empty()) continue;
    send_all(pair.server, pair.held);
    pair.held.clear();
    ::shutdown(pair.server, SHUT_WR);
  }
}

void TcpProxy::drop() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_)
    if (!pair.held.empty()) close_both(pair);
}

void TcpProxy::refuse(Present present) {
  const std::lock_guard lock(mutex_);
  refusing_ = true;
  if (present == Present::Close)
    for (Pair& pair : pairs_) close_both(pair);
}

void TcpProxy::accept_again() {
  const std::lock_guard lock(mutex_);
  refusing_ = false;
}

void TcpProxy::rewrite_answers(std::string from, std::string to) {
  const std::lock_guard lock(mutex_);
  rewrites_.emplace_back(std::move(from), std::move(to));
}

void TcpProxy::end_after_answer(std::string tag) {
  const std::lock_guard lock(mutex_);
  last_answer_ = std::move(tag);
}

void TcpProxy::invent_backend_pids() {
  const std::lock_guard lock(mutex_);
  invents_pids_ = true;
}

void TcpProxy::run() {
  while (!stopping_) {
    std::vector<pollfd> waiting = {{.fd = listener_, .events = POLLIN, .revents = 0}};
    std::vector<std::pair<Pair*, bool>> whose = {{nullptr, false}};
    {
      const std::lock_guard lock(mutex_);
      pairs_.remove_if([](const Pair& pair) { return pair.client < 0 && pair.server < 0; });
      for (Pair& pair : pairs_)
        for (const bool client : {true, false}) {
          const int fd = client ? pair.client : pair.server;
          if (fd < 0) continue;
          waiting.push_back({.fd = fd, .events = POLLIN, .revents = 0});
          whose.emplace_back(&pair, client);
        }
    }
    if (::poll(waiting.data(), waiting.size(), kPollMs) <= 0) continue;
    const std::lock_guard lock(mutex_);
    if (waiting[0].revents != 0) accept_one();
    for (std::size_t i = 1; i < waiting.size(); ++i) {
      const auto [pair, client] = whose[i];
      // Another of this round may have closed it.
      if (waiting[i].revents != 0 && (client ? pair->client : pair->server) == waiting[i].fd) forward(*pair, client);
    }
  }
}

void TcpProxy::accept_one() {
  Pair pair;
  pair.client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (pair.client < 0) return;
  if (!refusing_) {
    pair.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    if (::connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close_both(pair);
  } else {
    close_both(pair);
  }
  if (pair.client >= 0) pairs_.push_back(std::move(pair));
}

void TcpProxy::forward(Pair& pair, bool is_from_client) {
  std::array<char, kChunk> buffer{};
  const ssize_t got = ::recv(is_from_client ? pair.client : pair.server, buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    if (is_from_client && !pair.held.empty()) return close_client(pair);
    return close_both(pair);
  }
  std::string bytes(buffer.data(), static_cast<std::size_t>(got));
  is_from_client ? from_client(pair, std::move(bytes)) : from_server(pair, std::move(bytes));
}

void TcpProxy::from_client(Pair& pair, std::string bytes) {
  if (pair.server < 0) return;  // The server has ended; the client doesn't know yet.
  if (!wanted_ || bytes.find(wanted_->text) == std::string::npos) return send_all(pair.server, bytes);
  const Cut how = wanted_->how;
  wanted_.reset();
  cuts_.fetch_add(1);
  switch (how) {
    case Cut::Before:
      return close_both(pair);
    case Cut::After:
      send_all(pair.server, bytes);
      // Not a full close: with its answers unread that would reset the connection, and the server might lose the bytes.
      ::shutdown(pair.server, SHUT_WR);
      return close_client(pair);
    case Cut::Hold:
      pair.held = std::move(bytes);
      return close_client(pair);
  }
}

void TcpProxy::from_server(Pair& pair, std::string bytes) {
  if (pair.client < 0) return;  // nobody hears it
  for (const auto& [from, to] : rewrites_) bytes = replace_all(std::move(bytes), from, to);
  // BackendKeyData: 'K', length 12, process id, secret.
  static constexpr std::string_view kKeyData("K\0\0\0\x0c", 5);
  if (const std::size_t at = bytes.find(kKeyData); invents_pids_ && !pair.greeted && at != std::string::npos) {
    pair.greeted = true;
    bytes[at + kKeyData.size()] = '\x11';
  }
  if (last_answer_) {
    // CommandComplete: 'C', length with itself, text, zero (PostgreSQL documentation, 55.7).
    const std::string answer =
        std::string("C\0\0\0", 4) + static_cast<char>(last_answer_->size() + 5) + *last_answer_ + '\0';
    if (const std::size_t at = bytes.find(answer); at != std::string::npos) {
      static constexpr std::string_view kFields("SFATAL\0VFATAL\0C57P01\0Mgoing down\0\0", 34);
      bytes.resize(at + answer.size());
      bytes += std::string("E\0\0\0", 4) + static_cast<char>(kFields.size() + 4) + std::string(kFields);
      last_answer_.reset();
      cuts_.fetch_add(1);  // before the client can know of it
      send_all(pair.client, bytes);
      // Not a full close: with the client's bytes unread that would reset the connection, and the answer might be lost.
      ::shutdown(pair.client, SHUT_WR);
      ::close(std::exchange(pair.server, -1));
      return;
    }
  }
  send_all(pair.client, bytes);
}

void TcpProxy::close_client(Pair& pair) {
  if (pair.client >= 0) ::close(pair.client);
  pair.client = -1;
}

void TcpProxy::close_both(Pair& pair) {
  close_client(pair);
  if (pair.server >= 0) ::close(pair.server);
  pair.server = -1;
  pair.held.clear();
}

void TcpProxy::send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace wrench::storage::testing
