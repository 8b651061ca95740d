#include "evidence.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "../core/inspection.hpp"
#include "wrench/agents/mail.hpp"

namespace wrench::agents {

using codec::Json;
using findings::Finding;
using findings::Report;

namespace {

constexpr std::size_t kAskedMax = 20;
/// An answer comes within the review or not at all.
constexpr Micros kQuestionTtl = kMicrosPerDay;

/// What will be shown, worst first.
std::vector<const Finding*> most_important(const Report& code, const Report* secrets, const Json& inspection) {
  const std::set<std::string> settled = settled_by(inspection);
  std::vector<const Finding*> out;
  for (const Report* report : {&code, secrets}) {
    if (report == nullptr) continue;
    for (const Finding& finding : report->findings)
      if (finding.severity >= findings::Severity::Medium && !finding.suppressed &&
          !settled.contains(finding.fingerprint))
        out.push_back(&finding);
  }
  const auto order = [](const Finding* f) {
    return std::tuple(-static_cast<int>(f->severity), -static_cast<int>(f->confidence), std::string_view(f->where.path),
                      f->where.start.line, std::string_view(f->fingerprint));
  };
  std::ranges::sort(out, {}, order);
  out.resize(std::min(out.size(), kAskedMax));
  return out;
}

void take_in(const Json& list, std::string_view message_id, Json& out) {
  for (const Json& entry : list.as_array()) {
    Json with_source = entry;
    with_source.set("message_id", message_id);
    out.push_back(std::move(with_source));
  }
}

}  // namespace

AgentOutput ask_for_evidence(const Report& code, const Report* secrets, const Json& inspection) {
  AgentOutput made;
  Json list = Json::array();
  for (const Finding* finding : most_important(code, secrets, inspection))
    list.push_back(Json::object({{"fingerprint", finding->fingerprint},
                                 {"path", finding->where.path},
                                 {"line", finding->where.start.line},
                                 {"content", finding->where.content}}));
  made.output = Json::object({{"asked", list.as_array().size()}});
  if (list.as_array().empty()) return made;
  workflow::MessageDraft& question = made.messages.emplace_back();
  question.receiver = "agent:journey";
  question.type = kEvidenceWanted;
  question.content = Json::object({{"root", code.root}, {"findings", std::move(list)}});
  question.ttl = kQuestionTtl;
  return made;
}

Result<AgentOutput> weigh_evidence(AgentContext& context) {
  AgentOutput made;
  Json evidence = Json::array();
  Json unknown = Json::array();
  const auto answers = WRENCH_TRY(context.inbox(kEvidence));
  for (const workflow::Message& answer : answers) {
    take_in(answer.content.at("evidence"), answer.message_id, evidence);
    take_in(answer.content.at("unknown"), answer.message_id, unknown);
    made.read.push_back(answer.message_id);
  }
  made.output = Json::object({{"evidence", std::move(evidence)}, {"unknown", std::move(unknown)}});
  return made;
}

}  // namespace wrench::agents
