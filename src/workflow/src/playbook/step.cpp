#include "step.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"
#include "wrench/codec/json_schema.hpp"
#include "wrench/workflow/plan.hpp"

namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

constexpr std::size_t kInnerIdBytes = 20;
constexpr std::size_t kPromptBytes = 500;

Json needs_json(const std::vector<Need>& needs) {
  Json out = Json::array();
  for (const Need& need : needs) {
    if (need.after_failure == AfterFailure::Stop)
      out.push_back(need.id);
    else
      out.push_back(Json::object({{"id", need.id}, {"on_failure", "continue"}}));
  }
  return out;
}

bool has_reference(const Json& value) {
  if (value.at("$from").is_string() || value.at("$expr").is_string() || value.at("$split").is_object()) return true;
  const auto& items = value.as_array();
  const auto& members = value.as_object();
  return std::ranges::any_of(items, has_reference) ||
         std::ranges::any_of(members, [](const auto& member) { return has_reference(member.second); });
}

std::vector<std::string_view> property_names(const Json& schema) {
  std::vector<std::string_view> out;
  for (const auto& [name, ignored] : schema.at("properties").as_object()) out.push_back(name);
  return out;
}

}  // namespace

const std::vector<std::string_view>& step_type_names() {
  static const std::vector<std::string_view> names = {
      "standard", "work_in_parallel", "self_feedback_loop", "partner_feedback_loop", "process", "versus", "handoff"};
  return names;
}

std::string output_path(std::string_view node) { return "steps." + std::string(node) + ".output"; }

std::optional<std::string> goto_target(std::string_view failure_action) {
  constexpr std::string_view kPrefix = "goto:";
  if (!failure_action.starts_with(kPrefix)) return std::nullopt;
  return std::string(trim(failure_action.substr(kPrefix.size())));
}

Json node_of(std::string_view id, std::string_view kind) { return Json::object({{"id", id}, {"kind", kind}}); }

void Block::add(Json node, const std::vector<Need>& needs, const std::string& when) {
  Json out = node_of(node.at("id").as_string(), node.at("kind").as_string());
  const bool begins = needs.empty();
  if (const auto& own = begins ? needs_ : needs; !own.empty()) out.set("needs", needs_json(own));
  if (begins && join_.is_object())
    for (const auto& [name, value] : join_.as_object()) out.set(name, value);
  std::vector<std::string> conditions;
  for (const std::string* condition : {static_cast<const std::string*>(&when_), &when})
    if (!condition->empty()) conditions.push_back(*condition);
  if (!conditions.empty()) out.set("when", all_of(conditions));
  for (auto& [name, value] : node.object_ref())
    if (name != "id" && name != "kind") out.set(name, std::move(value));
  ids_.emplace_back(out.at("id").as_string());
  nodes_.push_back(std::move(out));
}

Members Operation::output() const { return entry == nullptr ? nullptr : members_of(entry->output_schema); }

bool Operation::takes(std::string_view member) const {
  if (entry == nullptr) return true;
  const Members members = members_of(entry->input_schema);
  return members == nullptr || members->contains(member);
}

StepBuilder::StepBuilder(Place place, const Surroundings& surroundings, Names names, Problems& problems)
    : place_(std::move(place)),
      surroundings_(surroundings),
      names_(std::move(names)),
      problems_(problems),
      fields_(*place_.node, "a " + std::string(step_type_names()[static_cast<std::size_t>(place_.type)]) + " step",
              problems) {}

void StepBuilder::read_common() {
  shared_parameters_ = fields_.either("parameters", "input");
  Json timeouts = Json::object();
  if (const auto timeout = fields_.duration("timeout")) timeouts.set("start_to_close_ms", *timeout / kMicrosPerMs);
  if (const auto heartbeat = fields_.duration("heartbeat")) timeouts.set("heartbeat_ms", *heartbeat / kMicrosPerMs);
  if (!timeouts.as_object().empty()) common_.set("timeouts", std::move(timeouts));
  if (const auto attempts = fields_.integer("retry", 1, kRetryAttemptsMax))
    common_.set("retry", Json::object({{"attempts", *attempts}}));
  concurrency_ = fields_.get("concurrency");
  rate_ = fields_.get("rate");
  read_labels();
  for (const auto* name : {"tools", "tools_allowed"})
    if (const YamlNode* tools = fields_.get(name))
      problems_.remark(*tools, "'" + std::string(name) + "' has no effect: no agent of this program calls tools");
  if (place_.type == StepType::Process || place_.type == StepType::Handoff) return;
  continues_ = fields_.one_of("failure_action", {"stop", "continue"}) == 1;
}

