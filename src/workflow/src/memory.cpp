#include "wrench/workflow/memory.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "memory_cache.hpp"
#include "memory_index.hpp"
#include "sql.hpp"
#include "stored_text.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::array<std::string_view, 3> kTrusts = {"model", "tool", "person"};
constexpr std::string_view kEpisode = "episode";
constexpr std::size_t kNameBytesMax = 32;
constexpr std::size_t kIdBytesMax = 64;
/// Rows read at a time, of which some may not fit the query after all.
constexpr std::size_t kReadPage = 256;
/// Expired items that each new one takes away.
constexpr std::int64_t kExpiredAtOnce = 16;
/// An answer older than so many events is asked for anew.
constexpr std::size_t kEventsBehindMax = storage::kEventPageMax;

Error invalid(std::string message) { return {"workflow.invalid_memory", std::move(message)}; }

bool is_name(std::string_view text, bool digits) {
  if (text.empty() || text.size() > kNameBytesMax) return false;
  return std::ranges::all_of(
      text, [&](char c) { return (c >= 'a' && c <= 'z') || c == '_' || (digits && c >= '0' && c <= '9'); });
}

Result<void> check(const MemoryDraft& draft) {
  if (!is_name(draft.agent, true)) return invalid("'" + escape_for_display(draft.agent) + "' is no name of an agent");
  if (!is_name(draft.kind, false)) return invalid("'" + escape_for_display(draft.kind) + "' is no kind of memory");
  if (!is_stored_text(draft.scope, kMemoryScopeBytesMax))
    return invalid("a scope is UTF-8 text of at most " + format_bytes(kMemoryScopeBytesMax));
  if (draft.tags.size() > kMemoryTagsMax) return invalid("at most " + std::to_string(kMemoryTagsMax) + " tags");
  for (const std::string& tag : draft.tags)
    if (tag.empty() || !is_stored_text(tag, kMemoryTagBytesMax))
      return invalid("a tag is UTF-8 text of at most " + format_bytes(kMemoryTagBytesMax));
  if (draft.content.is_null()) return invalid("there is nothing to remember");
  if (holds_nul(draft.content)) return invalid("the content holds U+0000");
  if (draft.ttl && *draft.ttl <= 0) return invalid("it would be forgotten at once");
  return {};
}

/// What tells items apart.
std::string hash_of(const MemoryDraft& draft) {
  const crypto::Sha256Digest digest = crypto::sha256(
      codec::canonical_json(Json::object({{"kind", draft.kind}, {"scope", draft.scope}, {"content", draft.content}})));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Json tags_json(const std::vector<std::string>& tags) {
  Json out = Json::array();
  for (const std::string& tag : tags) out.push_back(tag);
  return out;
}

Result<MemoryItem> item_of(const Rows::Row& row) {
  MemoryItem out;
  out.memory_id = row.text(1);
  out.agent = row.text(2);
  out.scope = row.text(3);
  out.kind = row.text(4);
  const Json tags = WRENCH_TRY(codec::parse_json(row.text(5)));
  for (const Json& tag : tags.as_array()) out.tags.emplace_back(tag.as_string());
  out.content = WRENCH_TRY(codec::parse_json(row.text(6)));
  const auto trust = std::ranges::find(kTrusts, row.text(7));
  out.trust = trust == kTrusts.end() ? Trust::Model : static_cast<Trust>(trust - kTrusts.begin());
  out.source_step = row.text_or_empty(8);
  out.created_at = row.integer(9);
  out.expires_at = row.optional_integer(10);
  return out;
}

/// The index finds by hashes and words; this is what was asked for.
bool fits(const MemoryItem& item, const memory_index::Query& query, Micros now) {
  if (item.expires_at && *item.expires_at <= now) return false;
  if (query.since && item.created_at < *query.since) return false;
  if (!query.kind.empty() && item.kind != query.kind) return false;
  if (!query.scope.empty() && item.scope != query.scope) return false;
  const auto has = [&](const std::string& tag) { return std::ranges::find(item.tags, tag) != item.tags.end(); };
  return std::ranges::all_of(query.tags, has) && std::ranges::all_of(query.members, [&](const auto& member) {
           return item.content.at(member.first) == member.second;
         });
}

Result<void> announce(WriteTx& tx, std::string type, std::string_view memory_id, std::string_view agent,
                      std::string_view actor) {
  storage::EventDraft event;
  event.type = std::move(type);
  event.project_id = kDefaultProject;
  event.subject_kind = "memory";
  event.subject_id = memory_id;
  event.actor = actor;
  event.payload = codec::write_json(Json::object({{"agent", agent}}));
  return tx.append_event(event);
}

Result<void> drop(WriteTx& tx, std::int64_t id) {
  WRENCH_TRY(memory_index::remove(tx, id));
  WRENCH_TRY(tx.exec(sql::kDeleteMemory, {id}));
  return {};
}

/// The item with the smallest id that isn't older than `since`: ids rise with time.
Result<std::int64_t> first_since(ReadTx& tx, Micros since) {
  std::int64_t low = 0, high = WRENCH_TRY(tx.query(sql::kMemoryTop)).front().integer(0) + 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const Rows rows = WRENCH_TRY(tx.query(sql::kMemoryAtOrAfter, {middle}));
    if (rows.empty() || rows.front().integer(1) >= since)
      high = middle;
    else
      low = rows.front().integer(0) + 1;
  }
  return low;
}

