#include "wrench/codec/yaml_events.hpp"

#include <gtest/gtest.h>

namespace wrench::codec {
namespace {

/// Each scalar and alias as it is written, collections as brackets.
std::string steps(std::string_view text) {
  YamlEvents events(text);
  std::string out;
  for (;;) {
    const auto event = events.next();
    if (!event) return out + "fault at " + std::to_string(events.error_offset());
    switch (event->what) {
      case YamlEvent::What::Scalar:
      case YamlEvent::What::Alias:
        out += "<" + std::string(text.substr(event->first, event->end - event->first)) + ">";
        break;
      case YamlEvent::What::SequenceStart:
        out += event->flow ? "[" : "-[";
        break;
      case YamlEvent::What::MappingStart:
        out += event->flow ? "{" : "-{";
        break;
      case YamlEvent::What::SequenceEnd:
        out += "]";
        break;
      case YamlEvent::What::MappingEnd:
        out += "}";
        break;
      case YamlEvent::What::StreamEnd:
        return out;
      default:
        break;
    }
  }
}

TEST(YamlEvents, GiveTheBytesOfEachPart) {
  EXPECT_EQ(steps("a: 1\nb: [x, 'y']\n"), "-{<a><1><b>[<x><'y'>]}");
  EXPECT_EQ(steps("\u00fc: \u2713 ok\nz: 1\n"), "-{<\u00fc><\u2713 ok><z><1>}");
  EXPECT_EQ(steps("a: &x !t v\nb: *x\n"), "-{<a><v><b><*x>}");
}

TEST(YamlEvents, LetThroughWhatConfigurationRefuses) {
  EXPECT_EQ(steps("a: 1\na: 2\n"), "-{<a><1><a><2>}");
  EXPECT_EQ(steps("? [k]\n: v\n"), "-{[<k>]<v>}");
  EXPECT_EQ(steps("a: *nobody\n"), "-{<a><*nobody>}");
}

TEST(YamlEvents, SayWhereTheFaultIs) { EXPECT_EQ(steps("a: 1\nb: ]\n"), "-{<a><1><b>fault at 8"); }

}  // namespace
}  // namespace wrench::codec