/// {os: linux, gpu: "yes"}: of the worker that runs the step's calls.
void StepBuilder::read_labels() {
  labels_ = fields_.get("requires");
  if (labels_ == nullptr) return;
  if (!labels_->is_mapping() || labels_->members.empty()) {
    problems_.add(*labels_, "'requires' is a mapping of labels such as {os: linux, gpu: \"yes\"}");
    return;
  }
  Json required = Json::object();
  for (const auto& member : labels_->members) {
    const bool name_fits = is_label_word(member.key.text);
    if (!name_fits)
      problems_.add(member.key, "a label's name is 1 to " + std::to_string(kLabelBytesMax) +
                                    " of letters, digits, _, - and ., not '" + escape_for_display(member.key.text) +
                                    "'");
    const YamlNode& value = member.value;
    if (!value.is_scalar() || value.is_null() || !is_label_word(value.text))
      problems_.add(value, "the label '" + escape_for_display(member.key.text) + "' has a value of 1 to " +
                               std::to_string(kLabelBytesMax) + " of letters, digits, _, - and .");
    else if (name_fits)
      required.set(member.key.text, value.text);
  }
  if (labels_->members.size() > kLabelsMax)
    problems_.add(*labels_, "'requires' has more than " + std::to_string(kLabelsMax) + " labels");
  else
    common_.set("requires", std::move(required));
}

void StepBuilder::finish() {
  fields_.finish();
  if (!called_ && !problems_.any()) {
    const bool waits = fields_.get("wait") != nullptr;
    for (const std::string_view name : {"timeout", "heartbeat", "retry", "concurrency", "rate", "requires"})
      if (const YamlNode* written = fields_.get(name))
        problems_.add(*written, "'" + std::string(name) + "' is for what agents do" +
                                    (waits ? ", and this step waits"
                                           : ": give it to the steps of the playbook that this one runs"));
  }
  const bool whole = shared_parameters_ == nullptr || !shared_parameters_->is_mapping() || calls_.empty();
  if (whole || place_.type == StepType::Standard || problems_.any()) return;
  for (const auto& member : shared_parameters_->members)
    if (!member.key.text.starts_with('$') && !taken_.contains(member.key.text))
      problems_.add(member.key, "no operation of this step takes '" + escape_for_display(member.key.text) + "'");
}

std::string StepBuilder::inner_id(std::string_view part) {
  std::string base = id() + "__";
  for (const char c : part.substr(0, kInnerIdBytes)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    base += fits ? c : '_';
  }
  std::string out = base;
  for (int n = 2; !inner_ids_.insert(out).second; ++n) out = base + "_" + std::to_string(n);
  return out;
}

std::optional<Operation> StepBuilder::operation(std::string_view agent, const YamlNode& agent_at, std::string_view name,
                                                const YamlNode& name_at) {
  Operation out;
  out.at = &name_at;
  const CapabilityCatalogue& catalogue = surroundings_.catalogue;
  const auto known = catalogue.agent(agent);
  out.agent = known ? *known : normal_agent_name(agent);
  out.name = name;
  out.entry = known ? catalogue.find(*known, name) : nullptr;
  if (out.entry == nullptr && surroundings_.on_missing == OnMissing::Error) {
    if (!known)
      problems_.add(agent_at,
                    "there is no agent '" + escape_for_display(agent) + "'" +
                        suggestion(normal_agent_name(agent), catalogue.agents()),
                    kUnknown);
    else
      problems_.add(name_at,
                    "the agent '" + *known + "' has no operation '" + escape_for_display(name) + "'" +
                        suggestion(name, catalogue.operations(*known)),
                    kUnknown);
    return std::nullopt;
  }
  if (surroundings_.agents && !surroundings_.agents->contains(out.agent)) {
    problems_.add(agent_at, "the agent '" + out.agent + "' isn't in the playbook's list of agents");
    return std::nullopt;
  }
  calls_.push_back(out.entry == nullptr ? "a person for " + out.id() : out.id());
  return out;
}

std::optional<Operation> StepBuilder::operation(std::string_view both, const YamlNode& at) {
  auto cut = both.find(':');
  if (cut == std::string_view::npos) cut = both.find('.');
  if (cut == std::string_view::npos) {
    problems_.add(at, "'" + escape_for_display(both) + "' must name an agent and an operation: agent:operation");
    return std::nullopt;
  }
  return operation(trim(both.substr(0, cut)), at, trim(both.substr(cut + 1)), at);
}

