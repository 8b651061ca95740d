#include "names.hpp"

#include <algorithm>
#include <utility>

#include "../expression_node.hpp"
#include "fields.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

/// How many earlier outputs a bare name is looked for in. Older ones are named: `steps.id.output.name`.
constexpr std::size_t kLookBack = 16;

/// Scalars keep no byte offsets; what stands on one line is a column's worth further right.
Error at_column(const YamlNode& node, const Error& error) {
  const bool exact = node.text.find('\n') == std::string::npos &&
                     (node.style == YamlNode::Style::Plain || node.style == YamlNode::Style::Quoted);
  const int quote = node.style == YamlNode::Style::Quoted ? 1 : 0;
  const int shift = exact && error.place.column > 0 ? error.place.column - 1 + quote : 0;
  const auto code = error.code.starts_with("workflow.playbook_") ? std::string_view(error.code) : kInvalid;
  return Error(code, error.message).at("", static_cast<int>(node.line), static_cast<int>(node.column) + shift);
}

bool is_reference(const YamlNode& node) {
  return node.is_mapping() && std::ranges::any_of(node.members, [](const codec::YamlMember& member) {
           return member.key.text.starts_with('$');
         });
}

std::string joined(const std::vector<std::string>& parts, std::size_t from_part) {
  std::string out;
  for (std::size_t i = from_part; i < parts.size(); ++i) out += (parts[i].front() == '[' ? "" : ".") + parts[i];
  return out;
}

bool may_have(const Members& members, std::string_view name) { return members == nullptr || members->contains(name); }

Error unknown(std::string message) { return {kUnknown, std::move(message)}; }

/// For constants: no name means anything.
struct NoScope final : Scope {
  const Json* root(std::string_view) const override { return nullptr; }
};

}  // namespace

Members just(std::set<std::string, std::less<>> names) {
  return std::make_shared<const std::set<std::string, std::less<>>>(std::move(names));
}

Members members_of(const Json& schema) {
  const Json& properties = schema.at("properties");
  if (!properties.is_object() || schema.at("additionalProperties").as_boolean(true)) return nullptr;
  std::set<std::string, std::less<>> out;
  for (const auto& [name, ignored] : properties.as_object()) out.insert(name);
  return just(std::move(out));
}

Members either_of(const Members& a, const Members& b) {
  if (a == nullptr || b == nullptr) return nullptr;
  auto out = *a;
  out.insert(b->begin(), b->end());
  return just(std::move(out));
}

std::string first_of(const std::vector<std::string>& paths) {
  if (paths.size() == 1) return paths.front();
  std::string out = "(";
  for (std::size_t i = 0; i + 1 < paths.size(); ++i) out += "has(" + paths[i] + ") ? " + paths[i] + " : ";
  return out + paths.back() + ")";
}

std::string all_of(const std::vector<std::string>& conditions) {
  if (conditions.size() <= 1) return conditions.empty() ? "" : conditions.front();
  std::string out;
  for (const auto& condition : conditions) out += (out.empty() ? "(" : " and (") + condition + ")";
  return out;
}

std::string any_of(const std::vector<std::string>& conditions) {
  if (conditions.size() <= 1) return conditions.empty() ? "" : conditions.front();
  std::string out;
  for (const auto& condition : conditions) out += (out.empty() ? "(" : " or (") + condition + ")";
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

Json from(std::string path) { return Json::object({{"$from", std::move(path)}}); }

Json expr(std::string text) {
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '[' || c == ']';
  });
  return plain ? from(std::move(text)) : Json::object({{"$expr", std::move(text)}});
}

void Names::bind(std::string name, std::string path, Members members) {
  bound_.insert_or_assign(std::move(name), Binding{std::move(path), std::move(members)});
}

/// At most kLookBack of them.
std::vector<const Source*> Names::newest_first() const {
  std::vector<const Source*> out;
  const auto take = [&](const std::vector<Source>& sources) {
    for (auto source = sources.rbegin(); source != sources.rend() && out.size() < kLookBack; ++source)
      out.push_back(&*source);
  };
  if (current_) out.push_back(&*current_);
  take(sources_);
  for (std::size_t i = steps_->all.size(); i-- > 0 && out.size() < kLookBack;)
    if ((*visible_)[i]) take(steps_->all[i].sources);
  return out;
}

