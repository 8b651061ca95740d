#include "memory_run.hpp"

#include <algorithm>
#include <unordered_map>

#include "memory_endless.hpp"
#include "memory_library.hpp"

namespace wrench::code::memory {

namespace {

constexpr std::size_t kPathsMax = 8;  ///< States of one block that are kept apart.
/// The same of a loop's head. Few: how often a loop runs isn't known, so what its tenth round does is no certainty.
constexpr std::size_t kRoundsMax = 4;
constexpr std::uint32_t kVisitsMax = 60;     ///< Of one block by all of its states.
constexpr std::uint32_t kStepsMax = 20'000;  ///< Operations of one function with what it calls.
constexpr int kCallDepthMax = 4;
constexpr std::size_t kObjectsMax = 400;
constexpr std::int64_t kUint32Max = std::numeric_limits<std::uint32_t>::max();

}  // namespace

/// The loops of one body.
struct BodyLoops {
  std::vector<FlowLoop> loops;
  std::map<std::pair<BlockIndex, BlockIndex>, std::set<Slot>> counted;  ///< Variables that a loop sets, by its exits.
};

/// What all functions of a file share.
class Machine {
 public:
  Machine(const FlowFile& flow, CpuBudget budget) : flow_(flow), budget_(std::move(budget)) {
    for (std::size_t i = 0; i < flow.bodies.size(); ++i)
      if (flow.bodies[i].name != kNoName) bodies_.emplace(flow.names[flow.bodies[i].name], i);
    for (const FlowBody& body : flow.bodies)
      for (const FlowOp& op : body.ops)
        if (op.what == FlowWhat::Call && bodies_.contains(flow.names[op.name])) called_.insert(flow.names[op.name]);
  }

  Hits run();

  const FlowFile& flow() const { return flow_; }
  const FlowBody* function(std::string_view name) const {
    const auto found = bodies_.find(name);
    return found == bodies_.end() ? nullptr : &flow_.bodies[found->second];
  }
  /// What goes wrong on one of the ways here is told.
  void hit(Fault fault, std::uint32_t first, std::uint32_t related = 0, Object::Kind kind = Object::Kind::None) {
    hits_.insert({fault, first, related, kind});
  }
  /// What goes wrong on every way here is told: on one of several it may depend on what isn't seen.
  void always(Fault fault, std::uint32_t first, std::uint32_t related = 0, Object::Kind kind = Object::Kind::None) {
    certain_.insert({fault, first, related, kind});
  }
  void fine(Fault fault, std::uint32_t first) { fine_.insert({fault, first}); }
  const BodyLoops& loops(const FlowBody& body) {
    const auto [found, added] = loops_.try_emplace(&body);
    if (!added) return found->second;
    found->second.loops = loops_of(body);
    for (const FlowLoop& loop : found->second.loops) {
      std::set<Slot> set;
      for (BlockIndex b = 0; b < body.blocks.size(); ++b)
        for (std::uint32_t i = body.blocks[b].first_op; loop.blocks[b] && i < body.blocks[b].end_op; ++i)
          if (body.ops[i].dst != kNoSlot && !is_temporary(body.ops[i].dst)) set.insert(body.ops[i].dst);
      for (const auto& exit : loop.exits) found->second.counted[exit].insert(set.begin(), set.end());
    }
    return found->second;
  }
  /// A static function runs where it is called.
  bool is_called_here(const FlowBody& body) const { return body.is_static && called_.contains(flow_.names[body.name]); }
  bool spend() {
    if (++steps_ > kStepsMax) return false;
    return steps_ % 1'024 != 0 || !budget_.spent();
  }
  /// The object that an operation of a call chain makes: the same each time.
  ObjectId object_of(std::uint64_t context, std::uint64_t what) {
    const auto [found, added] = objects_.try_emplace({context, what}, static_cast<ObjectId>(objects_.size() + 1));
    return found->second <= kObjectsMax ? found->second : kNoObject;
  }

 private:
  const FlowFile& flow_;
  CpuBudget budget_;
  std::unordered_map<std::string_view, std::size_t> bodies_;
  std::unordered_map<const FlowBody*, BodyLoops> loops_;
  std::set<std::string_view> called_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, ObjectId> objects_;
  std::set<Hit> hits_, certain_, all_certain_;
  std::set<std::pair<Fault, std::uint32_t>> fine_;
  std::uint32_t steps_ = 0;
};

/// One function on one call chain.
class Frame final : public Memory {
 public:
  /// `macro_place`: byte of the call, of a body that is a macro's.
  Frame(Machine& machine, const FlowBody& body, std::uint64_t context, int depth, std::uint32_t macro_place = 0)
      : machine_(machine),
        flow_(machine.flow()),
        body_(body),
        context_(context),
        depth_(depth),
        macro_place_(macro_place) {}

  struct Exit {
    State state;
    Value returned;
  };

  /// What is there when it returns; none when it never does.
  std::optional<Exit> run(std::vector<Value> arguments, std::vector<Object> objects) {
    if (body_.blocks.empty() || body_.cut) return Exit{{{}, std::move(objects)}, {}};
    find_homes();
    State state;
    state.variables.resize(body_.variables);
    state.objects = std::move(objects);
    state_ = std::move(state);
    temporaries_.assign(body_.temporaries, {});
    for (std::size_t i = 0; i < body_.params.size(); ++i) {
      Value value = i < arguments.size() ? arguments[i] : Value();
      set(body_.params[i].slot, as_declared(value, body_.params[i].type));
    }
    find_heads();
    loops_ = &machine_.loops(body_);
    entries_.resize(body_.blocks.size());
    visits_.assign(body_.blocks.size(), 0);
    std::vector<Way> open;
    open.push_back({0, state_, temporaries_});
    while (!open.empty()) {
      Way way = std::move(open.back());
      open.pop_back();
      temporaries_ = std::move(way.temporaries);
      if (!visit(way.block, std::move(way.state), open)) {
        complete_ = false;
        break;
      }
    }
    return std::move(exit_);
  }

