#pragma once

#include <functional>
#include <string_view>

namespace wrench::source {

/// Why a file isn't analysed, by policy. Names are those of `skipped` in reports.
enum class FileClass { Code, Binary, Minified, Generated };

/// By content and name; `text` is the whole file as on disk.
FileClass classify(std::string_view path, std::string_view bytes);

/// NUL in the first 8 KiB, or more than 30 % of it invalid UTF-8 without a UTF-16 BOM.
bool looks_binary(std::string_view bytes);

/// Third-party code needs proof: a folder's name alone often stands over real code. Proof is what package managers
/// leave, or a licence of its own below a folder for dependencies (deps/, third_party/, …). `folder` is the path below
/// what is analysed; `has_entry(name)` tells whether the folder holds such an entry.
bool is_vendored_folder(std::string_view folder, const std::function<bool(std::string_view)>& has_entry);

/// Test code, fixtures and benchmarks by path: tests/, test_x.py, x_test.go, x.spec.ts, XTest.java, …
bool is_test_path(std::string_view path);

/// What is there to be read, not to be shipped: examples/, docs/, demo/, README.md, …
bool is_example_path(std::string_view path);

}  // namespace wrench::source
