#include "wrench/net/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "http_connection.hpp"

namespace wrench::net {
namespace {

constexpr int kBacklog = 4096;
constexpr int kEventsMax = 32;
constexpr int kServedAtOnce = 16;          ///< Requests of one connection before the others have their turn.
constexpr int kSocketBuffer = 128 * 1024;  ///< Bytes: the kernel would keep megabytes for one that reads nothing.
constexpr std::size_t kAcceptedAtOnce = 64;
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr Micros kLookEvery = 250 * kMicrosPerMs;    ///< At the time that connections take.
constexpr Micros kAcceptPause = 100 * kMicrosPerMs;  ///< When there are no descriptors left.
constexpr std::uint64_t kListener = 0, kWake = 1;    ///< What events are about; else the number of a connection.

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

Error io_error(std::string_view what) { return Error("net.io", std::string(what) + ": " + std::strerror(errno)); }

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> parse_address(const std::string& text, std::uint16_t port) {
  Address out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.size = sizeof *v6;
  } else {
    return Error("net.address", "'" + text + "' is no IPv4 or IPv6 address");
  }
  return out;
}

struct Peer {
  std::string address;
  bool loopback = false;
};

Peer peer_of(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return {text.data(), (ntohl(v4.sin_addr.s_addr) >> 24) == 127};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
  inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return {text.data(), IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0};
}

/// As the field Date wants it (RFC 9110, 5.6.7).
std::string http_date(Micros now) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = now / kMicrosPerSecond;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> out{};
  const int size =
      std::snprintf(out.data(), out.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday], parts.tm_mday,
                    kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {out.data(), static_cast<std::size_t>(size)};
}

/// Answers that come from other threads. Outlives the server as long as somebody may answer.
class Mailbox {
 public:
  Mailbox() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  int fd() const { return wake_.get(); }
  void put(std::uint64_t connection, Response response) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    answers_.emplace_back(connection, std::move(response));
    ring();
  }
  void ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  }
  std::vector<std::pair<std::uint64_t, Response>> take() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t read = ::read(wake_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    answers_.clear();
  }

 private:
  Fd wake_;
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<std::pair<std::uint64_t, Response>> answers_;
};

/// Answers that come while the handler is still being called: they need no mailbox.
struct Inline {
  std::atomic<std::thread::id> thread;  ///< The server's; none once it is gone.
  std::uint64_t connection = 0;
  std::optional<Response> answer;
};

class EpollServer final : public Server {
 public:
  EpollServer(ServerConfig config, Admit admit, Handler handler, const Clock& clock)
      : config_(std::move(config)), admit_(std::move(admit)), handler_(std::move(handler)), clock_(clock) {}
  ~EpollServer() override {
    stop_ = true;
    mailbox_->ring();
    if (thread_.joinable()) thread_.join();
    mailbox_->close();
  }

  Result<void> open() {
    const Address address = WRENCH_TRY(parse_address(config_.address, config_.port));
    listener_ = Fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (listener_.get() < 0) return io_error("can't make a socket");
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // What is accepted has them as well.
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
    // The rest of the process needs descriptors, too.
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
      config_.connections_max = std::min<std::size_t>(config_.connections_max, limit.rlim_cur / 5 * 4);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
    if (::bind(listener_.get(), raw, address.size) != 0 || ::listen(listener_.get(), kBacklog) != 0) {
      const std::string where = config_.address + " port " + std::to_string(config_.port);
      if (errno == EADDRINUSE) return Error("net.in_use", where + " is in use by another program");
      return Error("net.address", "can't listen on " + where + ": " + std::strerror(errno));
    }
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
      return io_error("can't read the port");
    port_ = ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(bound).sin_port
                                             : reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    reserve_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (epoll_.get() < 0 || mailbox_->fd() < 0 || reserve_.get() < 0) return io_error("can't wait for connections");
    watch(EPOLL_CTL_ADD, listener_.get(), EPOLLIN, kListener);
    watch(EPOLL_CTL_ADD, mailbox_->fd(), EPOLLIN, kWake);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  std::uint16_t port() const override { return port_; }

  bool drain(Micros within_us) override {
    drain_ = true;
    mailbox_->ring();
    std::unique_lock lock(mutex_);
    return drained_.wait_for(lock, std::chrono::microseconds(within_us), [this] { return stats_.open == 0; });
  }

  Stats stats() const override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  struct Connection {
    Connection(Fd socket, Peer from, const EpollServer& server, Micros now)
        : fd(std::move(socket)),
          peer(std::move(from)),
          http(server.config_.rules, server.admit_, server.config_.limits, peer.address, now) {}
    Fd fd;
    Peer peer;
    HttpConnection http;
    std::uint32_t watched = EPOLLIN;
    bool shut = false;
    bool again = false;  ///< Is in again_.
  };

  void watch(int how, int fd, std::uint32_t events, std::uint64_t number) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    ::epoll_ctl(epoll_.get(), how, fd, &event);
  }

