#pragma once

namespace wrench::storage {

/// SQLite's own page cache behind a count of its highest page. Balancing a b-tree lends a page the number of the lock
/// page (262,145) for a moment; the cache then believes it to be its highest page for ever, and looks through all of
/// its pages at the next commit: half a millisecond with 64 MiB. Before the first connection of the process; once.
/// False if SQLite is in use already: everything works without, too.
bool install_page_cache();

}  // namespace wrench::storage
