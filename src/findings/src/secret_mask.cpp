#include "wrench/findings/secret_mask.hpp"

#include <algorithm>
#include <cstring>

#include "wrench/base/text.hpp"

namespace wrench::findings {
namespace {

constexpr std::size_t kPreviewCharacters = 4;
constexpr std::size_t kPreviewedCharactersMin = 16;

std::uint32_t first_bytes(std::string_view text, std::size_t at) {
  std::uint32_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

std::uint16_t hash_of(std::uint32_t word) { return static_cast<std::uint16_t>((word * 0x9E3779B1U) >> 16); }

// One '*' per code point, line breaks as they are.
void append_stars(std::string& out, std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const char32_t c = next_code_point(text, at);
    out += c == '\n' ? '\n' : c == '\r' ? '\r' : '*';
  }
}

}  // namespace

std::string masked_secret(std::string_view secret) {
  std::string out;
  std::size_t shown = 0;
  if (count_code_points(secret) >= kPreviewedCharactersMin) {
    for (std::size_t i = 0; i < kPreviewCharacters; ++i) next_code_point(secret, shown);
    out += secret.substr(0, shown);
  }
  append_stars(out, secret.substr(shown));
  return out;
}

bool holds_masked_secret(std::string_view text) {
  return text.find(std::string(SecretMask::kValueBytesMin, '*')) != std::string_view::npos;
}

SecretMask::SecretMask(std::span<const Finding> findings, const SourceLookup& sources) {
  for (const Finding& finding : findings) {
    for (const Location& where : finding.secrets) {
      spans_[where.path].emplace_back(where.start.offset, where.end.offset);
    }
  }
  for (auto& [path, spans] : spans_) {
    std::sort(spans.begin(), spans.end());
    const auto text = sources.text(path);
    if (text != nullptr) {
      for (const auto& [start, end] : spans) {
        if (start < end && end <= text->size()) add_value(std::string_view(*text).substr(start, end - start));
      }
    }
    std::vector<Span> merged;
    for (const Span& span : spans) {
      if (!merged.empty() && span.first <= merged.back().second) {
        merged.back().second = std::max(merged.back().second, span.second);
      } else {
        merged.push_back(span);
      }
    }
    spans = std::move(merged);
  }
  // A longer secret may hold a shorter one: try it first.
  for (auto& [word, indexes] : by_first_bytes_) {
    std::sort(indexes.begin(), indexes.end(),
              [this](std::uint32_t a, std::uint32_t b) { return values_[a].size() > values_[b].size(); });
  }
}

void SecretMask::add_value(std::string_view value) {
  if (value.find('\n') != std::string_view::npos) {
    // A key of many lines: a snippet may hold any of them.
    for (const std::string_view line : split(value, '\n')) add_value(trim(line));
    return;
  }
  if (value.size() < kValueBytesMin) return;
  const std::uint32_t word = first_bytes(value, 0);
  auto& indexes = by_first_bytes_[word];
  if (std::any_of(indexes.begin(), indexes.end(), [&](std::uint32_t i) { return values_[i] == value; })) return;
  indexes.push_back(static_cast<std::uint32_t>(values_.size()));
  values_.emplace_back(value);
  first_bytes_.set(hash_of(word));
}

// Length of the secret that begins here, 0 if none does.
std::size_t SecretMask::value_at(std::string_view text, std::size_t at) const {
  const auto found = by_first_bytes_.find(first_bytes(text, at));
  if (found == by_first_bytes_.end()) return 0;
  for (const std::uint32_t i : found->second) {
    if (text.substr(at).starts_with(values_[i])) return values_[i].size();
  }
  return 0;
}

// Where the next secret at or behind `at` begins; npos without one.
std::size_t SecretMask::next_value(std::string_view text, std::size_t at) const {
  if (values_.empty()) return std::string_view::npos;
  for (; at + kValueBytesMin <= text.size(); ++at)
    if (first_bytes_.test(hash_of(first_bytes(text, at))) && value_at(text, at) != 0) return at;
  return std::string_view::npos;
}

std::string SecretMask::in_text(std::string_view text) const {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = next_value(text, 0); at != std::string_view::npos; at = next_value(text, copied)) {
    const std::size_t length = value_at(text, at);
    out += text.substr(copied, at - copied);
    out += masked_secret(text.substr(at, length));
    copied = at + length;
  }
  out += text.substr(copied);
  return out;
}

void SecretMask::hide_in(std::string& text) const {
  if (next_value(text, 0) != std::string_view::npos) text = in_text(text);
}