  /// After run(): loops that no way leaves though their condition asks for it.
  void look_for_endless_loops() {
    if (!complete_ || body_.cut) return;
    for (const FlowLoop& loop : loops_->loops) {
      if (entries_[loop.head].empty() || loop.exits.empty()) continue;
      bool ends = false;
      std::optional<std::uint32_t> condition;
      for (BlockIndex b = 0; b < body_.blocks.size() && !ends; ++b) ends = loop.blocks[b] && ends_.contains(b);
      for (const auto& [from, to] : loop.exits) {
        if (ends || taken_.contains({from, to})) {
          ends = true;
          break;
        }
        if (entries_[from].empty() || condition) continue;
        const auto own = own_condition(
            body_, loop, from, [&](Slot slot) { return homes_.contains(slot) || frees_.contains(slot); },
            [&](std::uint32_t name) { return machine_.function(flow_.names[name]) != nullptr; });
        if (own) condition = body_.ops[*own].first;
      }
      if (!ends && condition) machine_.hit(Fault::EndlessLoop, *condition);
    }
  }

  // --- Memory, for the library
  Object* object(const Value& pointer) override {
    if (pointer.what != Value::What::Pointer || pointer.target.object == kNoObject) return nullptr;
    return at(pointer.target.object);
  }
  Value make(Object::Kind kind, const Range& size, bool may_fail) override {
    const ObjectId id = machine_.object_of(context_, op_index_);
    if (id == kNoObject) return {};
    Object* made = at(id);
    *made = {};
    made->kind = kind;
    made->size = size;
    made->made = place();
    made->filled = Object::Filled::No;
    Value out = Value::pointer({id, Range::only(0)});
    if (may_fail) {
      out.null = Value::Null::Unchecked;
      out.maker = place();
    }
    return out;
  }
  void write(const Value& pointer, const Range& bytes) override { access(pointer, Range::only(0), bytes, true); }
  void read(const Value& pointer, const Range& bytes) override { access(pointer, Range::only(0), bytes, false); }
  void fault(Fault what) override { machine_.always(what, place()); }
  void outside(Fault what) override { machine_.hit(what, place()); }
  void fault(Fault what, const Object& where) override { machine_.always(what, place(), where.made, where.kind); }
  void fine(Fault what) override { machine_.fine(what, place()); }
  void store(const Value& pointer, const Value& value) override {
    if (Object* target = object(pointer); target != nullptr) {
      target->content = target->holds_pointer ? Value() : value;
      target->filled = Object::Filled::Yes;
    }
  }
  void escape(const Value& value) override {
    if (Object* target = object(value); target != nullptr) target->escaped = true;
  }
  void release(const Value& pointer) override {
    Object* target = object(pointer);
    if (target == nullptr) return;
    if (target->life == Object::Life::Freed)
      return machine_.hit(Fault::DoubleFree, place(), target->freed, target->kind);
    if (target->kind == Object::Kind::Stack || target->kind == Object::Kind::Variable ||
        target->kind == Object::Kind::Alloca || target->kind == Object::Kind::Literal)
      return machine_.hit(Fault::FreeOfOther, place(), target->made, target->kind);
    const Range& offset = pointer.target.offset;
    if (target->kind == Object::Kind::Heap && (offset.low > 0 || offset.high < 0))
      machine_.hit(Fault::FreeInside, place(), target->made, target->kind);
    target->life = Object::Life::Freed;
    target->freed = place();
  }
  std::uint32_t place() const override { return body_.is_macro ? macro_place_ : op_->first; }

 private:
  Object* at(ObjectId id) {
    if (state_.objects.size() <= id) state_.objects.resize(id + 1);
    return &state_.objects[id];
  }

  /// Variables whose address is taken live in objects.
  void find_homes() {
    for (const FlowOp& op : body_.ops)
      if (op.what == FlowWhat::AddressOf && !is_temporary(op.a) && op.a != kNoSlot) homes_.emplace(op.a, kNoObject);
    for (auto& [slot, id] : homes_) id = machine_.object_of(context_, (std::uint64_t{1} << 40) + slot);
    for (const FlowOp& op : body_.ops)
      if (op.what == FlowWhat::Declare) types_[op.dst] = op.type;
    for (const FlowParam& param : body_.params) types_[param.slot] = param.type;
    for (const FlowFree& free : body_.free) frees_.insert(free.slot);
  }

  /// Blocks that a jump leads back to.
  void find_heads() {
    heads_.assign(body_.blocks.size(), false);
    block_in_loop_.assign(body_.blocks.size(), false);
    std::vector<std::uint8_t> colour(body_.blocks.size(), 0);  // 1: on the way here, 2: done.
    std::vector<std::pair<BlockIndex, std::uint32_t>> open{{0, 0}};
    colour[0] = 1;
    while (!open.empty()) {
      auto& [index, next] = open.back();
      const FlowBlock& block = body_.blocks[index];
      const std::uint32_t i = next++;
      BlockIndex to = kNoBlock;
      if (i == 0)
        to = block.when_true;
      else if (i == 1)
        to = block.when_false;
      else if (block.first_edge + i - 2 < block.end_edge)
        to = body_.edges[block.first_edge + i - 2];
      else {
        colour[index] = 2;
        open.pop_back();
        continue;
      }
      if (to == kNoBlock) continue;
      if (colour[to] == 1) {
        heads_[to] = true;
        // All that is on the way from the head to here.
        bool inside = false;
        for (const auto& [on_way, unused] : open) {
          inside |= on_way == to;
          if (inside) block_in_loop_[on_way] = true;
        }
      }
      if (colour[to] != 0) continue;
      colour[to] = 1;
      open.emplace_back(to, 0);
    }
  }

