#include "wrench/workflow/memory.hpp"

#include <algorithm>

#include "../acting_user.hpp"
#include "../given_text.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::MemoryBlock;
using workflow::MemoryItem;

Json to_json(const MemoryItem& item) {
  Json tags = Json::array();
  for (const auto& tag : item.tags) tags.push_back(tag);
  return Json::object({{"memory_id", item.memory_id},
                       {"agent", item.agent},
                       {"kind", item.kind},
                       {"scope", item.scope.empty() ? Json() : Json(item.scope)},
                       {"tags", std::move(tags)},
                       {"content", item.content},
                       {"trust", workflow::name(item.trust)},
                       {"source_step", item.source_step.empty() ? Json() : Json(item.source_step)},
                       {"created_at", format_rfc3339(item.created_at)},
                       {"expires_at", item.expires_at ? Json(format_rfc3339(*item.expires_at)) : Json()},
                       {"score", item.score}});
}

Json to_json(const MemoryBlock& block) {
  return Json::object({{"label", block.label},
                       {"value", block.value},
                       {"version", block.version},
                       {"read_only", block.read_only},
                       {"updated_at", format_rfc3339(block.updated_at)},
                       {"updated_by", block.updated_by}});
}

Result<void> check_agent(const Workspace& space, std::string_view agent) {
  if (space.registry().find(agent) != nullptr) return {};
  return Error("agent.no_such_agent", "there is no agent '" + escape_for_display(agent) + "'")
      .with_help("wrench agent list");
}

/// --agent, which must be there.
Result<std::string> agent_of(const Session& session, const Workspace& space) {
  if (!session.invocation.has("--agent")) return Error("cli.missing_argument", "whose memory? --agent NAME");
  const std::string agent(session.invocation.value("--agent"));
  WRENCH_TRY(check_agent(space, agent));
  return agent;
}

Result<workflow::MemoryDraft> draft_of(const Session& session, const Workspace& space) {
  const auto& given = session.invocation;
  workflow::MemoryDraft draft;
  draft.agent = WRENCH_TRY(agent_of(session, space));
  draft.content = WRENCH_TRY(given_json(given.arguments.front(), workflow::kMemoryContentBytesMax * 2));
  draft.kind = given.value("--kind", "fact");
  draft.scope = given.value("--scope");
  draft.tags = given.values("--tag");
  draft.trust = workflow::Trust::Person;
  if (given.has("--ttl")) draft.ttl = given.duration("--ttl", 0);
  draft.supersedes = given.value("--supersedes");
  return draft;
}

/// The query of --query with what the other flags add.
Result<Json> query_of(const Session& session) {
  const auto& given = session.invocation;
  Json query = Json::object();
  if (given.has("--query")) query = WRENCH_TRY(given_json(given.value("--query"), workflow::kMemoryQueryBytesMax * 2));
  if (!query.is_object()) return Error("cli.invalid_value", "--query: a query is a JSON object");
  if (!given.arguments.empty()) query.set("$text", join(given.arguments, " "));
  for (const auto& [flag, member] : {std::pair("--kind", "$kind"), {"--scope", "$scope"}, {"--since", "$since"}})
    if (given.has(flag)) query.set(member, given.value(flag));
  if (given.has("--tag")) {
    Json tags = Json::array();
    for (const auto& tag : given.values("--tag")) tags.push_back(tag);
    query.set("$tags", std::move(tags));
  }
  return query;
}

std::string item_text(const MemoryItem& item, const Console& console) {
  const std::string head = std::string(short_id(item.memory_id)) + "  " + format_date(item.created_at) + "  " +
                           Console::safe(item.kind) + (item.scope.empty() ? "" : "  " + Console::safe(item.scope));
  std::string text = head + "\n";
  const std::string content =
      item.content.is_string() ? std::string(item.content.as_string()) : codec::write_json(item.content);
  for (const auto& line : wrap(Console::safe(collapse_white_space(content)), console.width() - 8))
    text += "        " + line + "\n";
  return text;
}

}  // namespace

ExitCode run_memory_store(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  auto draft = draft_of(session, **space);
  if (!draft) return session.fail(draft.error());
  const auto stored = (*space)->memory().store(std::move(*draft));
  if (!stored) return session.fail(stored.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.memory_store/1"},
                                                 {"status", "stored"},
                                                 {"memory_id", stored->memory_id},
                                                 {"existed", stored->existed}}));
  return delivered(session, std::string(stored->existed ? "known already  " : "stored  ") + stored->memory_id + "\n");
}