/// An item ready to be stored; what is costly is done outside of the transaction.
struct Prepared {
  storage::Dialect dialect = storage::Dialect::Sqlite;
  MemoryDraft draft;
  std::string memory_id, content, hash, tags, text;
  std::vector<std::string> keys;
};

Result<Prepared> prepare(MemoryDraft draft, storage::Dialect dialect, const Clock& clock, Random& random) {
  WRENCH_TRY(check(draft));
  Prepared out;
  out.dialect = dialect;
  out.content = codec::write_json(draft.content);
  if (out.content.size() > kMemoryContentBytesMax)
    return invalid("the content has " + format_bytes(out.content.size()) + "; at most " +
                   format_bytes(kMemoryContentBytesMax) + " are kept");
  out.memory_id = make_id("mem", clock, random);
  if (draft.kind != kEpisode) out.hash = hash_of(draft);
  out.tags = codec::write_json(tags_json(draft.tags));
  out.text = memory_index::searchable_text(draft.content, draft.tags);
  out.keys = {memory_index::agent_key(draft.agent), memory_index::scope_key(draft.scope),
              memory_index::kind_key(draft.kind)};
  for (const std::string& tag : draft.tags) out.keys.push_back(memory_index::tag_key(tag));
  for (const auto& [name, value] : draft.content.as_object()) out.keys.push_back(memory_index::member_key(name, value));
  out.draft = std::move(draft);
  return out;
}

/// Closes what the new item says otherwise.
Result<void> supersede(WriteTx& tx, const Prepared& item, std::string_view by) {
  const Rows old = WRENCH_TRY(tx.query(sql::kMemoryById, {item.draft.supersedes}));
  if (old.empty() || old.front().text(2) != item.draft.agent)
    return Error("workflow.memory_not_found", "there is no item '" + escape_for_display(item.draft.supersedes) +
                                                  "' of " + item.draft.agent + " to supersede");
  const std::int64_t id = old.front().integer(0);
  WRENCH_TRY(memory_index::remove(tx, id));
  WRENCH_TRY(tx.exec(sql::kSupersedeMemory, {tx.now(), by, id}));
  return announce(tx, "memory.superseded", item.draft.supersedes, item.draft.agent, "agent:" + item.draft.agent);
}