/// Where a bare name can come from, newest first, up to the first place that has it for certain.
std::vector<std::string> Names::alternatives(std::string_view name, const std::string& rest) const {
  std::vector<std::string> out;
  for (const Source* source : newest_first()) {
    if (!may_have(source->members, name)) continue;
    out.push_back(source->path + "." + std::string(name) + rest);
    if (source->certain && source->members != nullptr) return out;
  }
  const bool declared = std::ranges::any_of(playbook_->inputs, [&](const auto& input) { return input.name == name; });
  if (declared || !playbook_->inputs_declared) out.push_back("inputs." + std::string(name) + rest);
  return out;
}

std::vector<std::string_view> Names::known_steps() const {
  std::vector<std::string_view> out;
  for (const auto& [name, binding] : bound_)
    if (binding.path.starts_with("steps.")) out.push_back(name);
  for (const auto& [name, step] : steps_->index)
    if ((*visible_)[step]) out.push_back(name);
  return out;
}

Result<Names::Binding> Names::binding(const std::string& name) const {
  if (const auto bound = bound_.find(name); bound != bound_.end()) return bound->second;
  const auto step = steps_->index.find(name);
  if (step == steps_->index.end())
    return unknown("no step '" + escape_for_display(name) + "' ends before this one" + suggestion(name, known_steps()));
  if (!(*visible_)[step->second]) return unknown("step '" + name + "' isn't among those that end before this one");
  const StepOutput& output = steps_->all[step->second];
  return Binding{output.path, output.members};
}

Result<Names::Found> Names::resolve_input(const Parts& parts) const {
  Found same{joined(parts, 0).substr(1)};
  if (parts.size() == 1 || !playbook_->inputs_declared) return same;
  std::vector<std::string_view> known;
  for (const auto& input : playbook_->inputs) known.push_back(input.name);
  if (std::ranges::find(known, parts[1]) != known.end()) return same;
  return unknown("the playbook has no input '" + escape_for_display(parts[1]) + "'" + suggestion(parts[1], known));
}

Result<Names::Found> Names::resolve_step(const Parts& parts) const {
  const bool spelled_out = parts.front() == "steps";
  if (spelled_out && parts.size() < 3)
    return unknown("'steps' is followed by a step and output, state or error: steps.ID.output");
  const std::string& step = parts[spelled_out ? 1 : 0];
  const auto [path, members] = WRENCH_TRY(binding(step));
  const std::size_t member = spelled_out ? 3 : 1;
  if (spelled_out && parts[2] != "output") {
    if (parts[2] != "state" && parts[2] != "error")
      return unknown("a step has output, state and error, no '" + escape_for_display(parts[2]) + "'");
    return Found{path.substr(0, path.find('.', std::string_view("steps.").size())) + joined(parts, 2)};
  }
  if (parts.size() > member && !may_have(members, parts[member])) {
    const std::vector<std::string_view> known(members->begin(), members->end());
    return unknown("the output of '" + step + "' has no '" + escape_for_display(parts[member]) + "'" +
                   suggestion(parts[member], known));
  }
  return Found{path + joined(parts, member)};
}

Result<Names::Found> Names::resolve(const Parts& parts) const {
  const std::string& name = parts.front();
  if (name == "inputs") return resolve_input(parts);
  if (name == "steps") return resolve_step(parts);
  if (bound_.contains(name) || steps_->index.contains(name)) {
    auto step = WRENCH_TRY(resolve_step(parts));
    const bool is_step = step.text.starts_with("steps.");
    if (!is_step || !current_ || !may_have(current_->members, name)) return step;
    const std::string own = current_->path + joined(parts, 0);
    if (current_->members != nullptr) return Found{own};
    return Found{first_of({own, step.text}), false};
  }
  const auto found = alternatives(name, joined(parts, 1));
  if (!found.empty()) return Found{first_of(found), found.size() == 1};
  std::vector<std::string_view> known = known_steps();
  for (const auto& input : playbook_->inputs) known.push_back(input.name);
  for (const Source* source : newest_first())
    if (source->members != nullptr) known.insert(known.end(), source->members->begin(), source->members->end());
  return unknown("nothing before this gives '" + escape_for_display(name) + "'" + suggestion(name, known));
}

std::optional<std::string> Names::expression(std::string_view text, const YamlNode& at, Problems& problems) const {
  if (text.size() > kExpressionBytesMax) {
    problems.add(
        at, "the expression has " + format_bytes(text.size()) + "; the limit is " + format_bytes(kExpressionBytesMax),
        kLimit);
    return std::nullopt;
  }
  std::vector<PathUse> uses;
  if (const auto tree = parse_expression(text, uses); !tree.ok()) {
    problems.add(at_column(at, tree.error()));
    return std::nullopt;
  }
  std::string out;
  std::size_t copied = 0;
  for (const PathUse& use : uses) {
    if (out.size() > kExpressionBytesMax) break;
    const auto found = resolve(use.parts);
    if (!found.ok()) {
      problems.add(at_column(at, Error(found.error()).at("", 1, static_cast<int>(use.begin) + 1)));
      return std::nullopt;
    }
    out += std::string(text.substr(copied, use.begin - copied)) + found->text;
    copied = use.end;
  }
  out += text.substr(copied);
  if (!Expression::parse(out).ok()) {
    problems.add(at, "with its names written out the expression is too large; name the step: steps.ID.output.NAME",
                 kLimit);
    return std::nullopt;
  }
  return out;
}