  void run() {
    inline_->thread = std::this_thread::get_id();
    std::array<epoll_event, kEventsMax> events{};
    Micros looked = 0;
    while (!stop_) {
      int timeout = connections_.empty() ? -1 : static_cast<int>(kLookEvery / kMicrosPerMs);
      if (accept_again_ != 0) timeout = static_cast<int>(kAcceptPause / kMicrosPerMs);
      if (!again_.empty()) timeout = 0;
      const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, timeout);
      now_ = clock_.boot_us();
      set_date();
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kListener)
          accept_all();
        else if (event.data.u64 == kWake)
          deliver();
        else
          on_event(event.data.u64, event.events);
      }
      for (const std::uint64_t number : std::exchange(again_, {})) {
        const auto it = connections_.find(number);
        if (it == connections_.end()) continue;
        it->second->again = false;
        serve(number, *it->second);
      }
      if (accept_again_ != 0 && now_ >= accept_again_) {
        accept_again_ = 0;
        if (!drain_) watch(EPOLL_CTL_MOD, listener_.get(), EPOLLIN, kListener);
      }
      if (now_ - looked >= kLookEvery) {
        looked = now_;
        look_at_time();
      }
      if (drain_) close_idle();
      publish();
    }
    connections_.clear();
    publish();
    inline_->thread = std::thread::id();
  }

  void set_date() {
    const Micros second = clock_.now_us() / kMicrosPerSecond;
    if (second == date_of_) return;
    date_of_ = second;
    date_ = http_date(second * kMicrosPerSecond);
  }

  void accept_all() {
    for (std::size_t n = 0; n < kAcceptedAtOnce; ++n) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      Fd socket(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket.get() < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) refuse_without_room();
        return;
      }
      ++counted_.accepted;
      const int on = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      Peer peer = peer_of(from);
      const auto others = of_peer_.find(peer.address);
      const bool crowded = !peer.loopback && others != of_peer_.end() && others->second >= config_.connections_per_peer;
      if (crowded || drain_ || (connections_.size() >= config_.connections_max && !close_longest_idle())) {
        refuse(socket);
        continue;
      }
      if (!peer.loopback) ++of_peer_[peer.address];
      const std::uint64_t number = ++last_;
      watch(EPOLL_CTL_ADD, socket.get(), EPOLLIN, number);
      connections_.emplace(number, std::make_unique<Connection>(std::move(socket), std::move(peer), *this, now_));
    }
  }

  void refuse(const Fd& socket) {
    ++counted_.refused;
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    [[maybe_unused]] const ssize_t sent = ::send(socket.get(), kBusy.data(), kBusy.size(), MSG_NOSIGNAL);
  }

  /// An accept that fails for want of descriptors would be tried again at once, for ever: the one in reserve takes the
  /// connection, which is told to come back, and nothing is accepted for a moment.
  void refuse_without_room() {
    if (close_longest_idle()) return;  // It is tried again at once.
    reserve_.reset();
    {
      const Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket.get() >= 0) refuse(socket);
    }
    reserve_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    watch(EPOLL_CTL_MOD, listener_.get(), 0, kListener);
    accept_again_ = now_ + kAcceptPause;
  }

  bool close_longest_idle() {
    // Numbers ascend, so the first is the oldest.
    for (const auto& [number, connection] : connections_)
      if (connection->http.is_idle()) return close(number), true;
    return false;
  }

  void on_event(std::uint64_t number, std::uint32_t events) {
    const auto it = connections_.find(number);
    if (it == connections_.end()) return;
    Connection& connection = *it->second;
    if ((events & EPOLLIN) != 0 && !read(connection)) return close(number);
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0) return close(number);
    serve(number, connection);
  }

  /// False: the connection is broken.
  bool read(Connection& connection) {
    if (!connection.http.wants_bytes()) return true;
    const ssize_t size = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (size > 0) connection.http.received(std::string_view(buffer_.data(), static_cast<std::size_t>(size)), now_);
    if (size == 0) connection.http.ended();
    return size >= 0 || errno == EAGAIN || errno == EINTR;
  }

  /// Serves what is complete, sends what there is, and waits for what is needed next.
  void serve(std::uint64_t number, Connection& connection) {
    for (int turn = 0;; ++turn) {
      if (turn == kServedAtOnce) {
        if (!std::exchange(connection.again, true)) again_.push_back(number);
        break;
      }
      while (auto request = connection.http.next_request()) {
        ++counted_.requests;
        inline_->connection = number;
        handler_(std::move(request), Reply([number, box = mailbox_, here = inline_](Response response) {
                   if (std::this_thread::get_id() == here->thread.load() && here->connection == number)
                     here->answer = std::move(response);
                   else
                     box->put(number, std::move(response));
                 }));
        inline_->connection = 0;
        if (inline_->answer) connection.http.reply(*std::exchange(inline_->answer, std::nullopt), date_, now_);
      }
      const std::string_view output = connection.http.output();
      if (output.empty()) break;
      const ssize_t size = ::send(connection.fd.get(), output.data(), output.size(), MSG_NOSIGNAL);
      if (size < 0 && errno != EAGAIN && errno != EINTR) return close(number);
      if (size < 0) break;
      connection.http.sent(static_cast<std::size_t>(size), now_);
    }
    if (connection.http.is_draining() && !std::exchange(connection.shut, true))
      ::shutdown(connection.fd.get(), SHUT_WR);
    if (connection.http.is_over()) return close(number);
    const std::uint32_t wanted = (connection.http.wants_bytes() ? EPOLLIN : 0U) |
                                 (connection.http.output().empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT));
    if (wanted != connection.watched) watch(EPOLL_CTL_MOD, connection.fd.get(), wanted, number);
    connection.watched = wanted;
  }

  void deliver() {
    for (auto& [number, response] : mailbox_->take()) {
      const auto it = connections_.find(number);
      if (it == connections_.end()) continue;
      it->second->http.reply(response, date_, now_);
      serve(number, *it->second);
    }
  }

  void look_at_time() {
    for (auto it = connections_.begin(); it != connections_.end();) {
      const std::uint64_t number = it->first;
      Connection& connection = *it->second;
      ++it;  // serve() may take it out.
      connection.http.look_at_time(date_, now_);
      if (connection.http.is_over() || !connection.http.output().empty()) serve(number, connection);
    }
  }

  void close_idle() {
    if (listener_.get() >= 0) listener_.reset();
    for (auto it = connections_.begin(); it != connections_.end();) {
      const std::uint64_t number = it->first;
      HttpConnection& http = it->second->http;
      ++it;
      if (http.is_idle())
        close(number);
      else
        http.close_after_reply();
    }
  }

  void close(std::uint64_t number) {
    const auto it = connections_.find(number);
    if (it->second->http.was_too_slow()) ++counted_.timed_out;
    const Peer& peer = it->second->peer;
    if (!peer.loopback)
      if (const auto count = of_peer_.find(peer.address); --count->second == 0) of_peer_.erase(count);
    connections_.erase(it);
  }

  void publish() {
    counted_.open = connections_.size();
    const std::lock_guard lock(mutex_);
    stats_ = counted_;
    if (stats_.open == 0) drained_.notify_all();
  }

  ServerConfig config_;
  const Admit admit_;
  const Handler handler_;
  const Clock& clock_;
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  const std::shared_ptr<Inline> inline_ = std::make_shared<Inline>();
  Fd listener_, epoll_, reserve_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false}, drain_{false};
  std::thread thread_;

  // Of its thread.
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::string, std::size_t> of_peer_;
  std::uint64_t last_ = kWake;
  std::vector<std::uint64_t> again_;  ///< Those that had their turns, and have more to be served.
  Micros now_ = 0, accept_again_ = 0, date_of_ = -1;
  std::string date_;
  std::array<char, kReadBytes> buffer_{};
  Stats counted_;

  mutable std::mutex mutex_;
  std::condition_variable drained_;
  Stats stats_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerConfig config, Admit admit, Handler handler, const Clock& clock) {
  auto server = std::make_unique<EpollServer>(std::move(config), std::move(admit), std::move(handler), clock);
  WRENCH_TRY(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace wrench::net
