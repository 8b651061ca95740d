#include "sqlite_page_cache.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <new>

namespace wrench::storage {
namespace {

constexpr unsigned kLockByte = 0x40000000;  // SQLite's file format, section 1.4: the page there holds no data.

sqlite3_pcache_methods2 inner;

struct PageCache {
  sqlite3_pcache* pages;
  unsigned lock_page;
  unsigned highest = 0;
};

PageCache& of(sqlite3_pcache* cache) { return *reinterpret_cast<PageCache*>(cache); }

sqlite3_pcache* create(int page_bytes, int extra_bytes, int purgeable) {
  sqlite3_pcache* pages = inner.xCreate(page_bytes, extra_bytes, purgeable);
  if (pages == nullptr) return nullptr;
  auto* cache = new (std::nothrow) PageCache{pages, kLockByte / static_cast<unsigned>(page_bytes) + 1};
  if (cache == nullptr) inner.xDestroy(pages);
  return reinterpret_cast<sqlite3_pcache*>(cache);
}

void destroy(sqlite3_pcache* cache) {
  inner.xDestroy(of(cache).pages);
  delete &of(cache);
}

sqlite3_pcache_page* fetch(sqlite3_pcache* cache, unsigned page_no, int create_flag) {
  sqlite3_pcache_page* page = inner.xFetch(of(cache).pages, page_no, create_flag);
  if (page != nullptr) of(cache).highest = std::max(of(cache).highest, page_no);
  return page;
}

void rekey(sqlite3_pcache* cache, sqlite3_pcache_page* page, unsigned from, unsigned to) {
  inner.xRekey(of(cache).pages, page, from, to);
  if (to != of(cache).lock_page) of(cache).highest = std::max(of(cache).highest, to);
}

void truncate(sqlite3_pcache* cache, unsigned first_gone) {
  if (first_gone > of(cache).highest) return;
  inner.xTruncate(of(cache).pages, first_gone);
  of(cache).highest = first_gone - 1;
}

}  // namespace

bool install_page_cache() {
  if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &inner) != SQLITE_OK) return false;
  sqlite3_pcache_methods2 outer = inner;
  outer.xCreate = create;
  outer.xDestroy = destroy;
  outer.xFetch = fetch;
  outer.xRekey = rekey;
  outer.xTruncate = truncate;
  outer.xCachesize = [](sqlite3_pcache* cache, int pages) { inner.xCachesize(of(cache).pages, pages); };
  outer.xPagecount = [](sqlite3_pcache* cache) { return inner.xPagecount(of(cache).pages); };
  outer.xUnpin = [](sqlite3_pcache* cache, sqlite3_pcache_page* page, int discard) {
    inner.xUnpin(of(cache).pages, page, discard);
  };
  outer.xShrink = [](sqlite3_pcache* cache) { inner.xShrink(of(cache).pages); };
  return sqlite3_config(SQLITE_CONFIG_PCACHE2, &outer) == SQLITE_OK;
}

}  // namespace wrench::storage
