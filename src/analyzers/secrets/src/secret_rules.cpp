#include "wrench/secrets/secret_rules.hpp"

#include <algorithm>
#include <set>

#include "rules_state.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/yaml.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::secrets {
namespace {

using codec::YamlNode;

constexpr std::string_view kRuleKeys[] = {"id",        "mode",       "title",     "message",  "advice",   "provider",
                                          "severity",  "confidence", "form",      "regex",    "assigned", "group",
                                          "entropy",   "keywords",   "stopwords", "allow",    "path",     "checksum",
                                          "structure", "tests",      "find",      "metadata", "cwe",      "languages"};

Error fault(const SecretRule& rule, const YamlNode& node, std::string message) {
  return Error("secrets.invalid_rule", "rule '" + rule.id + "': " + std::move(message))
      .at(rule.file, static_cast<int>(node.line), static_cast<int>(node.column));
}

Result<std::vector<std::string>> texts(const SecretRule& rule, const YamlNode& node) {
  std::vector<std::string> out;
  if (node.is_scalar()) return std::vector<std::string>{node.text};
  if (!node.is_sequence()) return fault(rule, node, "expected a text or a list of texts");
  for (const auto& item : node.items) {
    if (!item.is_scalar()) return fault(rule, item, "expected a text");
    out.push_back(item.text);
  }
  return out;
}

// A name that holds one of `names`, up to where its value may follow.
std::string assigned_find(const std::string& names) {
  return "(?i:" + names + R"rx()[\w .\-]{0,24}["'`\])]{0,3}[ \t]{0,4}[=:?|,>( \t])rx";
}

// The value of a name that holds one of `names`, however the language assigns: =, :, :=, =>, XML attributes, flags.
std::string assigned_regex(const std::string& names, const std::string& value) {
  return "(?i:" + names +
         R"rx()[\w .\-]{0,24}["'`\])]{0,3}[ \t]{0,4}(?::=|=>|\?=|\|\||[=:,>(]|[ \t])[ \t]{0,4}(?:[=>][ \t]?)?["'`]{0,3}()rx" +
         value + R"rx()(?:["'`;,<)\s\\&}]|$))rx";
}

