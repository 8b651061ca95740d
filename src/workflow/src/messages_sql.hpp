#pragma once

#include "wrench/storage/statement.hpp"

namespace wrench::workflow::sql {

using storage::Statement;

// messages_sql.cpp, of message_rows.cpp, messages.cpp and message_delivery.cpp
extern const Statement kMailbox, kCountMessage, kUncountMessage, kInsertMessage, kMessageByKey, kMessageById,
    kMessagesByShortId, kCloseMessage, kMessagesExpired, kMessagesToDelete, kDeleteMessage, kExecutionByPublicId,
    kProjectByName;
extern const Statement kMessagesOf, kOpenMessagesOf, kDeadMessagesOf, kMessagesOfExecution, kNewestMessages;
extern const Statement kSubscription, kSubscriptionsBehind, kInsertSubscription, kMoveSubscription, kDelaySubscription,
    kDeleteSubscription;
storage::StatementCatalogue::List of_messages();

}  // namespace wrench::workflow::sql
