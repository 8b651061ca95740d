#include "wrench/net/http.hpp"

namespace wrench::net {
namespace {

struct Status {
  int code;
  std::string_view reason;
};

constexpr Status kStatuses[] = {{100, "Continue"},
                                {101, "Switching Protocols"},
                                {200, "OK"},
                                {201, "Created"},
                                {202, "Accepted"},
                                {204, "No Content"},
                                {301, "Moved Permanently"},
                                {302, "Found"},
                                {303, "See Other"},
                                {304, "Not Modified"},
                                {307, "Temporary Redirect"},
                                {308, "Permanent Redirect"},
                                {400, "Bad Request"},
                                {401, "Unauthorized"},
                                {403, "Forbidden"},
                                {404, "Not Found"},
                                {405, "Method Not Allowed"},
                                {406, "Not Acceptable"},
                                {408, "Request Timeout"},
                                {409, "Conflict"},
                                {410, "Gone"},
                                {412, "Precondition Failed"},
                                {413, "Content Too Large"},
                                {414, "URI Too Long"},
                                {415, "Unsupported Media Type"},
                                {417, "Expectation Failed"},
                                {421, "Misdirected Request"},
                                {422, "Unprocessable Content"},
                                {426, "Upgrade Required"},
                                {428, "Precondition Required"},
                                {429, "Too Many Requests"},
                                {431, "Request Header Fields Too Large"},
                                {500, "Internal Server Error"},
                                {501, "Not Implemented"},
                                {503, "Service Unavailable"},
                                {504, "Gateway Timeout"},
                                {505, "HTTP Version Not Supported"},
                                {507, "Insufficient Storage"}};

}  // namespace

std::string_view reason(int status) {
  for (const auto& [code, reason] : kStatuses)
    if (code == status) return reason;
  return "Status";
}

Response problem(int status, std::string_view code, std::string_view detail, std::string_view row) {
  Response out;
  out.status = status;
  out.content_type = "application/problem+json";
  out.body = "{\"type\":\"about:blank\",\"title\":\"";
  out.body.append(reason(status)).append("\",\"status\":").append(std::to_string(status)).append(",\"code\":\"");
  out.body.append(code).append("\",\"detail\":\"").append(detail).append("\"");
  if (!row.empty()) out.body.append(",\"row\":\"").append(row).append("\"");
  out.body += "}\n";
  return out;
}

Reply::~Reply() {
  if (sink_) sink_(problem(500, "internal", "the request was dropped before it was answered"));
}

}  // namespace wrench::net