Result<SecretRule> read_rule(const YamlNode& node, const std::string& file) {
  SecretRule rule;
  rule.file = file;
  rule.line = static_cast<int>(node.line);
  if (const auto* id = node.find("id"); id != nullptr && id->is_scalar()) rule.id = id->text;
  if (rule.id.empty()) return fault(rule, node, "has no id");
  for (const auto& member : node.members) {
    const auto& key = member.key.text;
    if (std::find(std::begin(kRuleKeys), std::end(kRuleKeys), key) == std::end(kRuleKeys))
      return fault(rule, member.key, "unknown key '" + key + "'");
  }
  const auto text = [&](std::string_view key) -> Result<std::string> {
    const auto* found = node.find(key);
    if (found == nullptr) return std::string();
    if (!found->is_scalar()) return fault(rule, *found, std::string(key) + " must be a text");
    return found->text;
  };
  const auto list = [&](std::string_view key) -> Result<std::vector<std::string>> {
    const auto* found = node.find(key);
    if (found == nullptr) return std::vector<std::string>();
    return texts(rule, *found);
  };
  rule.title = WRENCH_TRY(text("title"));
  rule.message = WRENCH_TRY(text("message"));
  rule.advice = WRENCH_TRY(text("advice"));
  if (rule.title.empty()) rule.title = rule.id;
  const std::string provider = WRENCH_TRY(text("provider"));
  if (rule.message.empty()) rule.message = rule.title + " in the text: whoever can read this file can use it.";
  if (rule.advice.empty())
    rule.advice = "revoke it" + (provider.empty() ? std::string() : " at " + provider) +
                  ", make a new one, and read that from the environment or a secret store";
  if (const auto* severity = node.find("severity"); severity != nullptr) {
    auto parsed = findings::parse_severity(severity->text);
    if (!parsed.ok()) return fault(rule, *severity, parsed.error().message);
    rule.severity = *parsed;
  }
  if (const auto* confidence = node.find("confidence"); confidence != nullptr) {
    const auto parsed = findings::parse_confidence(confidence->text);
    if (!parsed) return fault(rule, *confidence, "confidence is high, medium or low");
    rule.confidence = *parsed;
  }
  rule.regex = WRENCH_TRY(text("regex"));
  rule.form = Form::Prefix;
  if (const auto* assigned = node.find("assigned"); assigned != nullptr) {
    const auto* names = assigned->find("names");
    const auto* value = assigned->find("value");
    if (names == nullptr || value == nullptr || !names->is_scalar() || !value->is_scalar() || !rule.regex.empty())
      return fault(rule, *assigned, "assigned needs names and value (regular expressions) and stands instead of regex");
    rule.regex = assigned_regex(names->text, value->text);
    rule.find = assigned_find(names->text);
    rule.group = 1;
    rule.form = Form::Context;
  }
  if (node.find("find") != nullptr) rule.find = WRENCH_TRY(text("find"));
  if (rule.regex.empty()) return fault(rule, node, "has neither regex nor assigned");
  if (const auto* form = node.find("form"); form != nullptr) {
    if (form->text == "prefix")
      rule.form = Form::Prefix;
    else if (form->text == "context")
      rule.form = Form::Context;
    else if (form->text == "generic")
      rule.form = Form::Generic;
    else
      return fault(rule, *form, "form is prefix, context or generic");
  }
  if (const auto* group = node.find("group"); group != nullptr) {
    const auto number = group->as_integer();
    if (!number || *number < 0 || *number > 64) return fault(rule, *group, "group is a number from 0 to 64");
    rule.group = static_cast<std::uint32_t>(*number);
  }
  if (const auto* entropy = node.find("entropy"); entropy != nullptr) {
    const auto bits = entropy->as_double();
    if (!bits || *bits < 0 || *bits > 8) return fault(rule, *entropy, "entropy is a number of bits from 0 to 8");
    rule.entropy = *bits;
  }
  rule.keywords = WRENCH_TRY(list("keywords"));
  rule.stopwords = WRENCH_TRY(list("stopwords"));
  rule.path = WRENCH_TRY(text("path"));
  for (const auto& allow : WRENCH_TRY(list("allow"))) rule.allow += (rule.allow.empty() ? "(?:" : "|(?:") + allow + ")";
  if (const auto* checksum = node.find("checksum"); checksum != nullptr) {
    if (checksum->text != "base62-crc32") return fault(rule, *checksum, "the only checksum is base62-crc32");
    rule.checksum = Checksum::Base62Crc32;
  }
  if (const auto* structure = node.find("structure"); structure != nullptr) {
    if (structure->text == "jwt")
      rule.structure = Structure::Jwt;
    else if (structure->text == "pem")
      rule.structure = Structure::Pem;
    else if (structure->text == "connection-password")
      rule.structure = Structure::ConnectionPassword;
    else
      return fault(rule, *structure, "structure is jwt, pem or connection-password");
  }
  if (const auto* tests = node.find("tests"); tests != nullptr) {
    if (const auto* file_name = tests->find("file")) rule.tests_file = file_name->text;
    if (const auto* match = tests->find("match")) rule.tests_match = WRENCH_TRY(texts(rule, *match));
    if (const auto* no_match = tests->find("no_match")) rule.tests_no_match = WRENCH_TRY(texts(rule, *no_match));
  }
  return rule;
}

/// Most rules never have anything to look at; those that come with wrench compile, which the tests know.
CompiledRule defer_rule(const SecretRule& rule) {
  const auto maybe = [](const std::string& pattern) {
    return pattern.empty() ? std::nullopt : std::optional(source::Regex::deferred(pattern, {}));
  };
  return {source::Regex::deferred(rule.regex, {}), maybe(rule.allow), maybe(rule.path)};
}

Result<CompiledRule> compile_rule(const SecretRule& rule) {
  const auto bad = [&](const Error& cause) {
    return Error("secrets.invalid_rule", "rule '" + rule.id + "': " + cause.message).at(rule.file, rule.line);
  };
  auto regex = source::Regex::compile(rule.regex);
  if (!regex.ok()) return bad(std::move(regex).error());
  if (rule.group > regex->group_count())
    return bad(Error("", "group " + std::to_string(rule.group) + " isn't in the regular expression"));
  CompiledRule compiled{std::move(*regex), std::nullopt, std::nullopt};
  if (!rule.allow.empty()) {
    auto allow = source::Regex::compile(rule.allow);
    if (!allow.ok()) return bad(std::move(allow).error());
    compiled.allow = std::move(*allow);
  }
  if (!rule.path.empty()) {
    auto path = source::Regex::compile(rule.path);
    if (!path.ok()) return bad(std::move(path).error());
    compiled.path = std::move(*path);
  }
  if (!compiled.regex.is_linear())
    return bad(Error("", "look-around and back-references can't be searched for in one pass; use allow or group"));
  return compiled;
}

