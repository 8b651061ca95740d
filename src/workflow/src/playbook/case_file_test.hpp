#pragma once

#include <cctype>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/text.hpp"
#include "wrench/workflow/playbook.hpp"

/// Reads tests/workflow/*.case (tests/workflow/README.md).
namespace wrench::workflow::testing {

struct Section {
  std::string title;  ///< What stands after "-- ".
  int line = 0;
  std::string text;
};

struct Case {
  std::string name;
  std::string text;               ///< Before the first section.
  std::vector<Section> sections;  ///< "plan", "problems", …

  const Section* find(std::string_view title) const {
    for (const Section& section : sections)
      if (section.title == title) return &section;
    return nullptr;
  }
};

struct CaseFile {
  std::string head;  ///< Before the first case.
  std::vector<Case> cases;

  static CaseFile read(const std::string& path) {
    std::ifstream file(path);
    CaseFile out;
    std::string* into = &out.head;
    int number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      if (line.starts_with("== ")) {
        out.cases.push_back({line.substr(3), "", {}});
        into = &out.cases.back().text;
      } else if (line.starts_with("-- ") && !out.cases.empty()) {
        out.cases.back().sections.push_back({line.substr(3), number, ""});
        into = &out.cases.back().sections.back().text;
      } else {
        *into += line + "\n";
      }
    }
    return out;
  }

  void write(const std::string& path) const {
    std::ofstream file(path);
    file << head;
    for (const Case& one : cases) {
      file << "== " << one.name << "\n" << one.text;
      for (const Section& section : one.sections) file << "-- " << section.title << "\n" << section.text;
    }
  }
};

/// "a, b?, c" as a schema: an object with these and no other members; "..." allows any.
inline codec::Json schema_of(std::string_view members) {
  codec::Json properties = codec::Json::object(), required = codec::Json::array();
  bool open = false;
  for (auto part : split(members, ',')) {
    auto name = trim(part);
    if (name.empty()) continue;
    if (name == "...") {
      open = true;
      continue;
    }
    std::string_view type;
    if (const auto colon = name.find(':'); colon != std::string_view::npos) {
      type = trim(name.substr(colon + 1));
      name = trim(name.substr(0, colon));
    }
    const bool optional = name.ends_with('?');
    if (optional) name.remove_suffix(1);
    properties.set(name, type.empty() ? codec::Json::object() : codec::Json::object({{"type", type}}));
    if (!optional) required.push_back(name);
  }
  return codec::Json::object({{"type", "object"},
                              {"properties", std::move(properties)},
                              {"required", std::move(required)},
                              {"additionalProperties", open}});
}

/// Lines "#@ agent.operation(input members) -> output members".
inline CapabilityCatalogue catalogue_of(std::string_view head) {
  CapabilityCatalogue out;
  for (auto line : split(head, '\n')) {
    if (!line.starts_with("#@ ")) continue;
    line.remove_prefix(3);
    const auto dot = line.find('.'), open = line.find('('), close = line.find(')'), arrow = line.find("->");
    CatalogueEntry entry;
    entry.agent = line.substr(0, dot);
    entry.operation = line.substr(dot + 1, open - dot - 1);
    entry.version = 1;
    entry.input_schema = schema_of(line.substr(open + 1, close - open - 1));
    entry.output_schema = schema_of(line.substr(arrow + 2));
    out.add(std::move(entry));
  }
  return out;
}

}  // namespace wrench::workflow::testing