Result<void> keep_newest(WriteTx& tx, const MemoryDraft& draft) {
  if (draft.keep_max <= 0) return {};
  const Rows rows = WRENCH_TRY(tx.query(sql::kMemoriesBeyond, {draft.agent, draft.scope, draft.keep_max}));
  for (const auto row : rows) WRENCH_TRY(drop(tx, row.integer(0)));
  return {};
}

Result<void> drop_expired(WriteTx& tx) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kMemoriesExpired, {tx.now(), kExpiredAtOnce}));
  for (const auto row : rows) WRENCH_TRY(drop(tx, row.integer(0)));
  return {};
}

Result<StoredMemory> insert(WriteTx& tx, const Prepared& item) {
  const MemoryDraft& draft = item.draft;
  const auto hash = item.hash.empty() ? Bind(std::nullopt) : Bind::bytes(item.hash);
  WRENCH_TRY(drop_expired(tx));
  if (!item.hash.empty()) {
    const Rows known = WRENCH_TRY(tx.query(sql::kMemoryByContent, {draft.agent, hash}));
    if (!known.empty()) return StoredMemory{std::string(known.front().text(1)), true};
  }
  if (!draft.supersedes.empty()) WRENCH_TRY(supersede(tx, item, item.memory_id));
  const auto expires_at = draft.ttl ? std::optional(tx.now() + *draft.ttl) : std::nullopt;
  const Rows inserted = WRENCH_TRY(
      tx.query(sql::kInsertMemory,
               {item.memory_id, draft.agent, draft.scope, draft.kind, item.tags, item.content, hash, name(draft.trust),
                draft.source_step.empty() ? Bind(std::nullopt) : Bind(draft.source_step), tx.now(), expires_at}));
  if (inserted.empty()) {  // On PostgreSQL another process stored the same just now.
    const Rows known = WRENCH_TRY(tx.query(sql::kMemoryByContent, {draft.agent, hash}));
    if (known.empty()) return Error("workflow.conflict", "what is to be remembered changed meanwhile");
    return StoredMemory{std::string(known.front().text(1)), true};
  }
  WRENCH_TRY(memory_index::add(tx, item.dialect, inserted.front().integer(0), item.text, item.keys));
  WRENCH_TRY(keep_newest(tx, draft));
  WRENCH_TRY(announce(tx, "memory.stored", item.memory_id, draft.agent, "agent:" + draft.agent));
  return StoredMemory{item.memory_id, false};
}

Result<void> add_fitting(const Rows& rows, const memory_index::Query& query, Micros now, double score,
                         std::size_t limit, MemoryPage& page) {
  for (const auto row : rows) {
    if (page.items.size() == limit) break;
    MemoryItem item = WRENCH_TRY(item_of(row));
    item.score = score;
    if (fits(item, query, now)) page.items.push_back(std::move(item));
  }
  return {};
}

Result<MemoryPage> newest(ReadTx& tx, const memory_index::Query& query, std::string_view agent, std::int64_t first_id,
                          Micros now, std::size_t limit) {
  MemoryPage page;
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  while (page.items.size() < limit) {
    const std::size_t want = std::min(kReadPage, limit - page.items.size() + 8);
    std::size_t got = 0;
    if (query.only_scope()) {
      const Rows rows = WRENCH_TRY(tx.query(sql::kMemoriesOfScope, {agent, query.scope, first_id, before, want}));
      WRENCH_TRY(add_fitting(rows, query, now, 0, limit, page));
      got = rows.size();
      if (got > 0) before = rows[got - 1].integer(0);
    } else {
      const auto hits = WRENCH_TRY(memory_index::newest(tx, query, first_id, before, want)).hits;
      for (const auto& hit : hits) {
        const Rows rows = WRENCH_TRY(tx.query(sql::kMemoryByNo, {hit.id}));
        WRENCH_TRY(add_fitting(rows, query, now, 0, limit, page));
        before = hit.id;
      }
      got = hits.size();
    }
    if (got < want) break;
  }
  return page;
}