  Value get(Slot slot) {
    if (slot == kNoSlot) return {};
    if (is_temporary(slot)) return temporaries_[slot & ~kTemporary];
    if (const auto home = homes_.find(slot); home != homes_.end() && home->second != kNoObject) {
      const Object* object = at(home->second);
      if (object->kind == Object::Kind::Variable) return as_declared(object->content, type_name(slot));
    }
    return state_.variables[slot];
  }
  void set(Slot slot, Value value) {
    if (slot == kNoSlot) return;
    if (is_temporary(slot)) {
      temporaries_[slot & ~kTemporary] = std::move(value);
      return;
    }
    if (const auto home = homes_.find(slot); home != homes_.end() && home->second != kNoObject) {
      Object* object = at(home->second);
      if (object->kind != Object::Kind::Variable) {
        *object = {};
        object->kind = Object::Kind::Variable;
        object->variable = slot;
        object->size = Range::only(size_of_type(type_of(slot)));
        object->holds_pointer = element_of_type(type_of(slot)) != 0;
      }
      object->content = value;
      object->filled = value.what == Value::What::Uninitialised ? Object::Filled::No : Object::Filled::Yes;
      return;
    }
    state_.variables[slot] = std::move(value);
  }
  std::string_view type_of(Slot slot) const {
    const auto found = types_.find(slot);
    return found == types_.end() ? std::string_view() : std::string_view(flow_.names[found->second]);
  }

  std::uint32_t type_name(Slot slot) const {
    const auto found = types_.find(slot);
    return found == types_.end() ? kNoName : found->second;
  }

  Value as_declared(Value value, std::uint32_t type) {
    if (type == kNoName) return value;
    const std::string_view text = flow_.names[type];
    if (value.what == Value::What::Pointer) {
      if (const std::uint32_t element = element_of_type(text)) value.element = element;
      return value;
    }
    if (element_of_type(text) != 0 && value.what == Value::What::Number && value.range.is_only(0))
      return Value::null_pointer();
    if (value.what != Value::What::Number) return value;
    if (is_floating_type(text)) return {};
    if (is_unsigned_type(text)) {
      if (value.range.is_only(kMax)) return {};  // The largest of the signed ones isn't theirs.
      if (value.range.external && value.range.low < 0) value.range.low = 0;
    }
    return value;
  }

  /// What a variable's type makes of a number that was just computed.
  Value fitted(Value value, std::string_view type) {
    const bool computed = std::exchange(value.computed, false);
    const auto limits = limits_of_type(type);
    if (value.what != Value::What::Number || !limits) return value;
    const bool above = value.range.low > limits->high, below = value.range.high < limits->low;
    if (computed && !value.range.external) {
      above ? machine_.always(Fault::TooLarge, place()) : machine_.fine(Fault::TooLarge, place());
      below ? machine_.always(Fault::TooSmall, place()) : machine_.fine(Fault::TooSmall, place());
    }
    if (above || below) return {};
    return value;
  }

  // --- blocks

  /// Somewhere to go on. What was computed for a condition is looked at behind the branch.
  struct Way {
    BlockIndex block = 0;
    State state;
    std::vector<Value> temporaries;
  };

  bool visit(BlockIndex index, State entry, std::vector<Way>& open) {
    auto& known = entries_[index];
    if (std::find(known.begin(), known.end(), entry) != known.end()) return true;
    if (++visits_[index] > kVisitsMax) {
      complete_ = false;
      return true;
    }
    const std::size_t paths_max = heads_[index] ? kRoundsMax : kPathsMax;
    if (known.size() >= paths_max || visits_[index] > paths_max) {
      // Too many ways: they are seen together from now on, and numbers that still move are given up.
      State merged = known.front();
      merged = widen(merged, entry);
      if (merged == known.front()) return true;
      known.front() = merged;
      entry = std::move(merged);
    } else {
      known.push_back(entry);
    }
    state_ = std::move(entry);
    block_ = index;
    const FlowBlock& block = body_.blocks[index];
    dead_ = false;
    for (std::uint32_t i = block.first_op; i < block.end_op && !dead_; ++i) {
      if (!machine_.spend()) return false;
      op_ = &body_.ops[i];
      op_index_ = i;
      step(*op_);
    }
    if (dead_) {
      if (op_->what != FlowWhat::Refine) ends_.insert(index);
      return true;
    }
    const Value condition = get(block.condition);
    bool yes = true, no = true;
    if (block.condition != kNoSlot) {
      if (condition.what == Value::What::Number) {
        yes = !condition.range.is_only(0);
        no = condition.range.low <= 0 && condition.range.high >= 0 && !condition.range.nonzero;
      } else if (condition.what == Value::What::Pointer) {
        yes = condition.null != Value::Null::Yes;
        no = condition.null != Value::Null::No;
      }
    }
    bool left = false;
    const auto go = [&](BlockIndex to) {
      left = true;
      if (depth_ == 0) taken_.emplace(index, to);
      open.push_back({to, state_, temporaries_});
      if (const auto counted = loops_->counted.find({index, to}); counted != loops_->counted.end())
        for (const Slot slot : counted->second) end_sweep(open.back().state, slot);
    };
    if (block.when_true != kNoBlock && yes) go(block.when_true);
    if (block.when_false != kNoBlock && no) go(block.when_false);
    for (std::uint32_t e = block.first_edge; e < block.end_edge; ++e) go(body_.edges[e]);
    if (!left && block.when_true == kNoBlock && block.when_false == kNoBlock && block.first_edge == block.end_edge)
      leave(Value());
    return true;
  }

  /// Behind its loop a counter has one value, not each in turn.
  void end_sweep(State& state, Slot slot) const {
    Value* value = &state.variables[slot];
    if (const auto home = homes_.find(slot); home != homes_.end() && home->second < state.objects.size())
      value = &state.objects[home->second].content;
    if (!value->range.is_only()) value->range.swept = false;
    if (!value->target.offset.is_only()) value->target.offset.swept = false;
  }

