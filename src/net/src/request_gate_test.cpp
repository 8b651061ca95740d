// Reads tests/http/request_gate.case, whose head says how.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wrench/net/chunk_decoder.hpp"
#include "wrench/net/request_head.hpp"

namespace wrench::net {
namespace {

constexpr std::uint64_t kBodyMax = 100;
/// Longer requests are cut at some places only.
constexpr std::size_t kCutEverywhereMax = 600;

struct Case {
  int line = 0;
  std::string title, request, outcome;
};

/// Up to the end of `text`, or, within braces, to their end.
std::string expand(std::string_view& text) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '}') {
      const std::size_t star = out.rfind('*');
      const int times = std::atoi(out.c_str() + star + 1);
      out.resize(star);
      std::string repeated;
      for (int i = 0; i < times; ++i) repeated += out;
      return repeated;
    }
    if (c == '{') {
      out += expand(text);
      continue;
    }
    if (c != '\\') {
      out += c;
      continue;
    }
    const char escaped = text.front();
    text.remove_prefix(1);
    if (escaped == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(0, 2)), nullptr, 16));
      text.remove_prefix(2);
    } else {
      out += escaped == 'r' ? '\r' : escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
    }
  }
  return out;
}

std::vector<Case> read_cases() {
  std::ifstream file(WRENCH_SOURCE_DIR "/tests/http/request_gate.case");
  std::vector<Case> out;
  std::string line;
  for (int no = 1; std::getline(file, line); ++no) {
    std::string_view text = line;
    if (text.starts_with("## ")) out.push_back({no, line.substr(3), {}, {}});
    if (out.empty()) continue;
    const bool whole = text.starts_with('|');
    if (whole || text.starts_with('~')) {
      text.remove_prefix(1);
      out.back().request += expand(text);
      if (whole) out.back().request += "\r\n";
    } else if (text.starts_with("=> ")) {
      text.remove_prefix(3);
      out.back().outcome = expand(text);
    }
  }
  return out;
}

GateRules rules() {
  return {.allows_host = [](std::string_view host) { return host != "evil.example"; }};
}

std::string shown(const Refusal& refusal) { return std::to_string(refusal.status) + " " + std::string(refusal.row); }

std::string shown(const RequestHead& head) {
  std::string out(name(head.method));
  out.append(" ").append(head.path).append(" ?").append(head.query);
  out += head.version == 10 ? " 1.0 " : " 1.1 ";
  out += head.host.empty() ? "-" : head.host;
  return out + " " + std::to_string(head.fields.size());
}

/// What comes of the request if it arrives in pieces that end at `cuts`.
std::string received(const std::string& request, const std::vector<std::size_t>& cuts) {
  HeadScanner scanner;
  HeadScanner::Outcome outcome = HeadScanner::NeedsMore{};
  std::size_t have = 0;
  auto cut = cuts.begin();
  while (std::holds_alternative<HeadScanner::NeedsMore>(outcome)) {
    if (have == request.size()) return "more";
    have = cut == cuts.end() ? request.size() : *cut++;
    outcome = scanner.scan(std::string_view(request).substr(0, have), rules());
  }
  if (const auto* refusal = std::get_if<Refusal>(&outcome)) return shown(*refusal);
  const auto& [head, size] = std::get<HeadScanner::Complete>(outcome);
  std::string out = shown(head);
  if (head.framing == Framing::None) out += " none";
  if (head.framing == Framing::Length) out += " " + std::to_string(head.content_length) + " bytes";
  if (head.framing == Framing::Chunked) {
    ChunkDecoder decoder(kBodyMax);
    std::string body;
    std::size_t used = size;
    for (;;) {
      const auto step = decoder.decode(std::string_view(request).substr(used, have - used), body);
      used += step.used;
      if (const auto* refusal = std::get_if<Refusal>(&step.state)) return shown(*refusal);
      if (std::holds_alternative<ChunkDecoder::Complete>(step.state)) break;
      if (have == request.size()) return "more";
      have = cut == cuts.end() ? request.size() : *cut++;
    }
    if (used != request.size()) return std::to_string(request.size() - used) + " bytes left";
    out += " \"" + body + "\"";
  }
  if (head.expects_continue) out += " continue";
  if (!head.keep_alive) out += " close";
  return out;
}