Result<MemoryPage> ranked(ReadTx& tx, memory_index::Frequencies& frequencies, const memory_index::Query& query,
                          std::int64_t first_id, Micros now, std::size_t limit) {
  const auto found = WRENCH_TRY(memory_index::search(tx, frequencies, query, first_id, limit + kReadPage / 8));
  MemoryPage page;
  page.approximate = found.approximate;
  for (const auto& hit : found.hits) {
    if (page.items.size() == limit) break;
    const Rows rows = WRENCH_TRY(tx.query(sql::kMemoryByNo, {hit.id}));
    WRENCH_TRY(add_fitting(rows, query, now, hit.score, limit, page));
  }
  return page;
}

MemoryBlock block_of(const Rows::Row& row) {
  MemoryBlock out;
  out.label = row.text(0);
  out.value = row.text(1);
  out.version = row.integer(2);
  out.read_only = row.integer(3) != 0;
  out.updated_at = row.integer(4);
  out.updated_by = row.text(5);
  return out;
}

Result<std::vector<MemoryBlock>> blocks_of(ReadTx& tx, std::string_view agent) {
  std::vector<MemoryBlock> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kMemoryBlocks, {agent}));
  for (const auto row : rows) out.push_back(block_of(row));
  return out;
}

Error no_block(std::string_view agent, std::string_view label) {
  return {"workflow.block_not_found", escape_for_display(agent) + " has no block '" + escape_for_display(label) + "'"};
}

bool is_agent(std::string_view actor) { return actor.starts_with("agent:"); }

Result<MemoryBlock> put_block(WriteTx& tx, std::string_view agent, const BlockChange& change, std::string_view actor) {
  const auto all = WRENCH_TRY(blocks_of(tx, agent));
  const auto old = std::ranges::find(all, change.label, &MemoryBlock::label);
  const std::int64_t version = old == all.end() ? 0 : old->version;
  if (change.expected_version && *change.expected_version != version)
    return Error("workflow.version_conflict", "the block '" + change.label + "' of " + std::string(agent) +
                                                  " has version " + std::to_string(version) + ", not " +
                                                  std::to_string(*change.expected_version));
  if (is_agent(actor) && (change.read_only || (old != all.end() && old->read_only)))
    return Error("workflow.block_read_only", "only people change the block '" + change.label + "'");
  if (old == all.end() && all.size() >= kMemoryBlocksMax)
    return Error("workflow.too_many_blocks",
                 std::string(agent) + " has " + std::to_string(kMemoryBlocksMax) + " blocks already");
  WRENCH_TRY(tx.exec(sql::kPutMemoryBlock,
                     {agent, change.label, change.value, version + 1, change.read_only ? 1 : 0, tx.now(), actor}));
  WRENCH_TRY(announce(tx, "memory.block_changed", change.label, agent, actor));
  return MemoryBlock{change.label, change.value, version + 1, change.read_only, tx.now(), std::string(actor)};
}

}  // namespace

std::string_view name(Trust trust) { return kTrusts[static_cast<std::size_t>(trust)]; }

struct Memory::State {
  State(storage::Store& of_store, const Clock& of_clock, Random& of_random, telemetry::MetricsRegistry* given)
      : store(of_store),
        clock(of_clock),
        random(of_random),
        metrics(given == nullptr ? own_metrics : *given),
        hits(metrics.counter("wrench_memory_cache_hits_total", "Memory queries answered from the cache")),
        misses(metrics.counter("wrench_memory_cache_misses_total", "Memory queries that had to be looked up")) {}

  storage::Store& store;
  const Clock& clock;
  Random& random;
  telemetry::MetricsRegistry own_metrics;
  telemetry::MetricsRegistry& metrics;
  telemetry::Counter &hits, &misses;
  MemoryCache cache{kMemoryCacheBytesMax};
  memory_index::Frequencies frequencies;

