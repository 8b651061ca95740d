#pragma once

#include <memory>
#include <string>

#include "top_view.hpp"
#include "workspace.hpp"

namespace wrench::app {

/// Looks at what goes on, again and again, with one connection: what `wrench top` shows. For one thread at a time.
class TopLook {
 public:
  static Result<TopLook> open(Session& session);
  /// Of a data directory that this process serves. `space` must outlive it.
  static Result<TopLook> at(Workspace& space);
  TopLook(TopLook&&) noexcept;
  ~TopLook();

  Result<TopFrame> operator()();

 private:
  class Looker;
  explicit TopLook(std::unique_ptr<Looker> looker);
  static Result<TopLook> of(Workspace& space, const std::string& where, std::unique_ptr<Workspace> own);

  std::unique_ptr<Looker> looker_;
};

}  // namespace wrench::app
