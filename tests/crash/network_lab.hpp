#pragma once

#include <sys/types.h>

#include <string>

namespace wrench::tests {

/// A network without the world: this process moves into a network namespace of its own, and each worker into another
/// one that a cable (a pair of virtual interfaces) connects to ours. A cable that is pulled out swallows packets:
/// neither side is told. Everything goes with the processes. Needs CAP_NET_ADMIN and the program `ip` (package
/// iproute2); what can't be done ends the program with a message. network_namespaces(7), veth(4).
class NetworkLab {
 public:
  /// Before any thread or socket of this process.
  NetworkLab();

  /// Connects a process that called enter_room(): it finds us at server_address(number).
  void connect(int number, pid_t pid) const;
  void pull_out(int number) const;
  void plug_in(int number) const;
  static std::string server_address(int number);  ///< Number: 1 to 254.

  /// In the worker: into a namespace of its own, and back as soon as somebody connected it.
  static void enter_room(int number);

 private:
  std::string ip_;
};

}  // namespace wrench::tests
