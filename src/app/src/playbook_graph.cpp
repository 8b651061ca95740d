#include "playbook_graph.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "layout.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

using workflow::Playbook;
using workflow::PlaybookStep;

/// How the operations of a step belong together.
std::string_view manner(std::string_view type) {
  if (type == "work_in_parallel") return "side by side";
  if (type == "self_feedback_loop") return "again and again";
  if (type == "partner_feedback_loop") return "in turns, again and again";
  if (type == "process") return "one after the other, a gate after each";
  if (type == "versus") return "against each other";
  if (type == "handoff") return "the others if the first calls for them";
  return "";
}

struct Strokes {
  std::string_view down, node, right, corner_down, corner_up, fork, merge, cross, flat;
};
constexpr Strokes kUnicode = {"│", "●", "├", "┐", "┘", "┬", "┴", "┼", "─"};
constexpr Strokes kAscii = {"|", "*", "+", "+", "+", "+", "+", "+", "-"};

/// One vertical line for each step that is still to come and that somebody above leads to.
class Drawing {
 public:
  Drawing(const Playbook& playbook, const PageStyle& style)
      : playbook_(playbook), style_(style), stroke_(style.unicode ? kUnicode : kAscii) {
    for (std::size_t i = 0; i < playbook.steps.size(); ++i) index_[playbook.steps[i].id] = i;
    followers_.resize(playbook.steps.size());
    for (std::size_t i = 0; i < playbook.steps.size(); ++i)
      for (const auto& before : playbook.steps[i].after) followers_[index_.at(before)].push_back(i);
  }

  std::string draw() {
    for (std::size_t i = 0; i < playbook_.steps.size(); ++i) step(i);
    return std::move(out_);
  }

 private:
  using Lane = std::optional<std::size_t>;  // The step it leads to.

  void step(std::size_t i) {
    std::size_t own = lanes_.size();
    std::vector<std::size_t> others;
    for (std::size_t l = 0; l < lanes_.size(); ++l) {
      if (lanes_[l] != i) continue;
      if (own == lanes_.size())
        own = l;
      else
        others.push_back(l);
    }
    if (others.empty() && i > 0) line("", std::nullopt);
    if (own == lanes_.size()) own = free_lane(0);
    lanes_[own] = i;
    if (!others.empty()) {
      turn(own, others, stroke_.merge, stroke_.corner_up);
      for (const std::size_t l : others) lanes_[l].reset();
      trim_lanes();
    }
    label(i, own);
    const auto& next = followers_[i];
    lanes_[own] = next.empty() ? Lane() : Lane(next.front());
    std::vector<std::size_t> opened;
    for (std::size_t n = 1; n < next.size(); ++n) {
      opened.push_back(free_lane(own + 1));
      lanes_[opened.back()] = next[n];
    }
    if (!opened.empty()) turn(own, opened, stroke_.fork, stroke_.corner_down);
    trim_lanes();
  }

  std::size_t free_lane(std::size_t from) {
    for (std::size_t l = from; l < lanes_.size(); ++l)
      if (!lanes_[l]) return l;
    lanes_.emplace_back();
    return lanes_.size() - 1;
  }
  void trim_lanes() {
    while (!lanes_.empty() && !lanes_.back()) lanes_.pop_back();
  }

  /// Lines that leave `own` to the right, or come to it from there.
  void turn(std::size_t own, std::vector<std::size_t> others, std::string_view inner, std::string_view last) {
    std::ranges::sort(others);
    std::string text;
    for (std::size_t l = 0; l < lanes_.size(); ++l) {
      const bool turns = std::ranges::find(others, l) != others.end();
      const bool between = l > own && l < others.back();
      if (l == own)
        text += stroke_.right;
      else if (turns)
        text += l == others.back() ? last : inner;
      else if (between)
        text += lanes_[l] ? stroke_.cross : stroke_.flat;
      else
        text += lanes_[l] ? stroke_.down : " ";
      text += l >= own && l < others.back() ? stroke_.flat : " ";
    }
    put(text);
  }

  void line(const std::string& text, std::optional<std::size_t> own) {
    std::string lanes;
    for (std::size_t l = 0; l < lanes_.size(); ++l)
      lanes += std::string(l == own ? stroke_.node : lanes_[l] ? stroke_.down : " ") + " ";
    put(lanes + text);
  }

  void put(const std::string& text) {
    const auto end = text.find_last_not_of(' ');
    out_ += "  " + text.substr(0, end == std::string::npos ? 0 : end + 1) + "\n";
  }

  void label(std::size_t i, std::size_t own) {
    const PlaybookStep& step = playbook_.steps[i];
    const std::string how(manner(step.type));
    std::string head = Console::safe(step.id);
    const bool one = how.empty() && step.calls.size() <= 1;
    if (one && !step.calls.empty()) head += "   " + Console::safe(step.calls.front());
    if (one && step.calls.empty()) head += "   waits";
    if (!how.empty()) head += "   " + how;
    line(head, own);
    // Below its own line a step that leads nowhere has none.
    if (followers_[i].empty()) lanes_[own].reset();
    const std::size_t used = 4 + 2 * lanes_.size();
    const std::size_t width = style_.width > used + 20 ? style_.width - used : 20;
    if (!step.when.empty())
      for (const auto& text : wrap("if " + Console::safe(step.when), width)) line("  " + text, std::nullopt);
    if (!one)
      for (const auto& call : step.calls) line("  - " + Console::safe(call), std::nullopt);
    if (!step.description.empty())
      for (const auto& text : wrap(Console::safe(step.description), width)) line("  " + text, std::nullopt);
  }

  const Playbook& playbook_;
  const PageStyle& style_;
  const Strokes& stroke_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::vector<std::vector<std::size_t>> followers_;
  std::vector<Lane> lanes_;
  std::string out_;
};

std::string dot_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : escape_for_display(text, Newlines::Keep)) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string draw_playbook(const Playbook& playbook, const PageStyle& style) { return Drawing(playbook, style).draw(); }

std::string playbook_dot(const Playbook& playbook) {
  std::string out = "digraph " + dot_string(playbook.name) + " {\n  node [shape=box, fontname=\"sans-serif\"];\n";
  for (const PlaybookStep& step : playbook.steps) {
    std::string label = step.id;
    if (step.type != "standard") label += " (" + step.type + ")";
    for (const auto& call : step.calls) label += "\n" + call;
    out += "  " + dot_string(step.id) + " [label=" + dot_string(label) + "];\n";
    for (const auto& before : step.after) {
      out += "  " + dot_string(before) + " -> " + dot_string(step.id);
      if (!step.when.empty()) out += " [label=" + dot_string(step.when) + "]";
      out += ";\n";
    }
  }
  return out + "}\n";
}

}  // namespace wrench::app