  /// Whether nothing that this agent remembers changed since the answer was made.
  Result<bool> still_right(ReadTx& tx, MemoryCache::Answer& answer, storage::EventCursor head) const {
    if (answer.as_of.epoch != head.epoch) return false;
    while (answer.as_of.seq < head.seq) {
      if (head.seq - answer.as_of.seq > static_cast<std::int64_t>(kEventsBehindMax)) return false;
      auto page = storage::event_log::read(tx, {}, answer.as_of, kEventsBehindMax);
      if (!page.ok() && page.error().code == "storage.cursor_expired") return false;
      if (!page.ok()) return std::move(page).error();
      for (const storage::Event& event : page->events) {
        if (event.what.subject_kind != "memory") continue;
        const Json payload = WRENCH_TRY(codec::parse_json(event.what.payload));
        if (payload.at("agent").as_string() == answer.agent) return false;
      }
      answer.as_of = page->next;
    }
    return true;
  }

  Result<MemoryPage> look_up(ReadTx& tx, std::string_view agent, const memory_index::Query& query, std::size_t limit) {
    const std::int64_t first_id = query.since ? WRENCH_TRY(first_since(tx, *query.since)) : 0;
    const Micros now = clock.now_us();
    if (query.has_text) return ranked(tx, frequencies, query, first_id, now, limit);
    return newest(tx, query, agent, first_id, now, limit);
  }
};

Memory::Memory(storage::Store& store, const Clock& clock, Random& random, telemetry::MetricsRegistry* metrics)
    : state_(std::make_unique<State>(store, clock, random, metrics)) {}
Memory::~Memory() = default;

Result<StoredMemory> Memory::store(MemoryDraft draft) {
  const Prepared item = WRENCH_TRY(prepare(std::move(draft), state_->store.dialect(), state_->clock, state_->random));
  StoredMemory out;
  WRENCH_TRY(state_->store.write([&](WriteTx& tx) -> Result<void> {
    out = WRENCH_TRY(insert(tx, item));
    return {};
  }));
  return out;
}

Result<storage::WriteBody> Memory::storing(MemoryDraft draft) const {
  auto item = std::make_shared<const Prepared>(
      WRENCH_TRY(prepare(std::move(draft), state_->store.dialect(), state_->clock, state_->random)));
  return storage::WriteBody([item = std::move(item)](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(insert(tx, *item));
    return {};
  });
}

Result<MemoryPage> Memory::retrieve(std::string_view agent, const Json& query, std::size_t limit) {
  const memory_index::Query wanted = WRENCH_TRY(memory_index::parse(state_->store.dialect(), agent, query));
  limit = std::clamp<std::size_t>(limit, 1, kMemoryPageMax);
  const std::string key = std::string(agent) + "\n" + std::to_string(limit) + "\n" + codec::canonical_json(query);
  return state_->store.read([&](ReadTx& tx) -> Result<MemoryPage> {
    const storage::EventCursor head = WRENCH_TRY(storage::event_log::head(tx));
    const Micros now = state_->clock.now_us();
    if (auto known = state_->cache.find(key)) {
      const bool expired = std::ranges::any_of(
          known->page->items, [&](const MemoryItem& item) { return item.expires_at && *item.expires_at <= now; });
      if (!expired && WRENCH_TRY(state_->still_right(tx, *known, head))) {
        state_->hits.add();
        MemoryPage page = *known->page;
        state_->cache.put(key, std::move(*known));
        return page;
      }
      state_->cache.erase(key);
    }
    state_->misses.add();
    auto page = std::make_shared<const MemoryPage>(WRENCH_TRY(state_->look_up(tx, agent, wanted, limit)));
    state_->cache.put(key, {std::string(agent), page, head});
    return *page;
  });
}

