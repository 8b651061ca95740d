#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "problems.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/codec/yaml.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::workflow::playbook {

/// Member names of an output; null: any may be there.
using Members = std::shared_ptr<const std::set<std::string, std::less<>>>;

/// By a JSON Schema: the properties of an object that allows no others.
Members members_of(const codec::Json& schema);
Members just(std::set<std::string, std::less<>> names);
Members either_of(const Members& a, const Members& b);

/// An output that bare names are looked for in.
struct Source {
  std::string path;  ///< In the plan: "steps.code.output".
  Members members;
  bool certain = true;  ///< It is there whenever this is asked: its step neither may fail nor be skipped.
};

/// What other steps see of one.
struct StepOutput {
  std::string id, path;
  Members members;
  std::vector<Source> sources;  ///< For bare names, newest last.
};

/// The steps of a playbook as far as they are compiled, in order.
struct StepOutputs {
  std::vector<StepOutput> all;
  std::map<std::string, std::size_t, std::less<>> index;  ///< By id, and by what `output` calls them.
};

/// What the names in expressions of one place mean, and how they are written in the plan.
///
/// A bare name is looked for in the current output, in earlier outputs, newest first, and in the inputs: so says the
/// format. The plan's expressions know no such search; it becomes a chain of `has(a) ? a : b`.
class Names {
 public:
  /// `visible[i]`: step i has ended before this place is reached. All must outlive this.
  Names(const Playbook& playbook, const StepOutputs& steps, const std::vector<bool>& visible)
      : playbook_(&playbook), steps_(&steps), visible_(&visible) {}

  /// Makes this the newest output.
  void push(Source source) { sources_.push_back(std::move(source)); }
  /// The output that the expression is about. Its members go before the ids of steps.
  void set_current(Source source) { current_ = std::move(source); }
  /// `name.x` means `path.x`; `members` are those of the whole.
  void bind(std::string name, std::string path, Members members);
  /// A name of the plan's own that stands for itself, such as `iteration`.
  void bind_root(std::string_view name) { bind(std::string(name), std::string(name), nullptr); }

  /// The plan's form of a condition or value. Nothing after a problem.
  std::optional<std::string> expression(const codec::YamlNode& at, Problems& problems) const;
  std::optional<std::string> expression(std::string_view text, const codec::YamlNode& at, Problems& problems) const;
  /// A condition: as above, and not a constant other than true and false.
  std::optional<std::string> condition(const codec::YamlNode& at, Problems& problems) const;
  /// A path that has to stay one, for $split.
  std::optional<std::string> path(std::string_view text, const codec::YamlNode& at, Problems& problems) const;
  /// What a member of that name is to be when nobody says it; nothing if nothing gives one.
  std::optional<std::string> find(std::string_view name) const;
  /// The newest outputs as one value; the inputs when there is none.
  std::string newest() const;

  /// YAML as JSON with {"$from": …} and {"$expr": …} in the plan's form.
  std::optional<codec::Json> value(const codec::YamlNode& node, Problems& problems) const;

 private:
  struct Binding {
    std::string path;
    Members members;
  };
  struct Found {
    std::string text;
    bool is_path = true;
  };
  using Parts = std::vector<std::string>;
  Result<Found> resolve(const Parts& parts) const;
  Result<Found> resolve_input(const Parts& parts) const;
  Result<Found> resolve_step(const Parts& parts) const;
  Result<Binding> binding(const std::string& name) const;
  std::vector<const Source*> newest_first() const;
  std::vector<std::string> alternatives(std::string_view name, const std::string& rest) const;
  std::optional<Found> reference(std::string_view text, const codec::YamlNode& at, Problems& problems) const;
  std::vector<std::string_view> known_steps() const;

  const Playbook* playbook_;
  const StepOutputs* steps_;
  const std::vector<bool>* visible_;
  std::optional<Source> current_;
  std::vector<Source> sources_;  // Of this step, newest last.
  std::map<std::string, Binding, std::less<>> bound_;
};

/// `a`, or `has(a) ? a : b` and so on.
std::string first_of(const std::vector<std::string>& paths);
std::string all_of(const std::vector<std::string>& conditions);
std::string any_of(const std::vector<std::string>& conditions);
std::string quoted(std::string_view text);  ///< As a string of an expression.
codec::Json from(std::string path);         ///< {"$from": path}
codec::Json expr(std::string text);         ///< {"$expr": text}; a plain path becomes {"$from": …}.

}  // namespace wrench::workflow::playbook
