#include "wrench/scan/tree.hpp"

#include <utility>

namespace wrench::scan {
namespace {

class DiskTree final : public Tree {
 public:
  explicit DiskTree(runtime::RootedDir dir) : dir_(std::move(dir)) {}
  Result<std::vector<runtime::DirEntry>> list(const std::string& relative) const override {
    return dir_.list(relative);
  }
  Result<runtime::DirEntry> stat(const std::string& relative) const override { return dir_.stat(relative); }
  Result<std::string> read(const std::string& relative, std::size_t bytes_max,
                           const runtime::Patience& patience) const override {
    return dir_.read(relative, bytes_max, patience);
  }

 private:
  runtime::RootedDir dir_;
};

class Subtree final : public Tree {
 public:
  Subtree(std::shared_ptr<const Tree> tree, std::string folder) : tree_(std::move(tree)), folder_(std::move(folder)) {}
  Result<std::vector<runtime::DirEntry>> list(const std::string& relative) const override {
    return tree_->list(whole(relative));
  }
  Result<runtime::DirEntry> stat(const std::string& relative) const override { return tree_->stat(whole(relative)); }
  Result<std::string> read(const std::string& relative, std::size_t bytes_max,
                           const runtime::Patience& patience) const override {
    return tree_->read(whole(relative), bytes_max, patience);
  }

 private:
  std::string whole(const std::string& relative) const { return relative.empty() ? folder_ : folder_ + "/" + relative; }

  std::shared_ptr<const Tree> tree_;
  std::string folder_;
};

}  // namespace

Result<std::shared_ptr<const Tree>> disk_tree(const std::string& path) {
  return std::shared_ptr<const Tree>(std::make_shared<const DiskTree>(WRENCH_TRY(runtime::RootedDir::open(path))));
}

std::shared_ptr<const Tree> subtree(std::shared_ptr<const Tree> tree, const std::string& folder) {
  if (folder.empty()) return tree;
  return std::make_shared<const Subtree>(std::move(tree), folder);
}

}  // namespace wrench::scan