std::optional<Operation> StepBuilder::entry(const YamlNode& node, Fields& members, const YamlNode* agent) {
  if (!node.is_mapping()) {
    const auto text = text_of(node, "an operation", problems_);
    if (!text) return std::nullopt;
    if (agent == nullptr || text->find(':') != std::string::npos) return operation(*text, node);
    return operation(agent->text, *agent, *text, node);
  }
  const YamlNode* name = members.get("operation");
  const YamlNode* own_agent = members.get("agent");
  const YamlNode* label = members.get("name");
  // With an agent given elsewhere `name` is the operation's, else the agent's.
  if (name == nullptr && (agent != nullptr || own_agent != nullptr)) name = label;
  if (own_agent == nullptr) own_agent = agent != nullptr ? agent : label;
  if (name == nullptr || own_agent == nullptr || !name->is_scalar() || !own_agent->is_scalar()) {
    problems_.add(node, "an entry names its agent and its operation");
    return std::nullopt;
  }
  auto out = operation(trim(own_agent->text), *own_agent, trim(name->text), *name);
  if (out) out->parameters = members.get("parameters");
  return out;
}

bool StepBuilder::check_parameters(const Operation& operation, const YamlNode* written, const Json& input) {
  const Json& schema = operation.entry->input_schema;
  bool good = true;
  for (const auto& [name, value] : input.as_object()) {
    const YamlNode* own = written != nullptr && written->is_mapping() ? written->find(name) : nullptr;
    const YamlNode& at = own != nullptr ? *own : *operation.at;
    if (!operation.takes(name)) {
      problems_.add(at, operation.id() + " takes no '" + escape_for_display(name) + "'" +
                            suggestion(name, property_names(schema)));
      good = false;
      continue;
    }
    const Json& property = schema.at("properties").at(name);
    if (property.is_null() || has_reference(value)) continue;
    const auto compiled = codec::JsonSchema::compile(property);
    if (!compiled.ok()) continue;  // The agent's own fault; its runner says so.
    const auto violations = compiled->validate(value);
    if (violations.empty()) continue;
    const auto& first = violations.front();
    problems_.add(at, "'" + escape_for_display(name) + "' of " + operation.id() + ": " +
                          (first.pointer.empty() ? "" : first.pointer + " ") + first.message);
    good = false;
  }
  for (const Json& required : schema.at("required").as_array()) {
    if (input.as_object().find(required.as_string()) != nullptr) continue;
    problems_.add(*operation.at, operation.id() + " needs '" + std::string(required.as_string()) +
                                     "': give it in parameters, or as an input of the playbook");
    good = false;
  }
  return good;
}

std::optional<Json> StepBuilder::input(const Operation& operation, const Names& names,
                                       const std::vector<Offer>& offers) {
  Json out = Json::object();
  bool good = true;
  const auto take = [&](const YamlNode& written, bool shared) {
    if (!written.is_mapping() || (written.members.size() == 1 && written.members[0].key.text.starts_with('$'))) {
      auto value = names.value(written, problems_);
      good = good && value.has_value();
      // `input: data.csv` is a member; a reference is the whole.
      if (value && written.is_mapping())
        out = std::move(*value);
      else if (value)
        out.set("input", std::move(*value));
      return;
    }
    for (const auto& [key, inner] : written.members) {
      if (shared && !operation.takes(key.text)) continue;
      taken_.insert(key.text);
      auto value = names.value(inner, problems_);
      good = good && value.has_value();
      if (value) out.set(key.text, std::move(*value));
    }
  };
  if (shared_parameters_ != nullptr) take(*shared_parameters_, place_.type != StepType::Standard);
  if (operation.parameters != nullptr) take(*operation.parameters, false);
  if (!good) return std::nullopt;
  if (has_reference(out) && out.as_object().size() == 1 && out.as_object().begin()->first.starts_with('$')) return out;
  for (const Offer& offer : offers)
    if (out.as_object().find(offer.member) == nullptr && operation.takes(offer.member))
      out.set(offer.member, offer.value);
  if (operation.entry == nullptr) return out;
  const Json& schema = operation.entry->input_schema;
  if (out.as_object().empty() && members_of(schema) == nullptr && schema.at("required").as_array().empty())
    return expr(names.newest());
  for (const Json& required : schema.at("required").as_array()) {
    const auto name = required.as_string();
    if (out.as_object().find(name) != nullptr) continue;
    if (auto found = names.find(name)) out.set(name, expr(std::move(*found)));
  }
  const YamlNode* written = operation.parameters != nullptr ? operation.parameters : shared_parameters_;
  if (!check_parameters(operation, written, out)) return std::nullopt;
  return out;
}

