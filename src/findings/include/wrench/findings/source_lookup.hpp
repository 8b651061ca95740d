#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace wrench::findings {

/// Where writers get the text around a finding. Called by one thread at a time.
class SourceLookup {
 public:
  virtual ~SourceLookup() = default;
  /// The file's bytes as they were analysed, by the path that findings carry; null when it can't be had.
  virtual std::shared_ptr<const std::string> text(std::string_view path) const = 0;
};

class NoSources final : public SourceLookup {
 public:
  std::shared_ptr<const std::string> text(std::string_view) const override { return nullptr; }
};

class MemorySources final : public SourceLookup {
 public:
  void add(std::string path, std::string text) {
    texts_.insert_or_assign(std::move(path), std::make_shared<const std::string>(std::move(text)));
  }
  std::shared_ptr<const std::string> text(std::string_view path) const override {
    const auto found = texts_.find(path);
    return found == texts_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> texts_;
};

}  // namespace wrench::findings