  void leave(const Value& returned) {
    if (depth_ == 0) look_for_leaks(returned);
    if (!exit_) {
      exit_ = Exit{{{}, state_.objects}, returned};
      return;
    }
    State now{{}, state_.objects};
    exit_->state = join(exit_->state, now);
    exit_->returned = join(exit_->returned, returned);
  }

  /// Memory that nobody can free any more.
  void look_for_leaks(const Value& returned) {
    for (ObjectId id = 1; id < state_.objects.size(); ++id) {
      const Object& object = state_.objects[id];
      if (object.kind != Object::Kind::Heap || object.life != Object::Life::Live || object.escaped) continue;
      if (returned.what == Value::What::Pointer && returned.target.object == id) continue;
      // A variable of this function must still be what leads there and know that it isn't null.
      const bool held = std::any_of(state_.variables.begin(), state_.variables.end(), [&](const Value& value) {
        return value.what == Value::What::Pointer && value.target.object == id && value.null != Value::Null::Yes;
      });
      if (held && body_.name != kNoName && flow_.names[body_.name] != "main")
        machine_.hit(Fault::Leak, op_ == nullptr ? body_.end : place(), object.made);
    }
  }

  // --- operations

  void step(const FlowOp& op) {
    switch (op.what) {
      case FlowWhat::Literal:
        return literal(op);
      case FlowWhat::Copy:
        if (flow_.names[op.name] != "void") use(get(op.a), op.a);
        if (type_of(op.dst).ends_with("[]") && !is_temporary(op.dst)) return initialise(op);
        // What a variable of the file holds is everybody's.
        if (!is_temporary(op.dst) && frees_.contains(op.dst)) escape(get(op.a));
        if (is_temporary(op.dst)) {
          Value value = as_declared(get(op.a), op.name);
          if (op.name != kNoName) value.computed = false;  // A cast says that it is meant.
          return set(op.dst, value);
        }
        return set(op.dst,
                   fitted(as_declared(get(op.a), op.name != kNoName ? op.name : type_name(op.dst)), type_of(op.dst)));
      case FlowWhat::Declare:
        return declare(op);
      case FlowWhat::AddressOf:
        return address_of(op);
      case FlowWhat::Field:
        if (op.flags & kFlowArrow) access(get(op.a), Range::only(0), Range::only(0), false);
        return set(op.dst, {});
      case FlowWhat::SetField:
        escape(get(op.b));
        if (Object* object = this->object(get(op.a))) object->filled = Object::Filled::Maybe;
        if (const Value into = get(op.a); into.what == Value::What::Uninitialised) set(op.a, {});
        return;
      case FlowWhat::Element:
        return load(op);
      case FlowWhat::SetElement:
        return save(op);
      case FlowWhat::Operate:
        return operate(op);
      case FlowWhat::Call:
        return call(op);
      case FlowWhat::Build:
      case FlowWhat::Concat:
      case FlowWhat::Join:
      case FlowWhat::Iterate:
        for (std::uint32_t i = 0; i < op.args_count; ++i) escape(get(body_.args[op.args_first + i].slot));
        // How many there are, for an array that is made of them.
        if (Value list; op.what == FlowWhat::Build) {
          list.range = Range::only(op.args_count);
          return set(op.dst, list);
        }
        return set(op.dst, {});
      case FlowWhat::Mark:
      case FlowWhat::Propagate:
      case FlowWhat::Forget:
        return set(op.dst, {});
      case FlowWhat::Refine:
        return refine(op);
      case FlowWhat::Return:
        use(get(op.a), op.a);
        leave(get(op.a));
        dead_ = true;
        return;
      case FlowWhat::Throw:
        dead_ = true;
        return;
    }
  }

  void literal(const FlowOp& op) {
    const FlowLiteral& literal = flow_.literals[op.a];
    switch (literal.what) {
      case FlowLiteral::What::Integer:
        return set(op.dst, Value::number(Range::only(literal.integer)));
      case FlowLiteral::What::Bool:
        return set(op.dst, Value::number(Range::only(literal.integer)));
      case FlowLiteral::What::Null:
        return set(op.dst, Value::null_pointer());
      case FlowLiteral::What::Text: {
        if (literal.text.find('\\') != std::string::npos) return set(op.dst, {});
        const ObjectId id = machine_.object_of(0, (std::uint64_t{2} << 40) + op.a);
        if (id == kNoObject) return set(op.dst, {});
        Object* object = at(id);
        object->kind = Object::Kind::Literal;
        object->filled = Object::Filled::Yes;
        object->size = Range::only(static_cast<std::int64_t>(literal.text.size()) + 1);
        object->length = Range::only(static_cast<std::int64_t>(literal.text.size()));
        return set(op.dst, Value::pointer({id, Range::only(0)}, 1));
      }
      case FlowLiteral::What::Other:
        return set(op.dst, {});
    }
  }

  void declare(const FlowOp& op) {
    const std::string_view type = flow_.names[op.type];
    if (!type.ends_with("[]")) {
      const bool simple = is_scalar_type(type);
      Value value;
      if (simple) value.what = Value::What::Uninitialised;
      return set(op.dst, value);
    }
    const ObjectId id = machine_.object_of(context_, op_index_);
    if (id == kNoObject) return set(op.dst, {});
    const std::uint32_t element = element_of_type(type);
    Object* object = at(id);
    *object = {};
    object->kind = Object::Kind::Stack;
    object->made = place();
    object->filled = Object::Filled::No;
    const Value count = get(op.a);
    if (count.what == Value::What::Number && count.range.is_only() && element != kUnknownTypeBytes)
      object->size = multiply(count.range, Range::only(element));
    else
      object->size.swept = op.a != kNoSlot;  // There is one, if not one that is known here.
    set(op.dst, Value::pointer({id, Range::only(0)}, element));
  }

