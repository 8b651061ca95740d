#include "http_connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wrench::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kDate = "Thu, 01 Jan 1970 00:00:00 GMT";

class HttpConnectionTest : public ::testing::Test {
 protected:
  void receive(std::string_view bytes) { connection_.received(bytes, now_); }
  void answer(std::string body, int status = 200) {
    connection_.reply({.status = status, .content_type = "text/plain", .body = std::move(body), .fields = {}}, kDate,
                      now_);
  }
  /// Sends all that there is, as if the other side took it.
  std::string flush() {
    std::string out(connection_.output());
    if (!out.empty()) connection_.sent(out.size(), now_);
    return out;
  }
  void later(Micros by) {
    now_ += by;
    connection_.look_at_time(kDate, now_);
  }
  std::unique_ptr<Request> ask(std::string_view bytes) {
    receive(bytes);
    return connection_.next_request();
  }

  GateRules rules_;
  Admit admit_ = [](const RequestHead& head, const std::string&) {
    Admission out{.body_bytes_max = 100, .refusal = std::nullopt};
    if (head.path == "/no") out.refusal = problem(401, "unauthenticated", "who are you");
    return out;
  };
  ConnectionLimits limits_;
  Micros now_ = 1'000'000;
  HttpConnection connection_{rules_, admit_, limits_, "127.0.0.1", now_};
};

TEST_F(HttpConnectionTest, ServesOneRequestAfterTheOther) {
  auto first = ask("GET /a?b HTTP/1.1\r\nHost: h\r\n\r\nPOST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->head.path, "/a");
  EXPECT_EQ(first->head.query, "b");
  EXPECT_EQ(first->peer, "127.0.0.1");
  EXPECT_EQ(connection_.next_request(), nullptr) << "the answer to the first isn't there yet";
  answer("one");
  EXPECT_EQ(connection_.next_request(), nullptr) << "nor sent";
  EXPECT_EQ(flush(),
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain\r\n"
            "Content-Length: 3\r\n\r\none");
  auto second = connection_.next_request();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->head.method, Method::Post);
  EXPECT_EQ(second->body, "abc");
  EXPECT_EQ(first->head.path, "/a") << "what the first views is its own";
  answer("two");
  EXPECT_THAT(flush(), HasSubstr("\r\n\r\ntwo"));
  EXPECT_TRUE(connection_.is_idle());
}

TEST_F(HttpConnectionTest, ReadsBodiesInPieces) {
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"), nullptr);
  EXPECT_EQ(ask("c\r\n2"), nullptr);
  const auto request = ask("\r\nde\r\n0\r\n\r\n");
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->body, "abcde");
}

