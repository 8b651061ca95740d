#include "wrench/agents/goal_reading.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::agents {

namespace {

constexpr double kK1 = 1.2, kB = 0.75;
constexpr std::size_t kWordsMax = 2'000;

/// Words that mean another one, by which capabilities are described.
constexpr std::pair<std::string_view, std::string_view> kSynonyms[] = {{"analyze", "analyse"},
                                                                       {"analysis", "analyse"},
                                                                       {"examine", "inspect"},
                                                                       {"look", "find"},
                                                                       {"search", "find"},
                                                                       {"detect", "find"},
                                                                       {"identify", "find"},
                                                                       {"list", "find"},
                                                                       {"locate", "find"},
                                                                       {"show", "find"},
                                                                       {"hunt", "find"},
                                                                       {"verify", "check"},
                                                                       {"defect", "bug"},
                                                                       {"error", "bug"},
                                                                       {"issue", "bug"},
                                                                       {"problem", "bug"},
                                                                       {"fault", "bug"},
                                                                       {"mistake", "bug"},
                                                                       {"smell", "quality"},
                                                                       {"duplicate", "clone"},
                                                                       {"duplication", "clone"},
                                                                       {"complex", "complexity"},
                                                                       {"complicated", "complexity"},
                                                                       {"leak", "secret"},
                                                                       {"passphrase", "password"},
                                                                       {"weakness", "vulnerability"},
                                                                       {"vulnerable", "vulnerability"},
                                                                       {"insecure", "security"},
                                                                       {"secure", "security"},
                                                                       {"owner", "ownership"},
                                                                       {"author", "ownership"},
                                                                       {"commit", "history"},
                                                                       {"git", "history"},
                                                                       {"repo", "repository"},
                                                                       {"codebase", "repository"},
                                                                       {"project", "repository"}};

/// What asks for another text, state or place than there is.
constexpr std::string_view kChanging[] = {
    "fix",      "repair",  "refactor", "rewrite", "rename",  "implement", "add",    "write",    "create", "generate",
    "delete",   "remove",  "deploy",   "migrate", "upgrade", "update",    "change", "replace",  "build",  "optimise",
    "optimize", "install", "merge",    "commit",  "push",    "release",   "format", "translate"};
/// In titles and goals alike, and say nothing.
constexpr std::string_view kFillers[] = {"a",  "an", "and", "at", "for", "from", "in",
                                         "it", "of", "on",  "or", "the", "this", "to"};
constexpr std::string_view kNegations[] = {"don't", "dont", "not", "never", "without", "no"};

/// Without endings: "scanning", "scans" and "scan" are one word. Not for people.
std::string stem(std::string word) {
  const auto cut = [&word](std::string_view ending, std::size_t least) {
    if (!word.ends_with(ending) || word.size() < least) return false;
    word.resize(word.size() - ending.size());
    return true;
  };
  if (cut("ies", 5)) {
    word += 'y';
  } else if (!word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is")) {
    cut("s", 4);
  }
  if (cut("ing", 6) || cut("ed", 5)) {
    const std::size_t n = word.size();
    if (n > 2 && word[n - 1] == word[n - 2] && word[n - 1] != 's') word.pop_back();
  }
  cut("e", 4);
  return word;
}

std::string meaning(const std::string& word) {
  static const std::map<std::string, std::string> synonyms = [] {
    std::map<std::string, std::string> out;
    for (const auto& [from, to] : kSynonyms) out.emplace(stem(std::string(from)), stem(std::string(to)));
    return out;
  }();
  const std::string stemmed = stem(word);
  const auto found = synonyms.find(stemmed);
  return found == synonyms.end() ? stemmed : found->second;
}

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'';
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::string_view (&words)[N]) {
  return std::ranges::find(words, word) != std::end(words);
}

/// Lower-case words of what is asked for; what is ruled out ("don't change code") isn't.
std::vector<std::string> words_of(std::string_view text) {
  const std::string lower = to_lower_ascii(text);
  std::vector<std::string> out;
  std::string word;
  bool ruled_out = false;
  const auto end_word = [&] {
    if (is_one_of(word, kNegations)) ruled_out = true;
    if (word.size() > 1 && !ruled_out && !is_one_of(word, kFillers) && out.size() < kWordsMax) out.push_back(word);
    word.clear();
  };
  for (const char c : lower) {
    if (is_word_byte(c)) {
      word += c;
      continue;
    }
    end_word();
    if (std::string_view(".,;:!?\n()").find(c) != std::string_view::npos) ruled_out = false;
  }
  end_word();
  return out;
}

/// Something that can be meant.
struct Candidate {
  std::string what, title;
  std::string gives;  ///< Port type; empty: of the kind `what`.
  std::set<std::string> verbs, objects;
  std::map<std::string, int> terms;
  int length = 0;

  void add(const std::string& term) {
    ++terms[term];
    ++length;
  }
};