  /// An array gets a text's or a list's elements; its size is theirs unless it has one.
  void initialise(const FlowOp& op) {
    const Value from = get(op.a), array = get(op.dst);
    Object* object = this->object(array);
    if (object == nullptr || object->kind != Object::Kind::Stack) return;
    object->filled = Object::Filled::Yes;
    if (const Object* text = this->object(from); text != nullptr && text->kind == Object::Kind::Literal) {
      object->length = text->length;
      if (object->size.high == kMax && !object->size.swept) object->size = text->size;
    } else if (object->size.high == kMax && !object->size.swept && from.what == Value::What::Unknown &&
               from.range.is_only()) {
      object->size = multiply(from.range, Range::only(array.element == 0 ? 1 : array.element));
    }
  }

  void address_of(const FlowOp& op) {
    const Value value = get(op.a);
    if (type_of(op.a).ends_with("[]")) return set(op.dst, value);
    const auto home = homes_.find(op.a);
    if (home == homes_.end() || home->second == kNoObject) return set(op.dst, {});
    set(op.a, value);
    set(op.dst,
        Value::pointer({home->second, Range::only(0)}, static_cast<std::uint32_t>(size_of_type(type_of(op.a)))));
  }

  /// A value that was never given is used.
  void use(const Value& value, Slot slot) {
    if (slot == kNoSlot || is_temporary(slot)) return;
    if (value.what != Value::What::Uninitialised) return machine_.fine(Fault::Uninitialised, place());
    machine_.always(Fault::Uninitialised, place());
    set(slot, {});  // Once is enough.
  }

  /// `bytes` bytes at `offset` behind a pointer.
  bool access(const Value& pointer, const Range& offset, const Range& bytes, bool writes) {
    const Fault beyond = writes ? Fault::WriteBeyond : Fault::ReadBeyond;
    const Fault before = writes ? Fault::WriteBefore : Fault::ReadBefore;
    if (pointer.what == Value::What::Uninitialised) {
      machine_.always(Fault::Uninitialised, place());
      return false;
    }
    if (pointer.null == Value::Null::Yes) {
      machine_.always(Fault::NullUse, place());
      return false;
    }
    // Of a load and of a call's arguments more is asked than whether the pointer is set.
    if (op_->what != FlowWhat::Element && op_->what != FlowWhat::Call) machine_.fine(Fault::Uninitialised, place());
    machine_.fine(Fault::NullUse, place());
    if (pointer.what == Value::What::Number && pointer.range.external) machine_.hit(Fault::ExternalPointer, place());
    if (pointer.what != Value::What::Pointer) {
      machine_.fine(beyond, place());
      machine_.fine(before, place());
      return true;
    }
    if (pointer.null == Value::Null::Unchecked) machine_.hit(Fault::UncheckedUse, place(), pointer.maker);
    Object* object = this->object(pointer);
    if (object == nullptr) {
      machine_.fine(beyond, place());
      machine_.fine(before, place());
      return true;
    }
    if (object->life == Object::Life::Freed) {
      machine_.hit(Fault::UseAfterFree, place(), object->freed, object->kind);
      return false;
    }
    const Range first = add(pointer.target.offset, offset);
    const Range end = add(first, bytes);
    if (first.low < 0 && (first.external || (first.swept && first.low != kMin))) {
      machine_.hit(before, place(), object->made, object->kind);
      return false;
    }
    if (first.high < 0) {
      machine_.always(before, place(), object->made, object->kind);
      return false;
    }
    machine_.fine(before, place());
    const Range& size = object->size;
    const bool known = size.high != kMax && bytes.high != 0;
    const bool open = (end.external || (end.swept && end.high != kMax)) && end.high > size.high;
    if (known && open) {
      machine_.hit(beyond, place(), object->made, object->kind);
      return false;
    }
    if (known && end.low > size.high && first.low >= 0) {
      machine_.always(beyond, place(), object->made, object->kind);
      return false;
    }
    machine_.fine(beyond, place());
    return true;
  }

  Range index_of(const FlowOp& op, const Value& base) {
    if (op.b == kNoSlot) return Range::only(0);
    const Value index = get(op.b);
    use(index, op.b);
    const std::uint32_t element = base.element == 0 ? 1 : base.element;
    if (index.what != Value::What::Number) return {};
    return multiply(index.range, Range::only(element));
  }

  void load(const FlowOp& op) {
    const Value base = get(op.a);
    const Range offset = index_of(op, base);
    const bool inside = access(base, offset, Range::only(base.element == 0 ? 1 : base.element), false);
    const Object* object = this->object(base);
    if (object == nullptr || !inside) return set(op.dst, {});
    // What a structure's member is read of is one of many.
    const bool single = base.element != 0 && base.element < kUnknownTypeBytes;
    if (single && object->filled == Object::Filled::No && object->life == Object::Life::Live &&
        object->kind != Object::Kind::Static && object->kind != Object::Kind::Variable) {
      machine_.always(Fault::Uninitialised, place(), object->made, object->kind);
      const_cast<Object*>(object)->filled = Object::Filled::Maybe;
      return set(op.dst, {});
    }
    machine_.fine(Fault::Uninitialised, place());
    if (object->kind == Object::Kind::Variable && offset.is_only(0)) {
      if (object->content.what == Value::What::Uninitialised) {
        machine_.always(Fault::Uninitialised, place());
        return set(op.dst, {});
      }
      return set(op.dst, object->content);
    }
    // An array that was filled from outside, element by element.
    if (object->content.what == Value::What::Number && object->content.range.external)
      return set(op.dst, object->content);
    set(op.dst, {});
  }

