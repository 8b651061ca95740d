#include "testimony.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../core/report_paths.hpp"
#include "place.hpp"
#include "wrench/agents/mail.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/history/blame.hpp"

namespace wrench::agents {

using codec::Json;

namespace {

/// Of one file, by line.
using Origins = std::map<std::uint32_t, history::LineOrigin>;

/// The lines of one file that are asked about, with the content that the asker saw.
struct FileQuestion {
  std::string content;
  std::set<std::uint32_t> lines;
};

/// Who wrote the lines; `why` if nobody can tell.
struct FileAnswer {
  Origins origins;
  std::string why;
};

Result<FileAnswer> answer_about(const history::GitRepo& repo, const std::string& head, const std::string& path,
                                const FileQuestion& question, AgentContext& context) {
  FileAnswer out;
  const auto text = WRENCH_TRY(history::text_at(repo, head, path, context.stop, context.deadline));
  if (!text) {
    out.why = "it isn't in the latest commit, or too large";
    return out;
  }
  // Line numbers mean the same lines only in the same bytes.
  if ("sha256:" + crypto::sha256_hex(*text) != question.content) {
    out.why = "the file isn't what the latest commit has";
    return out;
  }
  std::vector<std::uint32_t> lines(question.lines.begin(), question.lines.end());
  lines.resize(std::min(lines.size(), history::kBlameLinesMax));
  auto origins = history::blame(repo, head, path, lines, context.stop, context.deadline);
  if (!origins.ok() && origins.error().code != "history.no_such_lines") return std::move(origins).error();
  out.why = "the repository doesn't go back so far";
  if (!origins.ok()) return out;
  for (history::LineOrigin& origin : *origins) out.origins.emplace(origin.line, std::move(origin));
  return out;
}

Result<Json> answer(const history::GitRepo& repo, const std::string& place, const Json& question,
                    AgentContext& context) {
  const std::string root(question.at("root").as_string());
  const ReportPaths paths(root);
  const auto& asked = question.at("findings").as_array();
  std::map<std::string, FileQuestion> files;
  for (const Json& finding : asked) {
    FileQuestion& file = files[paths.in_repository(finding.at("path").as_string(), place)];
    file.content = finding.at("content").as_string();
    file.lines.insert(
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(finding.at("line").as_integer(), 1, INT32_MAX)));
  }
  const std::string head = WRENCH_TRY(repo.head(context.stop));
  std::map<std::string, FileAnswer> answers;
  for (const auto& [path, file] : files) {
    context.progress(static_cast<double>(answers.size()) / static_cast<double>(files.size()), path);
    answers[path] = WRENCH_TRY(answer_about(repo, head, path, file, context));
  }
  Json evidence = Json::array();
  Json unknown = Json::array();
  for (const Json& finding : asked) {
    const FileAnswer& file = answers[paths.in_repository(finding.at("path").as_string(), place)];
    const auto origin = file.origins.find(static_cast<std::uint32_t>(finding.at("line").as_integer()));
    if (origin == file.origins.end())
      unknown.push_back(Json::object({{"fingerprint", finding.at("fingerprint")}, {"why", file.why}}));
    else
      evidence.push_back(Json::object({{"fingerprint", finding.at("fingerprint")},
                                       {"commit", origin->second.commit},
                                       {"date", origin->second.date},
                                       {"author", origin->second.author}}));
  }
  return Json::object({{"evidence", std::move(evidence)}, {"unknown", std::move(unknown)}});
}

}  // namespace

Result<AgentOutput> answer_question(const workflow::Message& question, AgentContext& context) {
  const std::string root(question.content.at("root").as_string());
  const auto repo = WRENCH_TRY(history::GitRepo::open(root, context.stop));
  AgentOutput made;
  workflow::MessageDraft reply;
  reply.receiver = question.sender;
  reply.type = kEvidence;
  reply.content = WRENCH_TRY(answer(repo, place_in(repo, root), question.content, context));
  made.messages.push_back(std::move(reply));
  return made;
}

Result<AgentOutput> testify(const Json& input, AgentContext& context) {
  AgentOutput made;
  const auto questions = WRENCH_TRY(context.inbox(kEvidenceWanted));
  std::size_t answered = 0, unknown = 0;
  if (!questions.empty()) {
    const std::string root(input.at("tree").at("root").as_string());
    const auto repo = WRENCH_TRY(history::GitRepo::open(root, context.stop));
    const std::string place = place_in(repo, root);
    for (const workflow::Message& question : questions) {
      workflow::MessageDraft reply;
      reply.receiver = question.sender;
      reply.type = kEvidence;
      reply.content = WRENCH_TRY(answer(repo, place, question.content, context));
      reply.reply_to = question.message_id;
      reply.ttl = kMicrosPerDay;
      answered += reply.content.at("evidence").as_array().size();
      unknown += reply.content.at("unknown").as_array().size();
      made.messages.push_back(std::move(reply));
      made.read.push_back(question.message_id);
    }
  }
  made.output = Json::object({{"questions", questions.size()}, {"answered", answered}, {"unknown", unknown}});
  return made;
}

}  // namespace wrench::agents