std::string SecretMask::in_source(std::string_view path, std::string_view part, std::uint64_t offset) const {
  const auto found = spans_.find(path);
  if (found == spans_.end()) return in_text(part);
  std::string out;
  std::uint64_t copied = offset;
  const std::uint64_t part_end = offset + part.size();
  for (const auto& [start, end] : found->second) {
    if (end <= copied || start >= part_end) continue;
    const std::uint64_t from = std::max(start, copied);
    const std::uint64_t to = std::min(end, part_end);
    out += in_text(part.substr(copied - offset, from - copied));
    const std::string_view secret = part.substr(from - offset, to - from);
    if (from == start && to == end) {
      out += masked_secret(secret);
    } else {
      append_stars(out, secret);  // A piece of it: the first four characters would no longer be the secret's first.
    }
    copied = to;
  }
  out += in_text(part.substr(copied - offset));
  return out;
}

namespace {

class ReportMasker {
 public:
  ReportMasker(const SecretMask& mask, const SourceLookup& sources) : mask_(mask), sources_(sources) {}

  void finding(Finding& finding) {
    lines(finding);
    for (std::string* field :
         {&finding.title, &finding.message, &finding.symbol, &finding.reached_from, &finding.where.path})
      text(*field);
    for (Metavar& metavar : finding.metavars) {
      text(metavar.text);
      if (metavar.value) text(*metavar.value);
    }
    for (TraceStep& step : finding.trace) {
      text(step.where.path);
      text(step.note);
    }
    for (Related& related : finding.related) {
      text(related.where.path);
      text(related.note);
    }
    for (Location& secret : finding.secrets) text(secret.path);
    if (finding.fix) {
      text(finding.fix->description);
      for (Edit& edit : finding.fix->edits) {
        text(edit.where.path);
        text(edit.text);
      }
    }
    if (finding.suppressed) {
      text(finding.suppressed->reason);
      text(finding.suppressed->source);
    }
    text(finding.reopened);
    if (finding.introduced) text(finding.introduced->author);
    if (finding.historic) text(finding.historic->path);
    json(finding.metadata);
  }

  void text(std::string& value) { mask_.hide_in(value); }

  void json(codec::Json& value) {
    if (value.is_string()) {
      value = mask_.in_text(value.as_string());
    } else if (value.is_array()) {
      for (codec::Json& item : value.array_ref()) json(item);
    } else if (value.is_object()) {
      for (auto& member : value.object_ref()) json(member.second);
    }
  }

 private:
  // A snippet may be cut inside a secret, where its value is no longer recognisable; its place still is.
  void lines(Finding& finding) {
    const auto source = sources_.text(finding.where.path);
    const std::uint64_t start = finding.where.start.offset;
    if (source != nullptr && start <= source->size()) {
      const std::size_t newline = start == 0 ? std::string::npos : source->rfind('\n', start - 1);
      const std::size_t line_start = newline == std::string::npos ? 0 : newline + 1;
      if (std::string_view(*source).substr(line_start).starts_with(finding.lines)) {
        finding.lines = mask_.in_source(finding.where.path, finding.lines, line_start);
        return;
      }
    }
    text(finding.lines);
  }

  const SecretMask& mask_;
  const SourceLookup& sources_;
};

}  // namespace

void mask_secrets(Report& report, const SourceLookup& sources) {
  const SecretMask mask(report.findings, sources);
  if (mask.empty()) return;
  ReportMasker masker(mask, sources);
  for (Finding& finding : report.findings) masker.finding(finding);
  for (FileMetrics& file : report.files) masker.text(file.path);
  for (FunctionMetrics& function : report.functions) {
    masker.text(function.path);
    masker.text(function.name);
  }
  for (CloneClass& clone : report.clones) {
    for (Location& member : clone.members) masker.text(member.path);
    for (std::string& rename : clone.renames) masker.text(rename);
    masker.text(clone.proposal);
  }
  for (ImportCycle& cycle : report.cycles) {
    for (std::string& module : cycle.modules) masker.text(module);
    for (Location& where : cycle.evidence) masker.text(where.path);
  }
  for (std::vector<ModuleEdge>* edges : {&report.edges_added, &report.edges_removed}) {
    for (ModuleEdge& edge : *edges) {
      masker.text(edge.from);
      masker.text(edge.to);
      masker.text(edge.where.path);
    }
  }
  for (Hotspot& hotspot : report.hotspots) masker.text(hotspot.path);
  for (Skipped& skipped : report.skipped) masker.text(skipped.path);
  for (Partial& partial : report.partial) {
    masker.text(partial.path);
    masker.text(partial.subject);
    masker.text(partial.detail);
  }
  for (Error& error : report.errors) {
    masker.text(error.message);
    masker.text(error.place.file);
  }
  for (std::string& note : report.notes) masker.text(note);
  masker.json(report.history);
}

}  // namespace wrench::findings