TEST(RequestGate, CasesGiveWhatTheySay) {
  const auto cases = read_cases();
  ASSERT_GT(cases.size(), 130U);
  for (const Case& one : cases)
    EXPECT_EQ(received(one.request, {}), one.outcome) << "request_gate.case:" << one.line << ": " << one.title;
}

TEST(RequestGate, HowARequestIsCutMakesNoDifference) {
  for (const Case& one : read_cases()) {
    const std::size_t step = one.request.size() <= kCutEverywhereMax ? 1 : one.request.size() / 50;
    std::vector<std::size_t> everywhere;
    for (std::size_t at = 1; at < one.request.size(); ++at) everywhere.push_back(at);
    EXPECT_EQ(received(one.request, everywhere), one.outcome) << one.title << ", byte by byte";
    for (std::size_t at = 1; at < one.request.size(); at += step)
      ASSERT_EQ(received(one.request, {at}), one.outcome) << one.title << ", cut at " << at;
  }
}

TEST(RequestGate, APartOfAGoodHeadWaitsForTheRest) {
  const std::string request = "GET /a?b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  for (std::size_t size = 0; size < request.size(); ++size) {
    HeadScanner scanner;
    const auto outcome = scanner.scan(std::string_view(request).substr(0, size), {});
    EXPECT_TRUE(std::holds_alternative<HeadScanner::NeedsMore>(outcome)) << size;
  }
}

TEST(RequestGate, WhatFollowsTheHeadIsLeftAlone) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  HeadScanner scanner;
  const std::string both = request + "\x16 rubbish\n\n";
  const auto outcome = scanner.scan(both, {});
  ASSERT_TRUE(std::holds_alternative<HeadScanner::Complete>(outcome));
  EXPECT_EQ(std::get<HeadScanner::Complete>(outcome).size, request.size());
}

TEST(RequestGate, RefusalsSayWhatIsWrongWithoutRepeatingTheRequest) {
  for (const Case& one : read_cases()) {
    HeadScanner scanner;
    const auto outcome = scanner.scan(one.request, rules());
    const auto* refusal = std::get_if<Refusal>(&outcome);
    if (refusal == nullptr) continue;
    EXPECT_GE(refusal->status, 400) << one.title;
    EXPECT_FALSE(refusal->code.empty() || refusal->message.empty()) << one.title;
    EXPECT_TRUE(std::ranges::all_of(refusal->message, [](char c) { return c >= ' ' && c <= '~'; })) << one.title;
    EXPECT_EQ(refusal->message.find("vil"), std::string::npos) << one.title;
  }
}

TEST(RequestGate, KnowsTheNamesOfThisMachine) {
  for (const char* host : {"localhost", "127.0.0.1", "127.255.0.9", "[::1]"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"", "localhost.evil.example", "127.0.0.1.evil.example", "127.1", "0.0.0.0", "[::]",
                           "128.0.0.1", "[::ffff:127.0.0.1]"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(RequestGate, FieldsAreFoundInAnyCase) {
  const std::string request = "GET / HTTP/1.1\r\nhOsT: a\r\nX-Thing:  one two \t\r\n\r\n";
  HeadScanner scanner;
  const auto outcome = scanner.scan(request, {});
  const auto& head = std::get<HeadScanner::Complete>(outcome).head;
  EXPECT_EQ(head.field("x-thing"), "one two");
  EXPECT_EQ(head.field("HOST"), "a");
  EXPECT_EQ(head.field("x-thin"), std::nullopt);
}

}  // namespace
}  // namespace wrench::net