const std::string& first_stage(const SecretRule& rule) { return rule.find.empty() ? rule.regex : rule.find; }

}  // namespace

SecretRules SecretRules::load(std::span<const RuleText> files, std::vector<Error>& errors, std::string* compiled) {
  return load(files, errors, compiled, Regexes::Checked);
}

SecretRules SecretRules::load(std::span<const RuleText> files, std::vector<Error>& errors, std::string* compiled,
                              Regexes regexes_are) {
  auto state = std::make_shared<State>();
  std::set<std::string, std::less<>> ids;
  crypto::Sha256 hash;
  for (const auto& file : files) {
    auto documents = codec::parse_yaml_stream(file.bytes, {.bytes_max = kRuleFileBytesMax});
    if (!documents.ok()) {
      auto error = std::move(documents).error();
      error.place.file = file.path;
      errors.push_back(std::move(error));
      continue;
    }
    for (const auto& document : *documents) {
      const auto* rules = document.find("rules");
      if (rules == nullptr || !rules->is_sequence()) continue;
      for (const auto& node : rules->items) {
        const auto* mode = node.find("mode");
        if (mode == nullptr || mode->text != "secret") continue;
        auto rule = read_rule(node, file.path);
        if (!rule.ok()) {
          errors.push_back(std::move(rule).error());
          continue;
        }
        if (!ids.insert(rule->id).second) {
          errors.push_back(fault(*rule, node, "an earlier rule has this id"));
          continue;
        }
        if (state->rules.size() >= kSecretRulesMax) {
          errors.push_back(fault(*rule, node, "more than " + std::to_string(kSecretRulesMax) + " secret rules"));
          continue;
        }
        auto regexes = regexes_are == Regexes::Known ? defer_rule(*rule) : compile_rule(*rule);
        if (!regexes.ok()) {
          errors.push_back(std::move(regexes).error());
          continue;
        }
        state->rules.push_back(std::move(*rule));
        state->compiled.push_back(std::move(*regexes));
      }
    }
    hash.update(file.path);
    hash.update(std::string_view("\0", 1));
    hash.update(crypto::sha256_hex(file.bytes));
  }
  state->hash = crypto::to_hex(hash.finish());
  const auto compile_all = [&]() -> Result<source::PatternSet> {
    std::vector<source::PatternSpec> specs;
    specs.reserve(state->rules.size());
    for (const auto& rule : state->rules) specs.push_back({.pattern = first_stage(rule)});
    if (compiled != nullptr)
      if (auto loaded = source::PatternSet::load(specs, *compiled)) return std::move(*loaded);
    auto made = source::PatternSet::compile(specs);
    if (made.ok() && compiled != nullptr) *compiled = made->serialize();
    return made;
  };
  auto patterns = compile_all();
  if (!patterns.ok()) {
    // One of the user's patterns is beyond the engine: find it, and keep the others.
    for (std::size_t i = state->rules.size(); i-- > 0;) {
      const source::PatternSpec alone[] = {{.pattern = first_stage(state->rules[i])}};
      const auto single = source::PatternSet::compile(alone);
      if (single.ok()) continue;
      errors.push_back(Error("secrets.invalid_rule", "rule '" + state->rules[i].id + "': " + single.error().message)
                           .at(state->rules[i].file, state->rules[i].line));
      state->rules.erase(state->rules.begin() + static_cast<std::ptrdiff_t>(i));
      state->compiled.erase(state->compiled.begin() + static_cast<std::ptrdiff_t>(i));
    }
    patterns = compile_all();
  }
  if (patterns.ok()) {
    state->patterns = std::move(*patterns);
  } else {
    errors.push_back(std::move(patterns).error());
    state->rules.clear();
    state->compiled.clear();
  }
  SecretRules out;
  out.state_ = std::move(state);
  return out;
}

SecretRules SecretRules::builtin(std::string* compiled) {
  static const SecretRules rules = [&] {
    std::vector<RuleText> files;
    for (const auto& file : builtin_rule_files()) files.push_back({"rules/" + std::string(file.path), file.bytes});
    std::vector<Error> errors;
    auto loaded = load(files, errors, compiled, Regexes::Known);
    WRENCH_ASSERT(errors.empty());
    return loaded;
  }();
  return rules;
}

const std::vector<SecretRule>& SecretRules::rules() const { return state_->rules; }
const std::string& SecretRules::hash() const { return state_->hash; }

}  // namespace wrench::secrets
