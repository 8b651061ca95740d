#include "wrench/agents/mail.hpp"

#include <string>

#include "schemas.hpp"

namespace wrench::agents {

using codec::Json;

std::vector<workflow::MessageType> message_types() {
  const Json text = schema::of("string");
  const Json place =
      schema::object({{"fingerprint", text}, {"path", text}, {"line", schema::of("integer")}, {"content", text}});
  const Json introduced = schema::object({{"fingerprint", text}, {"commit", text}, {"date", text}, {"author", text}});
  const Json unknown = schema::object({{"fingerprint", text}, {"why", text}});
  return {{std::string(kNote), "a text for people", schema::object({{"text", text}})},
          {std::string(kEvidenceWanted), "asks what speaks for findings",
           schema::object({{"root", text}, {"findings", schema::list_of(place)}})},
          {std::string(kEvidence), "who introduced the code of findings",
           schema::object({{"evidence", schema::list_of(introduced)}, {"unknown", schema::list_of(unknown)}})}};
}

}  // namespace wrench::agents