  void save(const FlowOp& op) {
    const Value base = get(op.a), value = get(op.c);
    use(value, op.c);
    const Range offset = index_of(op, base);
    access(base, offset, Range::only(base.element == 0 ? 1 : base.element), true);
    escape(value);
    Object* object = this->object(base);
    if (object == nullptr) return;
    if (object->kind == Object::Kind::Variable && offset.is_only(0)) {
      object->content = value;
      object->filled = Object::Filled::Yes;
      return;
    }
    object->content = {};
    if (object->filled == Object::Filled::No) object->filled = Object::Filled::Maybe;
    const Range first = add(base.target.offset, offset);
    const bool ends = value.what == Value::What::Number && value.range.is_only(0) && base.element == 1;
    if (ends && first.is_only() && first.low >= 0 && (object->length.low >= first.low || !object->length.is_known()))
      object->length = object->length.is_known() ? Range::only(first.low) : Range{0, first.low, false, false};
    else if (!ends && object->length.is_known() && first.low <= object->length.high)
      object->length = {};
  }

  void operate(const FlowOp& op) {
    if (op.op == Op::SizeOf) return set(op.dst, size_of(op));
    const Value a = get(op.a), b = get(op.b);
    use(a, op.a);
    if (op.b != kNoSlot) use(b, op.b);
    if (a.null == Value::Null::Unchecked && b.what == Value::What::Number) look_at_test(op, b.range);
    if (a.what == Value::What::Pointer || b.what == Value::What::Pointer) return pointer_operation(op, a, b);
    const bool numbers = a.what == Value::What::Number && (op.b == kNoSlot || b.what == Value::What::Number);
    if ((op.op == Op::Div || op.op == Op::Mod) && !is_floating(op.a) && !is_floating(op.b)) {
      const bool known = b.what == Value::What::Number;
      if (known && b.range.external && !b.range.nonzero && b.range.low <= 0 && b.range.high >= 0)
        machine_.hit(Fault::DivisionByZero, place());
      else if (known && b.range.is_only(0))
        machine_.always(Fault::DivisionByZero, place());
      else
        machine_.fine(Fault::DivisionByZero, place());
    }
    if (!numbers) {
      return set(op.dst, compares(op.op) ? Value::number({0, 1, false, false}) : Value());
    }
    Value result = Value::number(number_operation(op, a.range, b.range));
    result.computed = op.op == Op::Add || op.op == Op::Sub || op.op == Op::Mul;
    set(op.dst, result);
  }

  /// What a loop counts down or up is bounded by the loop's end more often than by a test that is seen here; a macro
  /// knows why it computes with what comes from outside.
  bool is_limited() const { return block_in_loop_[block_] || body_.is_macro; }

  static bool compares(Op op) {
    switch (op) {
      case Op::Eq:
      case Op::NotEq:
      case Op::Less:
      case Op::LessEq:
      case Op::Greater:
      case Op::GreaterEq:
      case Op::Not:
        return true;
      default:
        return false;
    }
  }

  Range number_operation(const FlowOp& op, const Range& a, const Range& b) {
    const auto decided = [](bool yes, bool no) {
      return yes ? Range::only(1) : no ? Range::only(0) : Range{0, 1, false, false};
    };
    switch (op.op) {
      case Op::Add:
        if (a.external && b.is_only() && b.low > 0 && a.high == kMax && !is_limited())
          machine_.hit(Fault::Overflow, place());
        if (a.is_only(kMax) && b.low > 0) machine_.always(Fault::TooLarge, place());
        return add(a, b);
      case Op::Sub:
        if (a.external && b.is_only() && b.low > 0 && !is_limited() &&
            (a.low == kMin || (a.low < b.low && a.high == kMax && is_unsigned_type(type_of_slot(op.a)))))
          machine_.hit(Fault::Underflow, place());
        if (a.is_only(kMin) && b.low > 0) machine_.always(Fault::TooSmall, place());
        return add(a, negate(b));
      case Op::Mul:
        if (a.external && b.is_only() && b.low > 1 && !body_.is_macro) {
          if (a.high == kMax)
            machine_.hit(Fault::Overflow, place());
          else if (a.low == kMin)
            machine_.hit(Fault::Underflow, place());
        }
        if (a.is_only(kMin) && b.low > 1) machine_.always(Fault::TooSmall, place());
        if (a.is_only(kMax) && b.low > 1) machine_.always(Fault::TooLarge, place());
        return multiply(a, b);
      case Op::Div:
        return divide(a, b);
      case Op::Mod:
        return remainder(a, b);
      case Op::Minus:
        return negate(a);
      case Op::Not:
        return decided(a.is_only(0), a.low > 0 || a.high < 0);
      case Op::Eq:
        return decided(a.is_only() && a == b, a.high < b.low || b.high < a.low);
      case Op::NotEq:
        return decided(a.high < b.low || b.high < a.low, a.is_only() && a == b);
      case Op::Less:
        return decided(a.high < b.low, a.low >= b.high);
      case Op::LessEq:
        return decided(a.high <= b.low, a.low > b.high);
      case Op::Greater:
        return decided(a.low > b.high, a.high <= b.low);
      case Op::GreaterEq:
        return decided(a.low >= b.high, a.high < b.low);
      default: {
        if (a.is_only() && b.is_only() && a.low >= 0 && b.low >= 0) {
          if (op.op == Op::BitAnd) return Range::only(a.low & b.low);
          if (op.op == Op::BitOr) return Range::only(a.low | b.low);
          if (op.op == Op::BitXor) return Range::only(a.low ^ b.low);
          if (op.op == Op::ShiftRight && b.low < 63) return Range::only(a.low >> b.low);
          if (op.op == Op::ShiftLeft && b.low < 31 && a.low <= kUint32Max) return Range::only(a.low << b.low);
        }
        // Bits that are put together of what comes from outside are whatever that is.
        Range out;
        const bool bits = op.op == Op::BitOr || op.op == Op::BitXor || op.op == Op::ShiftLeft;
        out.external = bits && body_.is_macro && (a.external || b.external);
        return out;
      }
    }
  }