TEST_F(HttpConnectionTest, ARefusalIsTheLastAnswer) {
  EXPECT_EQ(ask("GET  / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  const std::string out = flush();
  EXPECT_THAT(out, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(out, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(out, HasSubstr("\"row\":\"G4\""));
  EXPECT_TRUE(connection_.is_draining());
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr) << "nothing that follows is read";
  EXPECT_FALSE(connection_.is_over());
  later(limits_.drain_us + 1);
  EXPECT_TRUE(connection_.is_over());
}

TEST_F(HttpConnectionTest, ThrowsAwaySoMuchAfterARefusal) {
  receive("\x16");
  flush();
  receive(std::string(limits_.drain_bytes, 'x'));
  EXPECT_FALSE(connection_.is_over());
  receive("x");
  EXPECT_TRUE(connection_.is_over());
}

TEST_F(HttpConnectionTest, WhoMayNotIsToldBeforeTheBodyIsRead) {
  EXPECT_EQ(ask("POST /no HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), nullptr);
  const std::string out = flush();
  EXPECT_THAT(out, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(out, HasSubstr("Connection: close"));
  EXPECT_TRUE(connection_.is_draining());
}

TEST_F(HttpConnectionTest, WhoMayNotStaysConnectedWithoutABody) {
  EXPECT_EQ(ask("GET /no HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  EXPECT_THAT(flush(), Not(HasSubstr("Connection: close")));
  EXPECT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
}

TEST_F(HttpConnectionTest, TellsToGoOnOnlyWhenTheBodyIsWanted) {
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), nullptr);
  EXPECT_EQ(flush(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_NE(ask("abc"), nullptr);
}

TEST_F(HttpConnectionTest, BodiesHaveALimit) {
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n"), nullptr);
  EXPECT_THAT(flush(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpConnectionTest, HeadHasTheLengthButNoBody) {
  ASSERT_NE(ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  answer("abc");
  const std::string out = flush();
  EXPECT_THAT(out, HasSubstr("Content-Length: 3\r\n\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("abc")));
}

TEST_F(HttpConnectionTest, NobodyWritesALineByWayOfAValue) {
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  connection_.reply({.status = 302, .content_type = "", .body = "", .fields = {{"Location", "/a\r\nSet-Cookie: b=c"}}},
                    kDate, now_);
  const std::string out = flush();
  EXPECT_THAT(out, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(out, Not(HasSubstr("Set-Cookie")));
}

TEST_F(HttpConnectionTest, ClosesWhenAsked) {
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), nullptr);
  answer("x");
  EXPECT_THAT(flush(), HasSubstr("Connection: close"));
  EXPECT_TRUE(connection_.is_draining());
}

TEST_F(HttpConnectionTest, AConnectionHasSoManyRequests) {
  limits_.requests_max = 2;
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  answer("x");
  EXPECT_THAT(flush(), Not(HasSubstr("Connection: close")));
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  answer("x");
  EXPECT_THAT(flush(), HasSubstr("Connection: close"));
}

TEST_F(HttpConnectionTest, AnswersWhoSendsNothingMore) {
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  connection_.ended();
  EXPECT_FALSE(connection_.is_over());
  answer("x");
  EXPECT_THAT(flush(), HasSubstr("\r\n\r\nx"));
  EXPECT_TRUE(connection_.is_over());
}

TEST_F(HttpConnectionTest, HalfARequestThatEndsIsOver) {
  receive("GET / HT");
  connection_.ended();
  EXPECT_TRUE(connection_.is_over());
}

TEST_F(HttpConnectionTest, ASlowHeadIsRefused) {
  receive("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 5; ++i) {
    later(limits_.head_us / 5);
    EXPECT_EQ(flush(), "");
    receive("X: y\r\n");
  }
  later(1);
  EXPECT_THAT(flush(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(connection_.was_too_slow());
}

TEST_F(HttpConnectionTest, WhoSaysNothingIsToldNothing) {
  later(limits_.head_us);
  EXPECT_FALSE(connection_.is_over());
  later(1);
  EXPECT_TRUE(connection_.is_over());
  EXPECT_EQ(flush(), "");
}

TEST_F(HttpConnectionTest, IdleConnectionsStayLonger) {
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  answer("x");
  flush();
  later(limits_.idle_us);
  EXPECT_FALSE(connection_.is_over());
  receive("G");  // The time of the head begins now.
  later(limits_.head_us);
  EXPECT_FALSE(connection_.is_over());
  later(1);
  EXPECT_THAT(flush(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpConnectionTest, ASlowBodyIsRefusedAndAFastOneIsNot) {
  limits_.rate_bytes = 10;
  admit_ = [](const RequestHead&, const std::string&) { return Admission{1000, std::nullopt}; };
  receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  receive(std::string(10, 'x'));
  later(2 * limits_.rate_window_us);  // One of them is the grace.
  EXPECT_EQ(flush(), "");
  receive(std::string(10, 'x'));
  later(limits_.rate_window_us);
  EXPECT_EQ(flush(), "");
  receive(std::string(9, 'x'));
  later(limits_.rate_window_us);
  EXPECT_THAT(flush(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpConnectionTest, WhoReadsNothingIsClosed) {
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  answer(std::string(100, 'x'));
  connection_.sent(10, now_);
  later(limits_.write_stall_us);
  EXPECT_FALSE(connection_.is_over());
  connection_.sent(10, now_);
  later(limits_.write_stall_us);
  EXPECT_FALSE(connection_.is_over());
  later(1);
  EXPECT_TRUE(connection_.is_over());
}

TEST_F(HttpConnectionTest, TakesSoMuchOfTheNextRequestsWhileOneIsServed) {
  ASSERT_NE(ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nullptr);
  EXPECT_TRUE(connection_.wants_bytes());
  receive(std::string(16 * 1024, 'x'));
  EXPECT_FALSE(connection_.wants_bytes());
}

}  // namespace
}  // namespace wrench::net