Candidate candidate(std::string what, std::string title, std::string gives, const Intent& intent) {
  Candidate out;
  out.what = std::move(what);
  out.title = std::move(title);
  out.gives = std::move(gives);
  for (const auto& word : words_of(out.title)) out.add(meaning(word));
  for (const auto& verb : intent.verbs) {
    out.verbs.insert(meaning(verb));
    out.add(meaning(verb));
  }
  for (const auto& object : intent.objects) {
    out.objects.insert(meaning(object));
    out.add(meaning(object));
  }
  return out;
}

std::vector<Candidate> candidates_of(const Registry& registry) {
  std::vector<Candidate> out;
  out.push_back(candidate("review", "Review everything in a repository", "",
                          {{"review", "judge", "check", "inspect"}, {"repository", "everything", "all"}}));
  for (const auto* capability : registry.capabilities())
    if (!capability->gives.empty() && !capability->intent.verbs.empty())
      out.push_back(candidate(capability->id, capability->title, capability->gives.front().type, capability->intent));
  return out;
}

std::vector<Reading> score(const std::vector<std::string>& words, const std::vector<Candidate>& candidates) {
  std::map<std::string, std::string> said;  // By meaning.
  for (const auto& word : words) said.emplace(meaning(word), word);
  double average = 0;
  for (const auto& c : candidates) average += c.length / static_cast<double>(candidates.size());
  const auto n = static_cast<double>(candidates.size());
  std::vector<Reading> out;
  for (const auto& c : candidates) {
    Reading reading{c.what, c.title, 0, {}};
    double bm25 = 0;
    bool verb = false, object = false;
    for (const auto& [term, word] : said) {
      const auto found = c.terms.find(term);
      if (found == c.terms.end()) continue;
      const auto holding = static_cast<double>(
          std::ranges::count_if(candidates, [&](const Candidate& other) { return other.terms.contains(term); }));
      const double idf = std::log(1 + (n - holding + 0.5) / (holding + 0.5));
      const double tf = found->second;
      bm25 += idf * tf * (kK1 + 1) / (tf + kK1 * (1 - kB + kB * c.length / average));
      verb = verb || c.verbs.contains(term);
      object = object || c.objects.contains(term);
      reading.matched.push_back(word);
    }
    reading.score = 0.5 * bm25 / (bm25 + 2) + (verb ? 0.3 : 0) + (object ? 0.2 : 0);
    out.push_back(std::move(reading));
  }
  std::ranges::stable_sort(out, [](const Reading& a, const Reading& b) { return a.score > b.score; });
  return out;
}

Error with_choices(Error error, const std::vector<Reading>& readings) {
  for (std::size_t i = 0; i < std::min(kReadingsShown, readings.size()); ++i)
    error = std::move(error).with_help("perhaps: " + readings[i].title + " (" + readings[i].what + ")");
  return std::move(error).with_help("wrench review PATH, wrench playbook list, wrench agent list");
}

Result<void> check(std::string_view text) {
  const auto bad = [](std::string why) { return Error("agent.bad_goal", std::move(why)); };
  if (trim(text).empty()) return bad("the goal is empty: say what is to be done");
  if (text.size() > kGoalBytesMax)
    return bad("the goal has " + format_bytes(text.size()) + "; at most " + format_bytes(kGoalBytesMax) + " are read");
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos)
    return bad("the goal isn't UTF-8 text, or holds U+0000");
  return {};
}

}  // namespace

Result<GoalReading> read_goal(std::string_view text, const Registry& registry) {
  WRENCH_TRY(check(text));
  const auto candidates = candidates_of(registry);
  const auto words = words_of(text);
  auto readings = score(words, candidates);
  // The first verb says what is wanted: "find code to remove" finds, "fix what you find" changes.
  for (const auto& word : words) {
    const std::string meant = meaning(word);
    if (std::ranges::any_of(candidates, [&](const Candidate& c) { return c.verbs.contains(meant); })) break;
    if (std::ranges::any_of(kChanging, [&](std::string_view verb) { return stem(std::string(verb)) == stem(word); }))
      return with_choices(Error("agent.no_plan", "no agent here can '" + word +
                                                     "': they read and judge, and without a language model none makes "
                                                     "changes"),
                          readings);
  }
  if (readings.front().score < kReadingScoreMin)
    return with_choices(Error("agent.no_plan", "the goal isn't clear enough to plan it without a language model: " +
                                                   (readings.front().matched.empty()
                                                        ? std::string("no word of it says what an agent here does")
                                                        : "only '" + join(readings.front().matched, "', '") +
                                                              "' says something of what agents here do")),
                        readings);
  GoalReading out;
  const double least = std::max(kReadingScoreMin, readings.front().score - kReadingMargin);
  std::erase_if(readings, [&](const Reading& reading) { return reading.score < least; });
  out.readings = std::move(readings);
  out.kind = "goal";
  for (const auto& reading : out.readings) {
    const auto found = std::ranges::find(candidates, reading.what, &Candidate::what);
    // Whatever else is meant is part of it.
    if (found->gives.empty()) out.kind = found->what;
    if (!found->gives.empty() && std::ranges::find(out.wants, found->gives) == out.wants.end())
      out.wants.push_back(found->gives);
  }
  if (out.kind != "goal") out.wants.clear();
  return out;
}

}  // namespace wrench::agents