  /// Failure is null: no number below zero.
  void look_at_test(const FlowOp& op, const Range& with) {
    const bool below_zero = (op.op == Op::Less || op.op == Op::GreaterEq) && with.is_only(0);
    const bool minus_one = (op.op == Op::Eq || op.op == Op::NotEq) && with.is_only(-1);
    if (below_zero || minus_one) machine_.hit(Fault::FailureMissed, place());
  }

  void pointer_operation(const FlowOp& op, const Value& a, const Value& b) {
    const bool first = a.what == Value::What::Pointer;
    const Value& pointer = first ? a : b;
    const Value& other = first ? b : a;
    switch (op.op) {
      case Op::Add:
      case Op::Sub: {
        if (other.what == Value::What::Pointer || (op.op == Op::Sub && !first)) return set(op.dst, {});
        Value out = pointer;
        const std::int64_t element = pointer.element == 0 ? 1 : pointer.element;
        Range by = other.what == Value::What::Number ? multiply(other.range, Range::only(element)) : Range();
        if (op.op == Op::Sub) by = negate(by);
        out.target.offset = add(out.target.offset, by);
        return set(op.dst, out);
      }
      case Op::Eq:
      case Op::NotEq:
      case Op::Not: {
        const bool with_null = op.op == Op::Not || other.null == Value::Null::Yes ||
                               (other.what == Value::What::Number && other.range.is_only(0));
        if (!with_null) return set(op.dst, Value::number({0, 1, false, false}));
        const bool equal_is_one = op.op != Op::NotEq;
        if (pointer.null == Value::Null::Unchecked) return set(op.dst, Value::number({0, 1, false, false}));
        const bool null = pointer.null == Value::Null::Yes;
        return set(op.dst, Value::number(Range::only(null == equal_is_one ? 1 : 0)));
      }
      default:
        return set(op.dst, {});
    }
  }

  std::string_view type_of_slot(Slot slot) const { return is_temporary(slot) ? std::string_view() : type_of(slot); }
  bool is_floating(Slot slot) const { return is_floating_type(type_of_slot(slot)); }

  Value size_of(const FlowOp& op) {
    if (op.type != kNoName) return Value::number(Range::only(size_of_type(flow_.names[op.type])));
    if (op.b != kNoSlot) {
      const std::uint32_t element = element_of_type(type_of(op.b));
      return element == 0 ? Value() : Value::number(Range::only(element));
    }
    const std::string_view type = type_of(op.a);
    if (type.ends_with("[]")) {
      const Object* object = this->object(get(op.a));
      return object != nullptr && object->size.is_only() ? Value::number(object->size) : Value();
    }
    return type.empty() ? Value() : Value::number(Range::only(size_of_type(type)));
  }

  void refine(const FlowOp& op) {
    Value value = get(op.dst);
    const Value with = get(op.b);
    const bool holds = (op.flags & kFlowNegated) == 0;
    const bool zero = op.op == Op::None || with.null == Value::Null::Yes ||
                      (with.what == Value::What::Number && with.range.is_only(0));
    if (value.what == Value::What::Pointer) {
      if (!zero || (op.op != Op::None && op.op != Op::Eq)) return;
      const bool null = op.op == Op::None ? !holds : holds;
      if (value.null == Value::Null::Yes) {
        dead_ = !null;
        return;
      }
      if (null && value.null == Value::Null::No) {
        dead_ = value.target.object != kNoObject;
        return;
      }
      if (null) {
        // What malloc didn't give is nothing to free.
        if (Object* object = this->object(value); object != nullptr && object->kind == Object::Kind::Heap)
          object->life = Object::Life::Maybe;
        value = Value::null_pointer();
      } else {
        value.null = Value::Null::No;
      }
      return set(op.dst, value);
    }
    if (value.what == Value::What::Unknown && zero && (op.op == Op::None || op.op == Op::Eq)) {
      const bool is_zero = op.op == Op::None ? !holds : holds;
      const bool pointer = element_of_type(type_of(op.dst)) != 0 || with.null == Value::Null::Yes;
      // Of a pointer that isn't known a test says little: what follows may be a macro that doesn't return.
      if (pointer) return;
      Range range = Range::only(0);
      if (!is_zero) {
        range = {};
        range.nonzero = true;
      }
      return set(op.dst, Value::number(range));
    }
    if (op.op == Op::None || (value.what != Value::What::Number && value.what != Value::What::Unknown)) return;
    if (with.what != Value::What::Number) {
      // A limit that isn't known is one all the same.
      if (value.range.external) {
        value.range.external = false;
        set(op.dst, value);
      }
      return;
    }
    Range range = value.what == Value::What::Number ? value.range : Range();
    const Range& limit = with.range;
    Op relation = op.op;
    if (!holds) {
      switch (relation) {
        case Op::Less:
          relation = Op::GreaterEq;
          break;
        case Op::LessEq:
          relation = Op::Greater;
          break;
        case Op::Greater:
          relation = Op::LessEq;
          break;
        case Op::GreaterEq:
          relation = Op::Less;
          break;
        case Op::Eq:
          if (limit.is_only() && range.is_only(limit.low)) {
            dead_ = true;
            return;
          }
          if (limit.is_only(0)) range.nonzero = true;
          // An end of the range goes: x != 0 of an unsigned or positive one.
          if (const auto limits = limits_of_type(type_of(op.dst)); limits && limit.is_only() && range.external) {
            range.low = std::max(range.low, limits->low == limit.low ? limit.low + 1 : kMin);
            range.high = std::min(range.high, limits->high == limit.low ? limit.low - 1 : kMax);
          }
          if (limit.is_only() && range.low == limit.low)
            ++range.low;
          else if (limit.is_only() && range.high == limit.low)
            --range.high;
          return set(op.dst, Value::number(range));
        default:
          return;
      }
    }
    switch (relation) {
      case Op::Less:
        if (limit.high != kMin) range.high = std::min(range.high, limit.high == kMax ? kMax : limit.high - 1);
        break;
      case Op::LessEq:
        range.high = std::min(range.high, limit.high);
        break;
      case Op::Greater:
        if (limit.low != kMax) range.low = std::max(range.low, limit.low == kMin ? kMin : limit.low + 1);
        break;
      case Op::GreaterEq:
        range.low = std::max(range.low, limit.low);
        break;
      case Op::Eq:
        range.low = std::max(range.low, limit.low);
        range.high = std::min(range.high, limit.high);
        break;
      default:
        return;
    }
    // A limit that isn't known may still be one.
    // A counter that runs to one of several ends doesn't take all values up to the last.
    if (!limit.is_only()) range.swept = false;
    const bool extreme = limit.is_only(kMin) || limit.is_only(kMax);
    if ((!limit.is_known() || extreme) && range.external) range.external = false;
    if (range.low > range.high) {
      dead_ = true;
      return;
    }
    set(op.dst, Value::number(range));
  }

