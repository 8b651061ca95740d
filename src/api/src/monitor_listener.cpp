#include "wrench/api/monitor_listener.hpp"

#include <atomic>
#include <utility>

#include "wrench/codec/json.hpp"
#include "wrench/net/router.hpp"
#include "wrench/net/server.hpp"
#include "wrench/runtime/worker_pool.hpp"

namespace wrench::api {
namespace {

using codec::Json;
using net::Method;
using net::Response;

constexpr std::size_t kAskedMax = 64;  ///< Questions that wait for the thread.
constexpr std::size_t kConnectionsMax = 128;
constexpr Micros kDrain = 2 * kMicrosPerSecond;

enum class Page : std::size_t { Metrics, Health, Live, Ready };
constexpr std::string_view kPaths[] = {"/metrics", "/health", "/livez", "/readyz"};  // By Page.

Response json(int status, const Json& body) {
  return {.status = status, .content_type = "application/json", .body = codec::write_json(body) + "\n", .fields = {}};
}

/// What every answer has, so that a browser makes nothing else of it.
void harden(Response& response) {
  response.fields.emplace_back("Cache-Control", "no-store");
  response.fields.emplace_back("X-Content-Type-Options", "nosniff");
  response.fields.emplace_back("Referrer-Policy", "no-referrer");
  response.fields.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  response.fields.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  response.fields.emplace_back("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
}

}  // namespace

struct MonitorListener::State {
  explicit State(MonitorSources from) : sources(std::move(from)) {
    for (const std::string_view path : kPaths) router.add(Method::Get, path);
  }

  void serve(std::unique_ptr<net::Request> request, net::Reply reply) {
    auto found = router.find(request->head.method, request->head.path);
    if (auto* miss = std::get_if<Response>(&found)) {
      harden(*miss);
      reply(std::move(*miss));
      return;
    }
    const auto page = static_cast<Page>(std::get<net::Router::Match>(found).route);
    // Who asks whether this thread answers is answered by it.
    if (page == Page::Health || page == Page::Live) {
      Response out = json(200, Json::object({{"status", "healthy"}}));
      harden(out);
      reply(std::move(out));
      return;
    }
    auto shared = std::make_shared<net::Reply>(std::move(reply));
    const auto queued = pool.submit([this, page, shared] {
      Response out = page == Page::Metrics ? metrics() : readiness();
      harden(out);
      (*shared)(std::move(out));
    });
    if (queued) return;
    Response busy = net::problem(503, "overloaded", "others ask for the same, and are not answered yet");
    busy.fields.emplace_back("Retry-After", "1");
    harden(busy);
    (*shared)(std::move(busy));
  }

  Response metrics() const {
    auto text = sources.metrics();
    if (!text) return net::problem(503, text.error().code, "the metrics can't be read now");
    add_own(*text);
    return {.status = 200,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = std::move(*text),
            .fields = {}};
  }

  /// What became of those who ask: who was refused, or took too long, shows nowhere else.
  void add_own(std::string& text) const {
    const net::Server::Stats stats = server->stats();
    const auto add = [&text](std::string_view name, std::string_view kind, std::string_view help, std::uint64_t value) {
      text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
      text.append(kind).append("\n").append(name).append(" ").append(std::to_string(value)).append("\n");
    };
    add("wrench_monitoring_connections", "gauge", "Open connections for monitoring", stats.open);
    add("wrench_monitoring_requests_total", "counter", "Requests of monitoring that were answered", stats.requests);
    add("wrench_monitoring_refused_total", "counter", "Connections for monitoring that there was no room for",
        stats.refused);
    add("wrench_monitoring_timed_out_total", "counter", "Connections for monitoring that took too long",
        stats.timed_out);
  }

  Response readiness() const {
    bool ready = !ends;
    Json checks = Json::array();
    const auto add = [&checks](const std::string& name, std::string_view code) {
      checks.push_back(
          Json::object({{"name", name}, {"status", code.empty() ? "ok" : "failed"}, {"code", std::string(code)}}));
    };
    if (ends) add("process", "ending");
    for (const ReadinessCheck& check : sources.readiness()) {
      ready = ready && !check.fault;
      add(check.name, check.fault ? check.fault->code : "");
    }
    return json(ready ? 200 : 503,
                Json::object({{"status", ready ? "ready" : "not_ready"}, {"checks", std::move(checks)}}));
  }

  const MonitorSources sources;
  net::Router router;
  std::atomic<bool> ends{false};
  runtime::WorkerPool pool{{.threads = 1, .queue_max = kAskedMax, .name = "monitor"}};
  std::unique_ptr<net::Server> server;
};

Result<std::unique_ptr<MonitorListener>> MonitorListener::start(const std::string& address, std::uint16_t port,
                                                                MonitorSources sources, const Clock& clock) {
  auto state = std::make_unique<State>(std::move(sources));
  net::ServerConfig config;
  config.address = address;
  config.port = port;
  config.connections_max = kConnectionsMax;
  // What listens on this machine alone is not for pages from elsewhere that call themselves by its address.
  if (net::is_loopback_host(address) || address == "::1") config.rules.allows_host = net::is_loopback_host;
  const auto admit = [](const net::RequestHead&, const std::string&) { return net::Admission{}; };
  state->server = WRENCH_TRY(net::Server::start(
      std::move(config), admit,
      [raw = state.get()](std::unique_ptr<net::Request> request, net::Reply reply) {
        raw->serve(std::move(request), std::move(reply));
      },
      clock));
  return std::unique_ptr<MonitorListener>(new MonitorListener(std::move(state)));
}

MonitorListener::MonitorListener(std::unique_ptr<State> state) : state_(std::move(state)) {}

MonitorListener::~MonitorListener() {
  state_->server->drain(kDrain);
  state_->pool.join();  // Its tasks use what goes next.
  state_->server.reset();
}

std::uint16_t MonitorListener::port() const { return state_->server->port(); }
void MonitorListener::say_that_it_ends() { state_->ends = true; }

}  // namespace wrench::api
