#include "network_lab.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "wrench/runtime/subprocess.hpp"

namespace wrench::tests {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(5);
constexpr auto kConnectMax = std::chrono::seconds(30);

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "network lab: %s\n", what.c_str());
  std::exit(1);
}

std::string find_ip() {
  auto found = runtime::find_program("ip", "/usr/sbin:/sbin:/usr/bin:/bin");
  if (!found.ok()) give_up("no program `ip` here (package iproute2)");
  return std::move(found).value();
}

void run(const std::string& ip, const std::vector<std::string>& arguments) {
  runtime::SubprocessSpec spec;
  spec.program = ip;
  spec.arguments = arguments;
  const auto output = runtime::capture_subprocess(spec);
  if (output.ok() && output->result.succeeded()) return;
  std::string words = "ip";
  for (const std::string& argument : arguments) words += " " + argument;
  give_up(words + ": " + (output.ok() ? output->err : describe(output.error())));
}

void leave_network() {
  if (::unshare(CLONE_NEWNET) != 0) give_up("no network namespace of its own: this needs root (CAP_SYS_ADMIN)");
}

std::string address(int number, int host) { return "10.213." + std::to_string(number) + "." + std::to_string(host); }
std::string plug(int number) { return "worker" + std::to_string(number); }

ino_t network_of(const std::string& process) {
  struct stat found{};
  return ::stat(("/proc/" + process + "/ns/net").c_str(), &found) == 0 ? found.st_ino : 0;
}

void wait_until(const std::string& what, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kConnectMax;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) give_up(what);
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

NetworkLab::NetworkLab() : ip_(find_ip()) {
  leave_network();
  run(ip_, {"link", "set", "lo", "up"});
}

std::string NetworkLab::server_address(int number) { return address(number, 1); }

void NetworkLab::connect(int number, pid_t pid) const {
  const std::string process = std::to_string(pid);
  wait_until("worker " + process + " doesn't enter its room",
             [&] { return network_of(process) != 0 && network_of(process) != network_of("self"); });
  // The cable of a worker that died goes with its network, a little later.
  wait_until("the cable " + plug(number) + " is still there",
             [&] { return ::if_nametoindex(plug(number).c_str()) == 0; });
  run(ip_, {"link", "add", plug(number), "type", "veth", "peer", "name", "cable", "netns", process});
  run(ip_, {"address", "add", server_address(number) + "/24", "dev", plug(number)});
  plug_in(number);
}

void NetworkLab::pull_out(int number) const { run(ip_, {"link", "set", plug(number), "down"}); }
void NetworkLab::plug_in(int number) const { run(ip_, {"link", "set", plug(number), "up"}); }

void NetworkLab::enter_room(int number) {
  const std::string ip = find_ip();
  leave_network();
  wait_until("nobody connects the room", [] { return ::if_nametoindex("cable") != 0; });
  run(ip, {"address", "add", address(number, 2) + "/24", "dev", "cable"});
  run(ip, {"link", "set", "cable", "up"});
}

}  // namespace wrench::tests