  // --- calls

  void call(const FlowOp& op) {
    LibraryCall call;
    call.name = flow_.names[op.name];
    call.ignored = (op.flags & kFlowIgnored) != 0;
    for (std::uint32_t i = 0; i < op.args_count; ++i) {
      const Slot slot = body_.args[op.args_first + i].slot;
      call.args.push_back(get(slot));
    }
    if (const FlowBody* callee = machine_.function(call.name); callee != nullptr) return call_here(op, *callee, call);
    if (never_returns(call.name)) {
      dead_ = true;
      return;
    }
    if (is_library(call.name)) {
      for (std::uint32_t i = 0; i < op.args_count; ++i) use(call.args[i], body_.args[op.args_first + i].slot);
      return set(op.dst, *library_call(call, *this));
    }
    // A macro may look like a call, and set what it is given.
    for (std::uint32_t i = 0; i < op.args_count; ++i)
      if (call.args[i].what == Value::What::Uninitialised) set(body_.args[op.args_first + i].slot, {});
    // Somebody else's function: it may keep, fill or free what it is given.
    for (const Value& arg : call.args) {
      if (arg.null == Value::Null::Unchecked) continue;
      if (Object* object = this->object(arg)) {
        object->escaped = true;
        object->filled = Object::Filled::Maybe;
        object->length = {};
        object->content = {};
        if (object->kind == Object::Kind::Heap && object->life == Object::Life::Freed)
          machine_.hit(Fault::UseAfterFree, place(), object->freed, object->kind);
        else if (object->kind == Object::Kind::Heap)
          object->life = Object::Life::Maybe;
      }
    }
    set(op.dst, {});
  }

  void call_here(const FlowOp& op, const FlowBody& callee, const LibraryCall& call) {
    if (depth_ >= kCallDepthMax || &callee == &body_) return set(op.dst, {});
    Frame frame(machine_, callee, context_ * 1'000'003 + op_index_ + 1, depth_ + 1, callee.is_macro ? place() : 0);
    auto exit = frame.run(call.args, state_.objects);
    if (!exit) {
      dead_ = true;  // exit(), or a loop without an end.
      return;
    }
    state_.objects = std::move(exit->state.objects);
    set(op.dst, exit->returned);
  }

  Machine& machine_;
  const FlowFile& flow_;
  const FlowBody& body_;
  std::uint64_t context_;
  int depth_;
  std::uint32_t macro_place_;
  State state_;
  std::vector<Value> temporaries_;
  std::unordered_map<Slot, ObjectId> homes_;
  std::unordered_map<Slot, std::uint32_t> types_;
  std::set<Slot> frees_;
  std::vector<std::vector<State>> entries_;
  std::vector<std::uint32_t> visits_;
  std::vector<bool> heads_;
  std::vector<bool> block_in_loop_;  ///< Between a loop's head and a jump back to it, by number.
  BlockIndex block_ = 0;
  std::optional<Exit> exit_;
  const FlowOp* op_ = nullptr;
  std::uint32_t op_index_ = 0;
  bool dead_ = false;
  bool complete_ = true;                               ///< No state was dropped.
  std::set<std::pair<BlockIndex, BlockIndex>> taken_;  ///< Edges that a way took.
  const BodyLoops* loops_ = nullptr;
  std::set<BlockIndex> ends_;  ///< Blocks where one returned or stopped.
};

Hits Machine::run() {
  Hits out;
  std::uint64_t root = 1;
  for (const FlowBody& body : flow_.bodies) {
    if (body.is_module || body.is_macro) continue;
    // In C++ another function may have the same name.
    if (flow_.language == source::Language::C)
      if (const auto call = endless_recursion(flow_, body)) hit(Fault::EndlessRecursion, body.ops[*call].first);
    if (is_called_here(body)) continue;
    steps_ = 0;
    objects_.clear();
    certain_.clear();
    Frame frame(*this, body, root, 0);
    static_cast<void>(frame.run({}, {}));
    frame.look_for_endless_loops();
    // Ways that weren't taken may say otherwise.
    if (steps_ <= kStepsMax) all_certain_.insert(certain_.begin(), certain_.end());
    if (body.cut || budget_.spent()) out.cut.push_back(body.name);
    if (steps_ > kStepsMax) out.followed_in_part.push_back(body.name);
  }
  for (const Hit& hit : all_certain_)
    if (!fine_.contains({hit.fault, hit.first})) hits_.insert(hit);
  out.hits.assign(hits_.begin(), hits_.end());
  return out;
}

Hits run_memory(const FlowFile& flow, CpuBudget budget) { return Machine(flow, std::move(budget)).run(); }

}  // namespace wrench::code::memory
