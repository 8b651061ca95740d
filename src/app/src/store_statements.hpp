#pragma once

#include "wrench/storage/statement.hpp"

namespace wrench::app {

/// Every SQL statement of this program.
storage::StatementCatalogue store_statements();

}  // namespace wrench::app