ExitCode run_memory_search(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto agent = agent_of(session, **space);
  if (!agent) return session.fail(agent.error());
  const auto query = query_of(session);
  if (!query) return session.fail(query.error());
  const auto limit = static_cast<std::size_t>(session.invocation.number("--limit", 20));
  const auto page = (*space)->memory().retrieve(*agent, *query, limit);
  if (!page) return session.fail(page.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& item : page->items) data.push_back(to_json(item));
    return delivered_json(session, Json::object({{"schema", "wrench.memory_search/1"},
                                                 {"data", std::move(data)},
                                                 {"approximate", page->approximate},
                                                 {"next_cursor", nullptr}}));
  }
  if (page->items.empty()) return delivered(session, "Nothing remembered.\n");
  std::string text;
  for (const auto& item : page->items) text += item_text(item, session.console);
  if (page->approximate) text += "\nOf very many matches only the newest were looked at: add a rarer word.\n";
  return delivered(session, text);
}

ExitCode run_memory_forget(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto agent = session.invocation.value("--agent");
  // All of them before the first is gone, so that a wrong id does nothing.
  std::vector<std::string> ids;
  for (const auto& id : session.invocation.arguments) {
    const auto item = (*space)->memory().find(id, agent);
    if (!item) return session.fail(item.error());
    if (std::ranges::find(ids, item->memory_id) == ids.end()) ids.push_back(item->memory_id);
  }
  Json data = Json::array();
  std::string text;
  for (const auto& id : ids) {
    const auto reason = session.invocation.value("--reason", "asked for on the command line");
    if (auto done = (*space)->memory().forget(id, acting_user(), reason); !done) return session.fail(done.error());
    data.push_back(id);
    text += "forgotten  " + id + "\n";
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.memory_forget/1"}, {"data", std::move(data)}}));
  return delivered(session, text);
}

namespace {

Result<MemoryBlock> change_block(const Session& session, Workspace& space, const std::string& agent,
                                 const std::string& label) {
  workflow::BlockChange change;
  change.label = label;
  change.value = WRENCH_TRY(given_text(session.invocation.value("--set"), workflow::kMemoryBlockCharactersMax * 4 + 1));
  change.read_only = session.invocation.has("--read-only");
  if (session.invocation.has("--expect-version"))
    change.expected_version = session.invocation.number("--expect-version", 0);
  return space.memory().set_block(agent, change, acting_user());
}

ExitCode show_blocks(Session& session, const std::string& agent, const std::vector<MemoryBlock>& blocks) {
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& block : blocks) data.push_back(to_json(block));
    return delivered_json(session, Json::object({{"schema", "wrench.memory_blocks/1"},
                                                 {"agent", agent},
                                                 {"data", std::move(data)},
                                                 {"next_cursor", nullptr}}));
  }
  if (blocks.empty()) return delivered(session, "No blocks.\n");
  std::string text;
  for (const auto& block : blocks) {
    text += block.label + "  version " + std::to_string(block.version) + (block.read_only ? ", read-only" : "") + ", " +
            Console::safe(block.updated_by) + ", " + format_date(block.updated_at) + "\n";
    for (const auto line : split(block.value, '\n')) text += "  " + Console::safe(line) + "\n";
  }
  return delivered(session, text);
}

}  // namespace

ExitCode run_memory_blocks(Session& session) {
  const auto& given = session.invocation;
  const bool changes = given.has("--set") || given.has("--remove");
  const std::string agent = given.arguments.front();
  const std::string label = given.arguments.size() > 1 ? given.arguments[1] : "";
  if (changes && label.empty()) return session.fail(Error("cli.missing_argument", "which block? NAME LABEL"));
  if (given.has("--set") && given.has("--remove"))
    return session.fail(Error("cli.invalid_value", "--set or --remove, not both"));
  auto space = Workspace::open(session, changes ? Workspace::Use::Write : Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  if (auto known = check_agent(**space, agent); !known) return session.fail(known.error());
  if (given.has("--set")) {
    const auto block = change_block(session, **space, agent, label);
    if (!block) return session.fail(block.error());
  } else if (given.has("--remove")) {
    if (auto removed = (*space)->memory().remove_block(agent, label, acting_user()); !removed)
      return session.fail(removed.error());
  }
  auto blocks = (*space)->memory().blocks(agent);
  if (!blocks) return session.fail(blocks.error());
  if (!changes && !label.empty()) {
    std::erase_if(*blocks, [&](const MemoryBlock& block) { return block.label != label; });
    if (blocks->empty())
      return session.fail(
          Error("workflow.block_not_found", agent + " has no block '" + escape_for_display(label) + "'"));
  }
  return show_blocks(session, agent, *blocks);
}

}  // namespace wrench::app
