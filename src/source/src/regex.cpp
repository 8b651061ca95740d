#include "wrench/source/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "wrench/base/assert.hpp"

namespace wrench::source {

namespace {

constexpr std::int64_t kRe2MemoryBytes = std::int64_t{8} << 20;

struct PcreCode {
  pcre2_code* code = nullptr;
  ~PcreCode() { pcre2_code_free(code); }
};
struct PcreMatch {
  pcre2_match_data* data = nullptr;
  ~PcreMatch() { pcre2_match_data_free(data); }
};
struct PcreContext {
  pcre2_match_context* context = nullptr;
  ~PcreContext() { pcre2_match_context_free(context); }
};

std::string pcre_message(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return {buffer.begin(), std::find(buffer.begin(), buffer.end(), PCRE2_UCHAR{0})};
}

}  // namespace

namespace {

using Outcome = Regex::Outcome;

/// Compiled for one of the two engines.
struct Program {
  std::unique_ptr<re2::RE2> re2;
  PcreCode pcre;
  std::size_t groups = 0;
  std::vector<std::string> names;

  Outcome run(std::string_view text, std::size_t from, bool anchored, std::vector<RegexSpan>* out) const {
    if (from > text.size()) return Outcome::NoMatch;
    if (!re2 && pcre.code == nullptr) return Outcome::NoMatch;
    return re2 ? run_re2(text, from, anchored, out) : run_pcre(text, from, anchored, out);
  }

  Outcome run_re2(std::string_view text, std::size_t from, bool anchored, std::vector<RegexSpan>* out) const {
    std::vector<re2::StringPiece> pieces(out == nullptr ? 0 : groups + 1);
    const re2::StringPiece subject(text.data(), text.size());
    if (!re2->Match(subject, from, text.size(), anchored ? re2::RE2::ANCHOR_START : re2::RE2::UNANCHORED, pieces.data(),
                    static_cast<int>(pieces.size())))
      return Outcome::NoMatch;
    if (out != nullptr) {
      out->assign(groups + 1, RegexSpan{});
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (pieces[i].data() == nullptr) continue;
        const auto first = static_cast<std::size_t>(pieces[i].data() - text.data());
        (*out)[i] = {first, first + pieces[i].size()};
      }
    }
    return Outcome::Match;
  }

  Outcome run_pcre(std::string_view text, std::size_t from, bool anchored, std::vector<RegexSpan>* out) const {
    // Match data and limits are not shared between threads; both are small.
    const PcreMatch match{pcre2_match_data_create_from_pattern(pcre.code, nullptr)};
    const PcreContext context{pcre2_match_context_create(nullptr)};
    WRENCH_ASSERT(match.data != nullptr && context.context != nullptr);
    pcre2_set_match_limit(context.context, kRegexMatchLimit);
    const int count = pcre2_match(pcre.code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                                  anchored ? PCRE2_ANCHORED : 0, match.data, context.context);
    if (count == PCRE2_ERROR_NOMATCH) return Outcome::NoMatch;
    if (count < 0) return Outcome::LimitReached;  // Match, depth or JIT stack limit: the answer is unknown.
    if (out != nullptr) {
      const auto* vector = pcre2_get_ovector_pointer(match.data);
      out->assign(groups + 1, RegexSpan{});
      for (std::size_t i = 0; i < std::min<std::size_t>(groups + 1, static_cast<std::size_t>(count)); ++i)
        if (vector[2 * i] != PCRE2_UNSET) (*out)[i] = {vector[2 * i], vector[2 * i + 1]};
    }
    return Outcome::Match;
  }
};

Result<std::unique_ptr<Program>> build(std::string_view pattern, const RegexOptions& options);

}  // namespace

struct Regex::State {
  State(std::string_view text, const RegexOptions& how) : pattern(text), options(how) {}

  std::string pattern;
  RegexOptions options;
  mutable std::once_flag built;
  mutable std::unique_ptr<Program> ready;

  const Program& program() const {
    std::call_once(built, [&] {
      if (ready) return;
      auto made = build(pattern, options);
      ready = made ? std::move(*made) : std::make_unique<Program>();
    });
    return *ready;
  }
};

