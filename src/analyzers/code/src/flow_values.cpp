#include "flow_values.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wrench/base/text.hpp"

namespace wrench::code {

namespace {

constexpr int kPartDepthMax = 3;  ///< Parts of parts of parts.

std::uint64_t pair_key(std::uint32_t a, std::uint32_t b) { return (static_cast<std::uint64_t>(a) << 32) | b; }

}  // namespace

std::size_t ValuePool::Hash::operator()(const std::vector<std::uint64_t>& key) const {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::uint64_t word : key) {
    hash ^= word + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

ValuePool::ValuePool() {
  taints_.emplace_back();
  constants_.emplace_back();
  parts_.emplace_back();
  intern({});
}

// --- interning

ValueId ValuePool::intern(Value value) {
  const std::vector<std::uint64_t> key{pair_key(value.taint, value.constants), value.parts};
  const auto [found, added] = value_keys_.try_emplace(key, static_cast<ValueId>(values_.size()));
  if (added) values_.push_back(value);
  return found->second;
}

ValuePool::TaintId ValuePool::intern_taint(Taint taint) {
  if (taint.empty()) return 0;
  std::vector<std::uint64_t> key;
  key.reserve(taint.size() * 2);
  for (const Carried& carried : taint) {
    key.push_back(carried.origin);
    key.push_back(carried.labels);
  }
  const auto [found, added] = taint_index_.try_emplace(std::move(key), static_cast<TaintId>(taints_.size()));
  if (added) taints_.push_back(std::move(taint));
  return found->second;
}

ValuePool::ConstantsId ValuePool::intern_constants(std::vector<LiteralId> literals) {
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  if (literals.empty() || literals.size() > kConstantsMax) return 0;
  std::vector<std::uint64_t> key(literals.begin(), literals.end());
  const auto [found, added] = constants_index_.try_emplace(std::move(key), static_cast<ConstantsId>(constants_.size()));
  if (added) constants_.push_back(std::move(literals));
  return found->second;
}

ValuePool::PartsId ValuePool::intern_parts(Parts parts) {
  std::vector<std::uint64_t> key{(parts.is_list ? 1U : 0U) | (parts.mixed ? 2U : 0U), parts.rest};
  for (const auto& [selector, value] : parts.known) key.push_back(pair_key(selector, value));
  const auto [found, added] = parts_index_.try_emplace(std::move(key), static_cast<PartsId>(parts_.size()));
  if (added) parts_.push_back(std::move(parts));
  return found->second;
}

ValuePool::LiteralId ValuePool::literal_id(const FlowLiteral& literal) {
  const std::string key = fmt::format("{}:{}:{}", static_cast<int>(literal.what), literal.integer, literal.text);
  const auto [found, added] = literal_index_.try_emplace(key, static_cast<LiteralId>(literals_.size()));
  if (added) literals_.push_back(literal);
  return found->second;
}

ValuePool::Selector ValuePool::selector(std::string_view text) {
  std::size_t index = 0;
  // "0", "1": the same part whether it is written as a number or a name.
  if (!text.empty() && text.size() < 4 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    for (const char c : text) index = index * 10 + static_cast<std::size_t>(c - '0');
    return list_selector(index);
  }
  return selectors_.try_emplace(std::string(text), static_cast<Selector>(selectors_.size())).first->second;
}

// --- reading and making

LabelMask ValuePool::labels(ValueId id) const {
  LabelMask out = 0;
  for (const Carried& carried : taint(id)) out |= carried.labels;
  return out;
}

const FlowLiteral* ValuePool::only(ValueId id) const {
  const auto& known = constants(id);
  return known.size() == 1 ? &literals_[known.front()] : nullptr;
}

ValueId ValuePool::constant(const FlowLiteral& literal) {
  if (literal.what == FlowLiteral::What::Other) return kUnknown;
  return constants_of({literal_id(literal)});
}

ValueId ValuePool::constants_of(std::vector<LiteralId> literals) {
  Value value;
  value.constants = intern_constants(std::move(literals));
  return intern(value);
}

ValueId ValuePool::carrying(Taint taint) {
  Value value;
  value.taint = intern_taint(std::move(taint));
  return intern(value);
}

ValueId ValuePool::with_taint(ValueId id, TaintId taint) {
  Value value = values_[id];
  value.taint = taint;
  return intern(value);
}

ValueId ValuePool::with_parts(ValueId id, Parts parts) {
  Value value = values_[id];
  value.parts = intern_parts(std::move(parts));
  return intern(value);
}

ValueId ValuePool::without_parts(ValueId id) {
  Value value = values_[id];
  value.parts = 0;
  return intern(value);
}

// --- taints

ValuePool::TaintId ValuePool::unite(TaintId a, TaintId b) {
  if (a == b || b == 0) return a;
  if (a == 0) return b;
  if (a > b) std::swap(a, b);
  const std::uint64_t key = pair_key(a, b);
  if (const auto found = unions_.find(key); found != unions_.end()) return found->second;
  Taint out;
  const Taint &x = taints_[a], &y = taints_[b];
  std::size_t i = 0, k = 0;
  while (i < x.size() || k < y.size()) {
    if (k == y.size() || (i < x.size() && x[i].origin < y[k].origin)) {
      out.push_back(x[i++]);
    } else if (i == x.size() || y[k].origin < x[i].origin) {
      out.push_back(y[k++]);
    } else {
      out.push_back({x[i].origin, x[i].labels | y[k].labels});
      ++i;
      ++k;
    }
  }
  // Parameters come first and stay; of many sources the first ones stand for all of each label.
  if (out.size() > kOriginsMax) {
    LabelMask seen = 0;
    Taint few;
    for (const Carried& carried : out) {
      if (few.size() >= kOriginsMax && carried.origin >= kSourceOrigins && (carried.labels & ~seen) == 0) continue;
      if (carried.origin >= kSourceOrigins) seen |= carried.labels;
      few.push_back(carried);
    }
    out = std::move(few);
  }
  const TaintId id = intern_taint(std::move(out));
  unions_.emplace(key, id);
  return id;
}

ValuePool::TaintId ValuePool::keep(TaintId taint, LabelMask labels) {
  if (taint == 0 || labels == kAllLabels) return taint;
  Taint out;
  for (Carried carried : taints_[taint]) {
    carried.labels &= labels;
    if (carried.labels != 0) out.push_back(carried);
  }
  return intern_taint(std::move(out));
}

ValuePool::TaintId ValuePool::add(TaintId taint, Carried more) {
  if (more.labels == 0) return taint;
  return unite(taint, intern_taint({more}));
}

ValueId ValuePool::keep_labels(ValueId id, LabelMask labels) {
  if (labels == kAllLabels) return id;
  Value value = values_[id];
  value.taint = keep(value.taint, labels);
  if (value.parts != 0) {
    Parts parts = parts_[value.parts];
    for (auto& [selector, part] : parts.known) part = keep_labels(part, labels);
    parts.rest = keep_labels(parts.rest, labels);
    value.parts = intern_parts(std::move(parts));
  }
  return intern(value);
}

// --- joins

ValueId ValuePool::join(ValueId a, ValueId b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);
  const std::uint64_t key = pair_key(a, b);
  if (const auto found = joins_.find(key); found != joins_.end()) return found->second;
  const ValueId out = join_at(a, b, false, 0);
  joins_.emplace(key, out);
  return out;
}

ValueId ValuePool::widen(ValueId a, ValueId b) { return a == b ? a : join_at(a, b, true, 0); }

ValueId ValuePool::join_at(ValueId a, ValueId b, bool widen, int depth) {
  if (a == b) return a;
  const Value x = values_[a], y = values_[b];
  Value out;
  out.taint = unite(x.taint, y.taint);
  if (x.constants == y.constants) {
    out.constants = x.constants;
  } else if (x.constants != 0 && y.constants != 0 && !widen) {
    std::vector<LiteralId> all = constants_[x.constants];
    all.insert(all.end(), constants_[y.constants].begin(), constants_[y.constants].end());
    out.constants = intern_constants(std::move(all));
  }
  if (x.parts == y.parts) {
    out.parts = x.parts;
    return intern(out);
  }
  return join_parts(a, b, widen, depth, intern(out));
}

ValueId ValuePool::join_parts(ValueId a, ValueId b, bool widen, int depth, ValueId base) {
  if (depth >= kPartDepthMax) return base;
  const Value x = values_[a], y = values_[b];
  Parts none;
  const Parts p = x.parts == 0 ? none : parts_[x.parts];
  const Parts q = y.parts == 0 ? none : parts_[y.parts];
  Parts out;
  out.rest = join_at(p.rest, q.rest, widen, depth + 1);
  const bool same_shape = p.known.size() == q.known.size() && p.is_list == q.is_list &&
                          std::equal(p.known.begin(), p.known.end(), q.known.begin(),
                                     [](const auto& m, const auto& n) { return m.first == n.first; });
  out.is_list = same_shape && p.is_list;
  const bool lists_differ = !same_shape && (p.is_list || q.is_list);
  if (lists_differ || p.mixed || q.mixed || (widen && !same_shape)) {
    out.mixed = true;
    TaintId taint = values_[base].taint;
    for (const Parts* parts : {&p, &q})
      for (const auto& [selector, part] : parts->known) {
        out.rest = join_at(out.rest, values_[part].constants == 0 ? part : with_taint(kUnknown, values_[part].taint),
                           widen, depth + 1);
        taint = unite(taint, values_[part].taint);
      }
    return with_parts(with_taint(base, taint), std::move(out));
  }
  std::size_t i = 0, k = 0;
  while (i < p.known.size() || k < q.known.size()) {
    if (k == q.known.size() || (i < p.known.size() && p.known[i].first < q.known[k].first)) {
      out.known.emplace_back(p.known[i].first,
                             join_at(p.known[i].second, with_taint(kUnknown, y.taint), widen, depth + 1));
      ++i;
    } else if (i == p.known.size() || q.known[k].first < p.known[i].first) {
      out.known.emplace_back(q.known[k].first,
                             join_at(q.known[k].second, with_taint(kUnknown, x.taint), widen, depth + 1));
      ++k;
    } else {
      out.known.emplace_back(p.known[i].first, join_at(p.known[i].second, q.known[k].second, widen, depth + 1));
      ++i;
      ++k;
    }
  }
  if (out.known.size() > kPartsMax) {
    out = {};
    out.mixed = true;
  }
  return with_parts(base, std::move(out));
}

// --- parts

bool ValuePool::selector_of(ValueId key, Selector& out) {
  const FlowLiteral* literal = only(key);
  if (literal == nullptr) return false;
  if (literal->what == FlowLiteral::What::Text) {
    out = selector(literal->text);
    return true;
  }
  if (literal->what == FlowLiteral::What::Integer && literal->integer >= 0 && literal->integer < 1000) {
    out = list_selector(static_cast<std::size_t>(literal->integer));
    return true;
  }
  return false;
}

ValueId ValuePool::part(ValueId of, Selector selector) {
  const Value whole = values_[of];
  const ValueId carried = whole.taint == 0 ? kUnknown : with_taint(kUnknown, whole.taint);
  if (whole.parts == 0) return carried;
  const Parts& parts = parts_[whole.parts];
  for (const auto& [known, value] : parts.known)
    if (known == selector) return value;
  const ValueId rest = parts.rest;
  return with_taint(rest, unite(values_[rest].taint, whole.taint));
}

ValueId ValuePool::any_part(ValueId of) {
  const Value whole = values_[of];
  ValueId out = whole.taint == 0 ? kUnknown : with_taint(kUnknown, whole.taint);
  if (whole.parts == 0) return out;
  const Parts parts = parts_[whole.parts];
  out = join(out, parts.rest);
  for (const auto& [selector, value] : parts.known) out = join(out, value);
  return out;
}

ValueId ValuePool::set_part(ValueId of, Selector selector, ValueId to) {
  Parts parts;
  if (values_[of].parts != 0) parts = parts_[values_[of].parts];
  if (parts.mixed) return set_any_part(of, to);
  const auto at = std::lower_bound(parts.known.begin(), parts.known.end(), selector,
                                   [](const auto& part, Selector wanted) { return part.first < wanted; });
  if (at != parts.known.end() && at->first == selector) {
    at->second = to;
  } else {
    if (parts.known.size() >= kPartsMax) return set_any_part(of, to);
    parts.known.insert(at, {selector, to});
    parts.is_list = false;
  }
  Value value = values_[of];
  value.constants = 0;
  return with_parts(intern(value), std::move(parts));
}

ValueId ValuePool::set_any_part(ValueId of, ValueId to) {
  Parts parts;
  if (values_[of].parts != 0) parts = parts_[values_[of].parts];
  for (auto& [selector, value] : parts.known) value = join(value, to);
  parts.rest = join(parts.rest, to);
  Value value = values_[of];
  value.constants = 0;
  value.taint = unite(value.taint, values_[to].taint);
  return with_parts(intern(value), std::move(parts));
}

ValueId ValuePool::list_of(const std::vector<ValueId>& parts) {
  Value value;
  for (const ValueId part : parts) value.taint = unite(value.taint, values_[part].taint);
  if (parts.size() > kPartsMax) return intern(value);
  Parts out;
  out.is_list = true;
  for (std::size_t i = 0; i < parts.size(); ++i) out.known.emplace_back(list_selector(i), parts[i]);
  return with_parts(intern(value), std::move(out));
}

}  // namespace wrench::code
