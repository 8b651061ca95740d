#include "wrench/agents/facts.hpp"

#include <algorithm>
#include <array>

#include "wrench/base/text.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::agents {

namespace {

using codec::Json;

/// For estimates before anything is read.
constexpr std::uint64_t kBytesPerLine = 38;

bool is_code(source::Language language) {
  switch (language) {
    case source::Language::Python:
    case source::Language::JavaScript:
    case source::Language::TypeScript:
    case source::Language::Tsx:
    case source::Language::Java:
    case source::Language::Go:
    case source::Language::C:
    case source::Language::Cpp:
      return true;
    default:
      return false;
  }
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

struct Marker {
  const char* fact;
  std::array<std::string_view, 8> names;
};
constexpr Marker kMarkers[] = {
    {"containers.present", {"Dockerfile", "docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml"}},
    {"manifests.present",
     {"package.json", "pyproject.toml", "setup.py", "go.mod", "pom.xml", "build.gradle", "CMakeLists.txt", "Makefile"}},
};

}  // namespace

Facts tree_facts(const scan::TreeSurvey& survey, std::string_view no_history_because) {
  Facts facts;
  std::uint64_t code_bytes = 0;
  Json languages = Json::array();
  for (const auto& [language, bytes] : survey.bytes_by_language) {
    if (!is_code(language)) continue;
    code_bytes += bytes;
    languages.push_back(source::id(language));
  }
  const auto files = std::to_string(survey.files) + " files listed";
  facts["files.count"] = {survey.files, files};
  facts["code.present"] = {code_bytes > 0, files};
  facts["code.kloc"] = {static_cast<double>(code_bytes) / static_cast<double>(kBytesPerLine) / 1000.0,
                        format_bytes(code_bytes) + " of code"};
  facts["code.languages"] = {std::move(languages), files};
  const std::string no_git = "no .git in the folder or above it";
  facts["git.present"] = {survey.in_git, survey.in_git ? ".git of the work tree" : no_git};
  facts["git.commits"] = {survey.in_git && no_history_because.empty(), !survey.in_git ? no_git
                                                                       : no_history_because.empty()
                                                                           ? "HEAD resolves"
                                                                           : std::string(no_history_because)};
  for (const auto& marker : kMarkers) {
    const auto found = std::find_if(survey.paths.begin(), survey.paths.end(), [&](const std::string& path) {
      const auto name = base_name(path);
      return !name.empty() && std::find(marker.names.begin(), marker.names.end(), name) != marker.names.end();
    });
    facts[marker.fact] = {found != survey.paths.end(), found != survey.paths.end() ? *found : ""};
  }
  const auto first = [&](auto matches) { return std::find_if(survey.paths.begin(), survey.paths.end(), matches); };
  const auto test = first([](const std::string& path) { return source::is_test_path(path); });
  facts["tests.present"] = {test != survey.paths.end(), test != survey.paths.end() ? *test : ""};
  const auto ci = first([](const std::string& path) {
    return path.starts_with(".github/workflows/") || path == ".gitlab-ci.yml" || path == "Jenkinsfile";
  });
  facts["ci.present"] = {ci != survey.paths.end(), ci != survey.paths.end() ? *ci : ""};
  return facts;
}

std::string why_no_history(const std::string& root, const StopToken& stop) {
  const auto repo = history::GitRepo::open(root, stop);
  if (!repo) return repo.error().message;
  const auto head = repo->head(stop);
  return head ? "" : head.error().message;
}

}  // namespace wrench::agents
