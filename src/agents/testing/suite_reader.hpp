#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/agents/test_suite.hpp"
#include "wrench/codec/yaml.hpp"

/// Reading the nodes of a suite. Every error is agent.test_invalid with line and column; the file is added by
/// parse_test_suite().
namespace wrench::agents {

Error suite_error(const codec::YamlNode& at, std::string message);
inline SuitePlace place_of(const codec::YamlNode& node) { return {node.line, node.column}; }

/// The node is a mapping with no other members than these.
Result<void> only_members(const codec::YamlNode& mapping, std::string_view what,
                          std::initializer_list<std::string_view> known);
Result<void> only_members(const codec::YamlNode& mapping, std::string_view what,
                          const std::vector<std::string_view>& known);

/// A scalar that isn't null.
Result<std::string> text_of(const codec::YamlNode& node, std::string_view what);
/// One text, or a list of them.
Result<std::vector<std::string>> texts_of(const codec::YamlNode& node, std::string_view what);
Result<std::int64_t> whole_of(const codec::YamlNode& node, std::string_view what, std::int64_t min, std::int64_t max);
Result<bool> flag_of(const codec::YamlNode& node, std::string_view what);
Result<std::vector<const codec::YamlNode*>> list_of(const codec::YamlNode& node, std::string_view what,
                                                    std::size_t items_max);

/// `fixture:` of a case.
Result<Fixture> read_fixture(const codec::YamlNode& node);
/// Why `path` isn't one of a file inside a fixture; empty: it is.
std::string path_problem(std::string_view path);

}  // namespace wrench::agents
