#include <algorithm>
#include <utility>

#include "backup_file.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::storage {
namespace {

using codec::Json;

constexpr std::size_t kTextBytesMax = 128;
constexpr std::size_t kHashDigits = 64;
constexpr int kManifestDepthMax = 3;

Error damaged(std::string_view member) {
  return Error("backup.damaged", "the backup's manifest has no usable '" + std::string(member) + "'");
}

/// Reads members of the manifest; the first one that is missing or wrong is the error.
class Members {
 public:
  explicit Members(const Json& json) : json_(json) {}
  std::int64_t number(std::string_view name) {
    const Json& member = json_.at(name);
    if (!member.is_integer() || member.as_integer() < 0) fail(name);
    return member.as_integer();
  }
  std::string text(std::string_view name) {
    const std::string_view member = json_.at(name).as_string();
    if (member.empty() || member.size() > kTextBytesMax) fail(name);
    return std::string(member);
  }
  void fail(std::string_view name) {
    if (wrong_.empty()) wrong_ = name;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const Json& json_;
  std::string wrong_;
};

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string encode_manifest(const BackupManifest& manifest) {
  Json rows = Json::object();
  for (const auto& [table, count] : manifest.rows) rows.set(table, count);
  Json out = Json::object({{"method", manifest.method},
                           {"store_id", manifest.store_id},
                           {"epoch", manifest.epoch},
                           {"schema_version", manifest.schema_version},
                           {"event_seq", manifest.event_seq},
                           {"created_at", manifest.created_at},
                           {"program_version", manifest.program_version},
                           {"database_version", manifest.database_version},
                           {"content_bytes", manifest.content_bytes},
                           {"content_sha256", manifest.content_sha256},
                           {"encrypted", manifest.encrypted},
                           {"rows", std::move(rows)}});
  if (!manifest.database.empty())
    out.set("server",
            Json::object({{"database", manifest.database}, {"schema", manifest.schema}, {"role", manifest.role}}));
  return codec::write_json(out);
}

Result<BackupManifest> decode_manifest(std::string_view json) {
  const auto parsed = codec::parse_json(
      json, {.bytes_max = kBackupManifestBytesMax, .depth_max = kManifestDepthMax, .values_max = 2 * kBackupTablesMax});
  if (!parsed.ok())
    return Error("backup.damaged", "the backup's manifest can't be read").because(Error(parsed.error()));
  Members members(*parsed);
  BackupManifest manifest;
  manifest.method = members.text("method");
  manifest.store_id = members.text("store_id");
  manifest.epoch = members.number("epoch");
  manifest.schema_version = members.number("schema_version");
  manifest.event_seq = members.number("event_seq");
  manifest.created_at = members.number("created_at");
  manifest.program_version = members.text("program_version");
  manifest.database_version = members.text("database_version");
  manifest.content_bytes = static_cast<std::uint64_t>(members.number("content_bytes"));
  if (manifest.content_bytes > kBackupContentBytesMax) members.fail("content_bytes");
  manifest.content_sha256 = members.text("content_sha256");
  if (!is_hash(manifest.content_sha256)) members.fail("content_sha256");
  manifest.encrypted = parsed->at("encrypted").as_boolean();
  if (!parsed->at("encrypted").is_boolean()) members.fail("encrypted");
  const Json& rows = parsed->at("rows");
  if (!rows.is_object() || rows.as_object().size() > kBackupTablesMax) members.fail("rows");
  for (const auto& [table, count] : rows.as_object()) {
    if (table.empty() || table.size() > kTextBytesMax || !count.is_integer() || count.as_integer() < 0)
      members.fail("rows");
    manifest.rows.emplace_back(table, count.as_integer());
  }
  if (const Json& server = parsed->at("server"); !server.is_null()) {
    Members names(server);
    manifest.database = names.text("database");
    manifest.schema = names.text("schema");
    manifest.role = names.text("role");
    if (!names.wrong().empty()) members.fail("server");
  }
  if (!members.wrong().empty()) return damaged(members.wrong());
  std::sort(manifest.rows.begin(), manifest.rows.end());
  return manifest;
}

std::vector<std::string> differences(const BackupManifest& manifest, const BackupManifest& found) {
  std::vector<std::string> out;
  const auto same = [&](std::string_view what, const auto& had, const auto& has) {
    if (had != has) out.push_back("its " + std::string(what) + " isn't that of the manifest");
  };
  same("store id", manifest.store_id, found.store_id);
  same("epoch", manifest.epoch, found.epoch);
  same("newest event", manifest.event_seq, found.event_seq);
  same("schema version", manifest.schema_version, found.schema_version);
  same("number of tables", manifest.rows.size(), found.rows.size());
  for (const auto& [table, count] : manifest.rows) {
    const auto at = std::lower_bound(found.rows.begin(), found.rows.end(), std::pair(table, std::int64_t{0}));
    if (at == found.rows.end() || at->first != table)
      out.push_back("table " + table + " is missing");
    else if (at->second != count)
      out.push_back("table " + table + " has " + std::to_string(at->second) + " rows, not " + std::to_string(count));
  }
  return out;
}

}  // namespace wrench::storage