std::optional<Source> StepBuilder::ask_person(Block& block, const Operation& operation, const std::string& id,
                                              CallOptions options) {
  const std::string asked = inner_id(operation.name + "_person");
  Json wait = node_of(asked, "wait");
  wait.set("on", "input");
  const std::string prompt = surroundings_.playbook.name + ", step " + place_.id + ": no agent can do " +
                             operation.id() + ". Do it, and answer with its output as JSON.";
  wait.set("prompt", repair_utf8(prompt.substr(0, kPromptBytes)));
  block.add(std::move(wait), options.needs, options.when);
  Json answer = node_of(id, "merge");
  answer.set("from", Json::array({from(output_path(asked) + ".value")}));
  for (auto& [name, value] : options.extra.object_ref())
    if (name != "ensure_retry") answer.set(name, std::move(value));
  block.add(std::move(answer), {{asked}}, options.when);
  return Source{output_path(id), nullptr, options.when.empty()};
}

/// `strategy`, and `by`, which belongs to one of them.
bool StepBuilder::add_strategy(Fields& fields, const Names& names, Json& limit) {
  static const std::vector<std::string_view> kStrategies = {"queue", "cancel_newest", "round_robin", "cancel_running",
                                                            "keep_newest_queued"};
  const auto strategy = fields.one_of("strategy", kStrategies);
  if (strategy) limit.set("strategy", kStrategies[*strategy]);
  const bool in_turns = strategy && kStrategies[*strategy] == "round_robin";
  const YamlNode* by = fields.get("by");
  if (by == nullptr && in_turns)
    problems_.add(*fields.get("strategy"), "'round_robin' needs 'by': an expression, whose values take turns");
  if (by == nullptr) return !in_turns;
  // What is wrong with the strategy has been said.
  if (!in_turns && (strategy || fields.get("strategy") == nullptr))
    problems_.add(*by, "'by' belongs to the strategy 'round_robin'");
  if (!in_turns) return false;
  const auto expression = names.expression(*by, problems_);
  if (!expression) return false;
  limit.set("by", *expression);
  return true;
}

/// {key, limit} or {key, per_s, burst}: the key is an expression, the rest is as in a plan, which checks it.
bool StepBuilder::add_limit(const YamlNode* written, std::string_view name, const Names& names, Json& node) {
  if (written == nullptr) return true;
  if (!written->is_mapping()) {
    problems_.add(*written, "'" + std::string(name) + "' is a mapping with a 'key'");
    return false;
  }
  Fields fields(*written, name == "rate" ? "a rate" : "a concurrency", problems_);
  Json limit = Json::object();
  const YamlNode* key = fields.get("key");
  if (key == nullptr) {
    problems_.add(*written, "'" + std::string(name) + "' needs a 'key': an expression, e.g. \"'deploy'\"");
    return false;
  }
  const auto expression = names.expression(*key, problems_);
  if (!expression) return false;
  limit.set("key", *expression);
  if (name == "rate") {
    const auto per_s = fields.number("per_s", 1e-6, 1e5);
    if (!per_s) {
      if (fields.get("per_s") == nullptr) problems_.add(*written, "a rate needs 'per_s': how many may begin a second");
      return false;
    }
    limit.set("per_s", *per_s);
    if (const auto burst = fields.integer("burst", 1, kLimitMax)) limit.set("burst", *burst);
  } else {
    if (const auto most = fields.integer("limit", 1, kLimitMax)) limit.set("limit", *most);
    if (!add_strategy(fields, names, limit)) return false;
  }
  fields.finish();
  node.set(name, std::move(limit));
  return true;
}

std::optional<Source> StepBuilder::call(Block& block, const Operation& operation, const std::string& id,
                                        const Names& names, CallOptions options) {
  called_ = true;
  if (options.extra.is_null()) options.extra = Json::object();
  auto given = input(operation, names, options.offers);
  if (operation.entry == nullptr) return given ? ask_person(block, operation, id, std::move(options)) : std::nullopt;
  if (!given) return std::nullopt;
  Json node = node_of(id, "call");
  const int version = operation.entry->version;
  node.set("capability", operation.id() + (version > 0 ? "@" + std::to_string(version) : ""));
  node.set("input", std::move(*given));
  for (const Json* members : {&options.extra, &common_})
    for (const auto& [name, value] : members->as_object())
      if (node.at(name).is_null()) node.set(name, value);
  if (!add_limit(concurrency_, "concurrency", names, node) || !add_limit(rate_, "rate", names, node))
    return std::nullopt;
  block.add(std::move(node), options.needs, options.when);
  return Source{output_path(id), operation.output(), options.when.empty()};
}

}  // namespace wrench::workflow::playbook