std::optional<std::string> Names::expression(const YamlNode& at, Problems& problems) const {
  const auto text = text_of(at, "an expression", problems);
  return text ? expression(*text, at, problems) : std::nullopt;
}

std::optional<std::string> Names::condition(const YamlNode& at, Problems& problems) const {
  if (const auto constant = at.as_boolean()) return std::string(*constant ? "true" : "false");
  const auto text = text_of(at, "a condition", problems);
  if (!text) return std::nullopt;
  const auto parsed = Expression::parse(*text);
  if (parsed.ok() && parsed->paths().empty()) {
    if (const auto tested = parsed->test(NoScope()); !tested.ok()) {
      problems.add(at, tested.error().message);
      return std::nullopt;
    }
  }
  return expression(*text, at, problems);
}

std::optional<Names::Found> Names::reference(std::string_view text, const YamlNode& at, Problems& problems) const {
  std::vector<PathUse> uses;
  auto tree = parse_expression(text, uses);
  const bool one_path = tree.ok() && uses.size() == 1 && uses[0].begin == 0 && uses[0].end == text.size();
  if (!one_path) {
    problems.add(at, "'" + escape_for_display(text) + "' isn't a path such as inputs.tree or steps.ID.output.NAME" +
                         (tree.ok() ? "; $expr takes expressions" : ""));
    return std::nullopt;
  }
  auto found = resolve(uses[0].parts);
  if (found.ok()) return std::move(*found);
  problems.add(at, found.error().message, found.error().code);
  return std::nullopt;
}

std::optional<std::string> Names::path(std::string_view text, const YamlNode& at, Problems& problems) const {
  auto found = reference(text, at, problems);
  if (!found) return std::nullopt;
  if (found->is_path) return std::move(found->text);
  // It may be in some output; it is an input for certain.
  const bool declared = std::ranges::any_of(playbook_->inputs, [&](const auto& input) { return input.name == text; });
  if (declared) return "inputs." + std::string(text);
  problems.add(at, "several steps may give '" + escape_for_display(text) + "'; say which: steps.ID.output.NAME");
  return std::nullopt;
}

std::optional<std::string> Names::find(std::string_view name) const {
  if (const auto found = alternatives(name, ""); !found.empty()) return first_of(found);
  return std::nullopt;
}

std::string Names::newest() const {
  std::vector<std::string> paths;
  for (const Source* source : newest_first()) {
    paths.push_back(source->path);
    if (source->certain) return first_of(paths);
  }
  paths.emplace_back("inputs");
  return first_of(paths);
}

std::optional<Json> Names::value(const YamlNode& node, Problems& problems) const {
  if (is_reference(node)) {
    const auto& [key, inner] = node.members.front();
    const bool is_path = key.text == "$from";
    if (node.members.size() != 1 || (!is_path && key.text != "$expr")) {
      problems.add(key, "a reference is {$from: path} or {$expr: expression}, with nothing beside it");
      return std::nullopt;
    }
    const auto text = text_of(inner, "'" + key.text + "'", problems);
    if (!text) return std::nullopt;
    if (!is_path) {
      auto found = expression(*text, inner, problems);
      return found ? std::optional(expr(std::move(*found))) : std::nullopt;
    }
    auto found = reference(*text, inner, problems);
    return found ? std::optional(expr(std::move(found->text))) : std::nullopt;
  }
  bool good = true;
  if (node.is_sequence()) {
    Json out = Json::array();
    for (const YamlNode& item : node.items) {
      auto inner = value(item, problems);
      good = good && inner.has_value();
      if (inner) out.push_back(std::move(*inner));
    }
    return good ? std::optional(std::move(out)) : std::nullopt;
  }
  if (node.is_mapping()) {
    Json out = Json::object();
    for (const auto& [key, item] : node.members) {
      auto inner = value(item, problems);
      good = good && inner.has_value();
      if (inner) out.set(key.text, std::move(*inner));
    }
    return good ? std::optional(std::move(out)) : std::nullopt;
  }
  return codec::to_json(node);
}

}  // namespace wrench::workflow::playbook