Result<MemoryItem> Memory::find(std::string_view id, std::string_view agent) {
  const auto not_found = [&] {
    return Error("workflow.memory_not_found",
                 "nothing is remembered as '" + escape_for_display(id.substr(0, kIdBytesMax)) + "'")
        .with_help("wrench memory search");
  };
  if (id.size() < kIdSuffixMin || id.size() > kIdBytesMax) return not_found();
  std::string wanted(id);
  for (char& c : wanted)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (wanted.starts_with("MEM_")) wanted.replace(0, 4, "mem_");
  return state_->store.read([&](ReadTx& tx) -> Result<MemoryItem> {
    const Rows rows =
        WRENCH_TRY(tx.query(sql::kMemoriesByShortId, {std::string_view(wanted).substr(wanted.size() - kIdSuffixMin)}));
    std::vector<MemoryItem> found;
    for (const auto row : rows) {
      if (!row.text(1).ends_with(wanted) || (!agent.empty() && row.text(2) != agent)) continue;
      found.push_back(WRENCH_TRY(item_of(row)));
    }
    if (found.empty()) return not_found();
    if (found.size() == 1) return std::move(found.front());
    Error error("workflow.memory_ambiguous", "several items end in '" + escape_for_display(id) + "'");
    for (const MemoryItem& item : found) error = std::move(error).with_help(item.memory_id);
    return error;
  });
}

Result<void> Memory::forget(std::string_view memory_id, std::string_view actor, std::string_view reason) {
  return state_->store.write(forgetting(std::string(memory_id), std::string(actor), std::string(reason)));
}

storage::WriteBody Memory::forgetting(std::string memory_id, std::string actor, std::string reason) const {
  return [memory_id = std::move(memory_id), actor = std::move(actor),
          reason = std::move(reason)](WriteTx& tx) -> Result<void> {
    const Rows rows = WRENCH_TRY(tx.query(sql::kMemoryById, {memory_id}));
    if (rows.empty())
      return Error("workflow.memory_not_found", "nothing is remembered as '" + escape_for_display(memory_id) + "'");
    const std::string agent(rows.front().text(2));
    WRENCH_TRY(drop(tx, rows.front().integer(0)));
    WRENCH_TRY(tx.exec(sql::kInsertTombstone, {memory_id, agent, tx.now(), actor, reason}));
    return announce(tx, "memory.forgotten", memory_id, agent, actor);
  };
}

Result<std::vector<MemoryBlock>> Memory::blocks(std::string_view agent) {
  return state_->store.read([&](ReadTx& tx) { return blocks_of(tx, agent); });
}

Result<MemoryBlock> Memory::set_block(std::string_view agent, const BlockChange& change, std::string_view actor) {
  if (!is_name(agent, true)) return invalid("'" + escape_for_display(agent) + "' is no name of an agent");
  if (!is_name(change.label, true)) return invalid("'" + escape_for_display(change.label) + "' is no label of a block");
  if (!is_stored_text(change.value, kMemoryBlockCharactersMax * 4) ||
      count_code_points(change.value) > kMemoryBlockCharactersMax)
    return invalid("a block is UTF-8 text of at most " + std::to_string(kMemoryBlockCharactersMax) + " characters");
  MemoryBlock out;
  WRENCH_TRY(state_->store.write([&](WriteTx& tx) -> Result<void> {
    out = WRENCH_TRY(put_block(tx, agent, change, actor));
    return {};
  }));
  return out;
}

Result<void> Memory::remove_block(std::string_view agent, std::string_view label, std::string_view actor) {
  return state_->store.write([&](WriteTx& tx) -> Result<void> {
    const auto all = WRENCH_TRY(blocks_of(tx, agent));
    const auto old = std::ranges::find(all, label, &MemoryBlock::label);
    if (old == all.end()) return no_block(agent, label);
    if (is_agent(actor) && old->read_only)
      return Error("workflow.block_read_only", "only people change the block '" + old->label + "'");
    WRENCH_TRY(tx.exec(sql::kDeleteMemoryBlock, {agent, label}));
    return announce(tx, "memory.block_changed", label, agent, actor);
  });
}

MemoryStats Memory::stats() const { return {state_->hits.value(), state_->misses.value(), state_->cache.bytes()}; }

}  // namespace wrench::workflow