Regex::Regex(std::unique_ptr<State> state) : state_(std::move(state)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

namespace {

Result<std::unique_ptr<Program>> build(std::string_view pattern, const RegexOptions& options) {
  if (pattern.size() > kRegexBytesMax)
    return Error("source.invalid_regex", "the regular expression has more than 64 KiB");
  auto state = std::make_unique<Program>();
  std::string flags;
  if (options.caseless) flags += 'i';
  if (options.multiline) flags += 'm';
  if (options.dot_all) flags += 's';
  re2::RE2::Options re2_options(re2::RE2::Quiet);
  re2_options.set_max_mem(kRe2MemoryBytes);
  auto linear =
      std::make_unique<re2::RE2>((flags.empty() ? "" : "(?" + flags + ")") + std::string(pattern), re2_options);
  // \Z, \h and the like are PCRE's: RE2 refuses them, and so never gives them another meaning.
  if (linear->ok()) {
    state->groups = static_cast<std::size_t>(linear->NumberOfCapturingGroups());
    state->names.resize(state->groups);
    for (const auto& [number, name] : linear->CapturingGroupNames())
      state->names[static_cast<std::size_t>(number - 1)] = name;
    state->re2 = std::move(linear);
    return state;
  }
  std::uint32_t bits = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DUPNAMES;
  if (options.caseless) bits |= PCRE2_CASELESS;
  if (options.multiline) bits |= PCRE2_MULTILINE;
  if (options.dot_all) bits |= PCRE2_DOTALL;
  int failure = 0;
  PCRE2_SIZE offset = 0;
  state->pcre.code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), bits, &failure, &offset, nullptr);
  if (state->pcre.code == nullptr)
    return Error("source.invalid_regex", "regular expression doesn't compile at character " +
                                             std::to_string(offset + 1) + ": " + pcre_message(failure));
  pcre2_jit_compile(state->pcre.code, PCRE2_JIT_COMPLETE);  // Without JIT the interpreter runs: slower, same answers.
  std::uint32_t groups = 0, name_count = 0, entry_size = 0;
  PCRE2_SPTR table = nullptr;
  pcre2_pattern_info(state->pcre.code, PCRE2_INFO_CAPTURECOUNT, &groups);
  pcre2_pattern_info(state->pcre.code, PCRE2_INFO_NAMECOUNT, &name_count);
  pcre2_pattern_info(state->pcre.code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
  pcre2_pattern_info(state->pcre.code, PCRE2_INFO_NAMETABLE, &table);
  state->groups = groups;
  state->names.resize(groups);
  for (std::uint32_t i = 0; i < name_count; ++i) {
    const auto* entry = table + std::size_t{i} * entry_size;
    const std::size_t number = static_cast<std::size_t>(entry[0]) << 8 | entry[1];
    if (number >= 1 && number <= groups) state->names[number - 1] = reinterpret_cast<const char*>(entry + 2);
  }
  return state;
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern, const RegexOptions& options) {
  auto made = build(pattern, options);
  if (!made) return std::move(made).error();
  auto state = std::make_unique<State>(pattern, options);
  state->ready = std::move(*made);
  return Regex(std::move(state));
}

Regex Regex::deferred(std::string_view pattern, const RegexOptions& options) {
  return Regex(std::make_unique<State>(pattern, options));
}

Regex::Outcome Regex::search(std::string_view text, std::size_t from, std::vector<RegexSpan>& groups) const {
  return state_->program().run(text, from, false, &groups);
}
Regex::Outcome Regex::match_start(std::string_view text) const { return state_->program().run(text, 0, true, nullptr); }
Regex::Outcome Regex::contains(std::string_view text) const { return state_->program().run(text, 0, false, nullptr); }
std::size_t Regex::group_count() const { return state_->program().groups; }
const std::vector<std::string>& Regex::group_names() const { return state_->program().names; }
bool Regex::is_linear() const { return state_->program().re2 != nullptr; }
const std::string& Regex::pattern() const { return state_->pattern; }
const RegexOptions& Regex::options() const { return state_->options; }

}  // namespace wrench::source
