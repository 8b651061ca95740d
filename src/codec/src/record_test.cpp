#include "wrench/codec/record.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

namespace wrench::codec {
namespace {

enum class Colour : std::uint8_t { Red, Green, Blue };
constexpr Colour last_of(Colour) { return Colour::Blue; }

struct Inner {
  std::int64_t number = 0;
  std::string text;
  bool operator==(const Inner&) const = default;
};
template <class Archive, RecordOf<Inner> I>
void fields(Archive& archive, I& inner) {
  archive(inner.number, inner.text);
}

struct Outer {
  std::uint64_t unsigned_number = 0;
  int small = 0;
  bool flag = false;
  double real = 0;
  Colour colour = Colour::Red;
  std::vector<Inner> list;
  std::optional<Inner> maybe;
  std::pair<std::string, std::uint32_t> pair;
  Json json;
  bool operator==(const Outer&) const = default;
};
template <class Archive, RecordOf<Outer> O>
void fields(Archive& archive, O& outer) {
  archive(outer.unsigned_number, outer.small, outer.flag, outer.real, outer.colour, outer.list, outer.maybe, outer.pair,
          outer.json);
}

std::string record_of(const Outer& outer) {
  RecordWriter writer;
  writer(outer);
  return std::move(writer).take();
}

Outer sample() {
  return {std::numeric_limits<std::uint64_t>::max(),
          -7,
          true,
          -0.125,
          Colour::Blue,
          {{std::numeric_limits<std::int64_t>::min(), "a"}, {std::numeric_limits<std::int64_t>::max(), ""}},
          Inner{0, std::string("\0\xff", 2)},
          {"p", 300},
          Json::object({{"k", Json::array({1, "two", nullptr})}})};
}

TEST(Record, GivesBackWhatWasWritten) {
  for (const Outer& outer : {sample(), Outer{}}) {
    const std::string bytes = record_of(outer);
    RecordReader reader(bytes);
    Outer read;
    reader(read);
    EXPECT_TRUE(reader.complete());
    EXPECT_EQ(read, outer);
  }
}

struct Grown {
  std::string first, added = "none";
};
template <class Archive, RecordOf<Grown> G>
void fields(Archive& archive, G& grown) {
  archive(grown.first);
  if (archive.form() >= 2) archive(grown.added);
}

TEST(Record, AnOlderFormHasNoLaterMembers) {
  RecordWriter writer;
  writer(std::vector<Grown>{{"a", "x"}});
  const std::string now = std::move(writer).take();
  for (const auto& [form, bytes, added] :
       {std::tuple(2, now, "x"), std::tuple(1, now.substr(0, now.size() - 2), "none")}) {
    RecordReader reader(bytes);
    reader.set_form(form);
    std::vector<Grown> read;
    reader(read);
    ASSERT_TRUE(reader.complete()) << form;
    EXPECT_EQ(read.at(0).first, "a");
    EXPECT_EQ(read.at(0).added, added);
  }
}

TEST(Record, EveryCutIsNoticed) {
  const std::string bytes = record_of(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    RecordReader reader(std::string_view(bytes).substr(0, size));
    Outer read;
    reader(read);
    EXPECT_FALSE(reader.complete()) << size;
  }
  const std::string with_more = bytes + "x";
  RecordReader longer(with_more);
  Outer read;
  longer(read);
  EXPECT_FALSE(longer.failed());
  EXPECT_FALSE(longer.complete());
}

TEST(Record, RefusesValuesOutOfRange) {
  const auto refuses = [](std::string_view bytes, auto value) {
    RecordReader reader(bytes);
    reader(value);
    return reader.failed();
  };
  EXPECT_TRUE(refuses("\x02", false));
  EXPECT_TRUE(refuses("\x03", Colour::Red));
  EXPECT_FALSE(refuses("\x02", Colour::Red));
  EXPECT_TRUE(refuses("\x80\x02", std::uint8_t{0}));
  EXPECT_TRUE(refuses(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10), std::uint64_t{0}));
  EXPECT_FALSE(refuses(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10), std::uint64_t{0}));
  EXPECT_TRUE(refuses("\x02{", Json()));
}

TEST(Record, AFalseLengthCostsNoMemory) {
  // 2^40 texts in six bytes; and a million lists in a megabyte, none of which is there.
  for (const std::string& bytes : {std::string("\x80\x80\x80\x80\x80\x20"), std::string(1 << 20, '\x7f')}) {
    RecordReader reader(bytes);
    std::vector<Outer> many;
    reader(many);
    EXPECT_FALSE(reader.complete());
    EXPECT_LT(many.capacity(), 1000U);
  }
}

TEST(Record, CopiesListsOfNumbers) {
  const std::vector<std::uint32_t> values{1, 0xFFFFFFFF, 7};
  RecordWriter writer;
  writer.bulk(values);
  writer.bulk(std::vector<std::uint16_t>{});
  const std::string bytes = std::move(writer).take();
  RecordReader reader(bytes);
  std::vector<std::uint32_t> read;
  std::vector<std::uint16_t> none{5};
  reader.bulk(read);
  reader.bulk(none);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(read, values);
  EXPECT_TRUE(none.empty());
  RecordReader cut(std::string_view(bytes).substr(0, 6));
  cut.bulk(read);
  EXPECT_TRUE(cut.failed());
}

TEST(Record, TextsCanBeReadWithoutACopy) {
  RecordWriter writer;
  writer(std::string_view("abc"), std::optional<std::string_view>("de"), std::string("f"));
  const std::string bytes = std::move(writer).take();
  RecordReader reader(bytes);
  std::string_view first, last;
  std::optional<std::string_view> second;
  reader(first, second, last);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(first, "abc");
  EXPECT_EQ(second, "de");
  EXPECT_EQ(last, "f");
  EXPECT_EQ(first.data(), bytes.data() + 1);
  RecordReader cut(std::string_view(bytes).substr(0, 3));
  cut(first);
  EXPECT_TRUE(cut.failed());
}

TEST(Record, PlainThingsLieAsInMemory) {
  struct Point {
    std::uint32_t x = 0, y = 0;
    bool operator==(const Point&) const = default;
  };
  const std::vector<Point> points{{1, 2}, {3, 4}};
  RecordWriter writer;
  writer.bulk(points);
  const std::string bytes = std::move(writer).take();
  EXPECT_EQ(bytes.size(), 1 + sizeof(Point) * points.size());
  RecordReader reader(bytes);
  std::vector<Point> read;
  reader.bulk(read);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(read, points);
}

}  // namespace
}  // namespace wrench::codec
